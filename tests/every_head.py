"""A small form of every head and loss, for tests that all of them must pass."""

from yolo_tf.config import (
    AssignConfig,
    DarknetLossConfig,
    FocalGiouLossConfig,
    GaussianLossConfig,
    ScaledLossConfig,
    SquaredLossConfig,
    SsdHeadConfig,
    TalAssignConfig,
    TalHeadConfig,
    YoloHeadConfig,
    YoloxHeadConfig,
)

ANCHORS = {16: ((8, 8), (14, 14), (20, 20)), 32: ((26, 26), (32, 32), (48, 48))}
RATIOS = (1.0, 2.0, 1 / 2)


def _yolo(loss, **settings):
    settings = {"scale_xy": {16: 1.05, 32: 1.05}, **settings}
    return YoloHeadConfig(anchors=ANCHORS, loss=loss, **settings)


_TWICE = {"codec": "scaled", "scale_xy": {16: 2.0, 32: 2.0}}
_PP_YOLOE = TalAssignConfig(top_k=13, alpha=1.0, overlap="iou", conflicts="selected")
_RATIO = AssignConfig(threshold=4.0, require_threshold=True, neighbour_cells=True)

# name -> head, for networks with outputs at strides 16 and 32 and inputs of about 100 pixels.
HEADS = {
    "darknet": _yolo(DarknetLossConfig()),
    "darknet_mse": _yolo(DarknetLossConfig(iou_type="mse", box_normalizer=0.75)),
    "darknet_new_coords": _yolo(
        DarknetLossConfig(gradient="analytic", box_normalizer=2.0), **_TWICE
    ),
    "gaussian": _yolo(GaussianLossConfig(), codec="gaussian"),
    "scaled": _yolo(ScaledLossConfig(class_normalizer=8.0), assign=_RATIO, **_TWICE),
    "squared": _yolo(SquaredLossConfig(), scale_xy={}, assign=AssignConfig(policy="best")),
    "focal_giou": _yolo(
        FocalGiouLossConfig(), scale_xy={}, assign=AssignConfig(policy="cell_iou", threshold=0.3)
    ),
    "yolox": YoloxHeadConfig(strides=(16, 32)),
    "tal": TalHeadConfig(strides=(16, 32), bins=4),  # boxes of up to 6 strides fill the input
    "tal_one_bin": TalHeadConfig(
        strides=(16, 32),
        bins=1,
        assign=_PP_YOLOE,
        class_loss="varifocal",
        box_loss="giou",
        class_weight=1.0,
        box_weight=2.5,
        class_prior="pi",
    ),
    "ssd": SsdHeadConfig(aspect_ratios={16: RATIOS, 32: RATIOS}, scales=(0.15, 0.3, 0.5)),
}
