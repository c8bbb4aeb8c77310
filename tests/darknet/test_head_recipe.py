"""[yolo] sections written from a head give the head back."""

import dataclasses

import pytest

from tests.darknet.cfgs import NET, conv
from yolo_tf.config import AssignConfig, DarknetLossConfig, ScaledLossConfig, YoloHeadConfig
from yolo_tf.darknet.cfg import parse_cfg
from yolo_tf.darknet.head_recipe import head_config, yolo_fields
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.errors import UserError

HEAD = YoloHeadConfig(
    anchors={8: ((10.0, 13.5), (16.0, 30.0)), 16: ((33.0, 23.0),)},
    scale_xy={8: 1.1, 16: 1.05},
    assign=AssignConfig(policy="threshold", threshold=0.25),
    loss=DarknetLossConfig(iou_type="giou", box_normalizer=0.05, objectness_smooth=1.0),
    loss_by_stride={16: {"objectness_normalizer": 0.4}},
)


def written(head: YoloHeadConfig, codec="exp"):
    activation = "logistic" if codec == "scaled" else "linear"
    text = NET + conv(8, 3, 4) + conv(8, 3, 2)
    for stride, fields in yolo_fields(dataclasses.replace(head, codec=codec), 2).items():
        text += conv(8, 3, 2) if stride == 16 else ""
        text += f"[convolutional]\nsize=1\nfilters={7 * len(head.anchors[stride])}\n"
        text += f"activation={activation}\n[yolo]\n"
        text += "".join(f"{key}={value}\n" for key, value in fields.items())
        text += "[route]\nlayers=1\n" if stride == 8 else ""
    return outputs(plan(parse_cfg(text)))


@pytest.mark.parametrize("codec", ["exp", "scaled"])
def test_there_and_back(codec):
    levels = written(HEAD, codec)
    assert [level.classes for level in levels] == [2, 2]
    found = head_config(levels)
    assert found == dataclasses.replace(HEAD, codec=codec)


def test_of_a_loss_that_darknet_has_not_the_boxes_are_the_same():
    other = dataclasses.replace(HEAD, loss=ScaledLossConfig(), loss_by_stride={})
    found = head_config(written(other))
    assert (found.anchors, found.scale_xy, found.codec) == (HEAD.anchors, HEAD.scale_xy, "exp")


def test_one_anchor_a_box():
    best = dataclasses.replace(HEAD, assign=AssignConfig(policy="best"))
    assert head_config(written(best)).assign.policy == "best"


def test_levels_of_one_kind():
    mixed = [written(HEAD, "scaled")[0], written(HEAD)[1]]
    with pytest.raises(UserError, match=r"new_coords missing: expected the same in all levels"):
        head_config(mixed)
