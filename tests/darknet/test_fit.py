"""A cfg for another class count and input size."""

import pytest

from tests.darknet.cfgs import SMALL
from tests.darknet.data import cfg_files
from yolo_tf.darknet.cfg import cfg_text, parse_cfg, read_cfg
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.darknet.recipe import fitted


def check(cfg, input_size, num_classes):
    before = cfg_text(cfg)
    again = parse_cfg(cfg_text(fitted(cfg, input_size, num_classes)))
    layers, old = plan(again), plan(cfg)
    assert [level.classes for level in outputs(layers)] == [num_classes] * len(outputs(old))
    assert [level.anchors for level in outputs(layers)] == [x.anchors for x in outputs(old)]
    assert (again.net.integer("height"), again.net.integer("width")) == input_size
    assert cfg_text(cfg) == before
    for new, layer in zip(layers, old, strict=True):
        assert new.kind == layer.kind
        if layer.conv >= 0 and layer.conv not in {level.conv for level in outputs(old)}:
            assert new.floats == layer.floats


@pytest.mark.parametrize("name", SMALL)
def test_small_ones(name):
    check(parse_cfg(SMALL[name]), (128, 64), 5)


@pytest.mark.parametrize("path", cfg_files(exclude=("darknet53.cfg",)))
def test_darknets_own(path):
    check(read_cfg(path), (320, 416), 3)
