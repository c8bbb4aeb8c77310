"""Builds our YOLO head from the hyper-parameters of a Model Garden fixture."""

import math

from yolo_tf.config import AssignConfig, DarknetLossConfig, ScaledLossConfig, YoloHeadConfig
from yolo_tf.heads.yolo.head import YoloHead


def strides(meta) -> dict[str, int]:
    return {key: meta["strides"][key] for key in meta["keys"]}


def assign_config(meta) -> AssignConfig:
    return AssignConfig(
        policy="threshold",
        threshold=meta["anchor_thresh"],
        require_threshold=meta["best_match_only"],
        extra_matches=meta["use_tie_breaker"],
        neighbour_cells=not meta["darknet"],
    )


def darknet_loss(meta, key) -> DarknetLossConfig:
    limit = meta["max_delta"][key]
    return DarknetLossConfig(
        iou_type=meta["loss_type"][key],
        box_normalizer=meta["iou_normalizer"][key],
        class_normalizer=meta["cls_normalizer"][key],
        objectness_normalizer=meta["object_normalizer"][key],
        ignore_threshold=meta["ignore_thresh"][key],
        objectness_smooth=meta["objectness_smooth"][key],
        label_smoothing=meta["label_smoothing"],
        update_on_repeat=meta["update_on_repeat"],
        gradient="darknet",
        max_delta=math.inf if limit is None else limit,
    )


def scaled_loss(meta, key) -> ScaledLossConfig:
    return ScaledLossConfig(
        iou_type=meta["loss_type"][key],
        box_normalizer=meta["iou_normalizer"][key],
        class_normalizer=meta["cls_normalizer"][key],
        objectness_normalizer=meta["object_normalizer"][key],
        ignore_threshold=meta["ignore_thresh"][key],
        objectness_smooth=meta["objectness_smooth"][key],
        label_smoothing=meta["label_smoothing"],
        update_on_repeat=meta["update_on_repeat"],
    )


def head_of(arrays, meta, assign=None, losses=None) -> YoloHead:
    """`losses`: stride -> config of the loss, of one type."""
    losses = losses or {strides(meta)[meta["keys"][0]]: DarknetLossConfig()}
    config = YoloHeadConfig(
        anchors={s: arrays[f"anchors_{k}"].tolist() for k, s in strides(meta).items()},
        scale_xy={s: meta["scale_xy"][k] for k, s in strides(meta).items()},
        codec="scaled" if meta.get("box_type") == "scaled" else "exp",
        assign=assign or AssignConfig(),
        loss=next(iter(losses.values())),
        loss_by_stride={s: vars(loss) for s, loss in losses.items()},
    )
    return YoloHead(config, meta["C"], (meta["H"], meta["W"]))
