"""[yolo] sections written from a head give the head back."""

import dataclasses

import pytest

from tests.darknet.cfgs import NET, conv
from yolo_tf.config import (
    AssignConfig,
    DarknetLossConfig,
    GaussianLossConfig,
    ScaledLossConfig,
    YoloHeadConfig,
)
from yolo_tf.darknet.cfg import parse_cfg
from yolo_tf.darknet.head_recipe import anchor_remarks, head_config, section_kind, yolo_fields
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
        values = 11 if codec == "gaussian" else 7
        text += f"[convolutional]\nsize=1\nfilters={values * len(head.anchors[stride])}\n"
        text += f"activation={activation}\n[{'Gaussian_' * (values == 11)}yolo]\n"
        text += "".join(f"{key}={value}\n" for key, value in fields.items())
        text += "[route]\nlayers=1\n" if stride == 8 else ""
    return outputs(plan(parse_cfg(text)))


@pytest.mark.parametrize("codec", ["exp", "scaled"])
def test_there_and_back(codec):
    levels = written(HEAD, codec)
    assert [level.classes for level in levels] == [2, 2]
    found = head_config(levels)
    assert found == dataclasses.replace(HEAD, codec=codec)


def test_gaussian_there_and_back():
    loss = GaussianLossConfig("ciou", 0.05, ignore_threshold=0.6, uncertainty_normalizer=0.7)
    by_stride = {16: {"uncertainty_normalizer": 0.4}}
    head = dataclasses.replace(HEAD, codec="gaussian", loss=loss, loss_by_stride=by_stride)
    assert section_kind(head) == "Gaussian_yolo"
    levels = written(head, "gaussian")
    assert [level.box_channels for level in levels] == [9, 9]
    assert head_config(levels) == head


def test_masks_beyond_num_are_told():
    text = NET + conv(8) + "[convolutional]\nfilters=7\nactivation=linear\n[yolo]\nmask=1\n"
    levels = outputs(plan(parse_cfg(text + "anchors=1,2, 3,4\nclasses=2\nnum=1\n")))
    assert levels[0].anchors == ((3, 4),)
    assert anchor_remarks(levels) == [
        "[yolo] num=1 (section in line 15) is not used: mask=1 takes more of the anchors"
    ]
    assert anchor_remarks(written(HEAD)) == []


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
