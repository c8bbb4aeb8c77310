"""What a cfg's sections mean, and what is refused (algorithms.md 6.1, 6.2)."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.darknet.cfgs import HEAD, MOBILE, NET, SMALL, V2, V7, cfg_texts, conv, mutated, tried
from tests.darknet.data import DARKNET, cfg_files, needs_darknet_data
from yolo_tf.darknet.cfg import parse_cfg, read_cfg
from yolo_tf.darknet.plan import backbone_end, outputs, parts, plan
from yolo_tf.errors import UserError

# Floats of the .weights file, as counted in the data's README, and convolutions of the backbone.
FILES = {
    "yolov3-tiny": (8858734, 7),
    "yolov4-tiny": (6062814, 15),
    "yolov3": (62001757, 52),
    "yolov3-spp": (63052381, 52),
    "yolov3-voc": (61678657, 52),
    "yolov4": (64429405, 72),
    "yolov4-csp": (52986205, 68),
    "yolo-fastest": (356406, 73),
    "yolo-fastest-1.1": (346062, 73),
    "MobileNetV2-YOLOv3-Nano-voc": (769750, 48),
}


def _plan(layers: str, size=None):
    return plan(parse_cfg(NET + layers, "small.cfg"), size)


@pytest.mark.parametrize("path", cfg_files(exclude=("darknet53.cfg",)))
def test_darknets_files(path):
    layers = plan(read_cfg(path))
    floats, backbone = FILES[path.stem]
    assert sum(layer.floats for layer in layers) == floats
    names = parts(layers)
    assert names.count("backbone") == backbone
    assert names[:backbone] == ["backbone"] * backbone
    assert names.count("output") == len(outputs(layers))


@needs_darknet_data
def test_levels_of_yolov4_tiny():
    layers = plan(read_cfg(DARKNET / "cfg" / "yolov4-tiny.cfg"), (320, 416))
    coarse, fine = outputs(layers)
    assert (coarse.stride, coarse.grid, coarse.classes) == (32, (10, 13), 80)
    assert (coarse.conv, coarse.layer, coarse.section.line) == (17, 30, 226)
    assert coarse.anchors == ((81, 82), (135, 169), (344, 319))
    assert (fine.stride, fine.conv) == (16, 20)
    assert fine.anchors == ((23, 27), (37, 58), (81, 82))  # mask 1,2,3, as published


@needs_darknet_data
def test_a_classifier_is_refused():
    with pytest.raises(UserError, match=r"darknet53.cfg:\d+: \[softmax\]: the cfg is a classifier"):
        plan(read_cfg(DARKNET / "cfg" / "darknet53.cfg"))


def test_levels_of_yolov2():
    (level,) = outputs(plan(parse_cfg(V2)))
    assert (level.stride, level.grid, level.classes, level.conv) == (4, (16, 24), 2, 5)
    assert level.anchors == ((2, 3), (8, 12))  # cells of 4 pixels
    assert not level.new_coords


def test_levels_of_yolov7():
    fine, coarse = outputs(plan(parse_cfg(V7)))
    assert (fine.stride, coarse.stride) == (2, 4)
    assert fine.new_coords
    assert coarse.anchors == ((40, 28), (36, 75))


def test_mask_defaults_to_all_anchors():
    text = HEAD.replace("mask=0\n", "").replace("filters=7", "filters=14")
    assert outputs(_plan(conv(8) + text))[0].anchors == ((10, 13), (16, 30))


def test_more_anchors_than_num_are_left_out():
    text = HEAD.replace("mask=0\n", "").replace("num=2", "num=1")
    assert outputs(_plan(conv(8) + text))[0].anchors == ((10, 13),)


def test_another_input_size():
    assert outputs(_plan(conv(8, 3, 2) + HEAD, (128, 32)))[0].grid == (64, 16)
    assert outputs(plan(parse_cfg("[net]\n" + HEAD), (32, 64)))[0].grid == (32, 64)


def _stage(branches: str) -> list:
    return _plan(conv(8, 3, 2) + branches + conv(8, 1) + HEAD)


@pytest.mark.parametrize(
    ("branches", "count"),
    [
        ("", 1),  # ends before the first 1x1 convolution
        (conv(8), 2),
        (conv(8, 1) + conv(8) + "[shortcut]\nfrom=-3\n", 4),  # ends with the shortcut
        (conv(8, 1) + conv(8) + "[shortcut]\nfrom=-3\n" + conv(8), 4),
        # CSP: the route joins a branch from before the shortcut; the convolution after closes it.
        (conv(8) + conv(8) + "[shortcut]\nfrom=-3\n" + conv(4) + "[route]\nlayers=-1,1\n", 7),
    ],
)
def test_end_of_the_backbone(branches, count):
    layers = _stage(branches)
    assert backbone_end(layers) == count
    assert backbone_end(layers, 1) == 1
    names = parts(layers, 1)
    assert names == ["backbone", *["neck"] * (len(names) - 2), "output"]


def test_the_way_up_is_no_backbone():
    layers = plan(parse_cfg(V7))
    assert layers[backbone_end(layers)].kind == "convolutional"
    assert backbone_end(layers) < next(x.index for x in layers if x.kind == "upsample")
    assert backbone_end(_plan("[upsample]\n" + conv(4, 3, 2) + HEAD)) == 0


def test_more_backbone_layers_than_there_are():
    with pytest.raises(UserError, match="backbone_layers: found 5, expected at most 4, the layers"):
        backbone_end(_stage(""), 5)


@pytest.mark.parametrize(
    ("net", "size", "message"),
    [
        ("[net]", None, "1: .net. height missing: expected a whole number from 32 to 8192"),
        ("[net]\nwidth=416\nheight=8", None, "3: .net. height=8: expected"),
        ("[net]\nwidth=99999\nheight=416", None, "2: .net. width=99999: expected"),
        ("[net]\nchannels=1", (64, 64), "2: .net. channels=1: images have 3 channels"),
        ("[net]", (64, 0), r"input_size: \(64, 0\) found"),
        ("[net]", (9999, 64), r"input_size: \(9999, 64\) found"),
    ],
)
def test_input_sizes_that_are_refused(net, size, message):
    with pytest.raises(UserError, match=message):
        plan(parse_cfg(net + HEAD, "small.cfg"), size)


def _layers_or_refused(text):
    cfg, message = tried(parse_cfg, text, "any.cfg")
    layers = None
    if cfg:
        start = time.monotonic()
        layers, message = tried(plan, cfg)
        if layers:
            assert 0 <= backbone_end(layers) <= len(layers)
            assert len(parts(layers)) == sum(layer.conv >= 0 for layer in layers)
        assert time.monotonic() - start < 2
    if not layers:
        assert message.startswith("any.cfg")
        assert len(message.splitlines()) == 1
        assert len(message) < 900


@settings(deadline=5000)
@given(st.one_of(cfg_texts(), mutated(list(SMALL.values()))))
def test_any_cfg_is_planned_or_refused(text):
    _layers_or_refused(text)


@needs_darknet_data
@settings(deadline=5000, max_examples=50)
@given(st.data())
def test_darknets_files_changed_are_planned_or_refused(data):
    texts = [path.read_text() for path in sorted(DARKNET.glob("*/*.cfg"))]
    _layers_or_refused(data.draw(mutated(texts)))


def test_the_longest_cfg_is_planned_in_no_time():
    references = ",".join(["0"] * 600)
    text = NET + conv(1, 1) + f"[route]\nlayers={references}\n" * 860 + HEAD
    cfg = parse_cfg(text)
    start = time.monotonic()
    assert len(plan(cfg, (32, 32))) == 863
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("text", [V2, V7, MOBILE])
def test_small_cfgs_are_planned(text):
    assert outputs(plan(parse_cfg(text)))
