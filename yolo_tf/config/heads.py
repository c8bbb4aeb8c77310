"""Settings of the heads: assignment, losses, and what each family needs; see `yolo_tf.config`."""

# No `from __future__ import annotations` here: ml_collections reads the field types at run time.
from dataclasses import dataclass, field

from yolo_tf.config.setting import (
    ABOVE_0,
    AT_LEAST_1,
    BOXES,
    FRACTION,
    NOT_NEGATIVE,
    SIDE,
    Range,
    setting,
)

Anchors = tuple[tuple[float, float], ...]

# Darknet's anchors of COCO at 416 x 416, by stride.
YOLOV3_ANCHORS: dict[int, Anchors] = {
    8: ((10, 13), (16, 30), (33, 23)),
    16: ((30, 61), (62, 45), (59, 119)),
    32: ((116, 90), (156, 198), (373, 326)),
}
YOLOV3_TINY_ANCHORS: dict[int, Anchors] = {
    16: ((10, 14), (23, 27), (37, 58)),
    32: ((81, 82), (135, 169), (344, 319)),
}


@dataclass
class AssignConfig:
    """Which anchors and cells answer for a ground-truth box (algorithms.md 3)."""

    policy: str = "threshold"  # a key of yolo_tf.heads.yolo.assign.POLICIES
    # "threshold", below 1: least IoU of box and anchor sizes; 1 or above: largest side ratio
    # (YOLOv5's rule). "cell_iou": IoU that box and anchor, in the middle of the box's cell, must
    # pass; YunYang1994's YOLOv3 has 0.3. "best" has no threshold.
    threshold: float = setting(0.213, ABOVE_0)
    # This and the next for "threshold". True: only anchors within the threshold; a box that fits
    # none is not trained. False: the best anchor of all levels always, whatever its fit.
    require_threshold: bool = False
    # With require_threshold false: also every other anchor within the threshold.
    extra_matches: bool = True
    # Also the cells left/right and above/below whose border is within (scale_xy - 1) / 2.
    neighbour_cells: bool = False


@dataclass
class DarknetLossConfig:
    """Loss of YOLOv3, YOLOv4 and their tiny forms (algorithms.md 4.3)."""

    # iou | giou | diou | ciou, or mse: squared error of centre and log size (YOLOv3's paper).
    iou_type: str = "ciou"
    # Weight of the box part (Darknet: iou_normalizer).
    box_normalizer: float = setting(0.07, NOT_NEGATIVE)
    # Weight of the class part (Darknet: cls_normalizer).
    class_normalizer: float = setting(1.0, NOT_NEGATIVE)
    # Weight of the objectness part (Darknet: obj_normalizer).
    objectness_normalizer: float = setting(1.0, NOT_NEGATIVE)
    # Free cells whose box overlaps a truth more are not punished.
    ignore_threshold: float = setting(0.7, FRACTION)
    # 0: objectness target 1. 1: target is the IoU where it passes ignore_threshold.
    objectness_smooth: float = setting(0.0, FRACTION)
    label_smoothing: float = setting(0.0, FRACTION)  # 0..1: class targets become y (1 - s) + s / 2
    # "darknet": box gradients skip the derivative of the decoding, as Darknet's C code (2.4).
    # "analytic": plain differentiation, the true gradient of the reported loss.
    gradient: str = setting("darknet", choices=("darknet", "analytic"))
    max_delta: float = setting(5.0, ABOVE_0)  # box gradients are clipped to +-this ("darknet" only)
    # Parity with other implementations, for golden tests; leave these alone.
    # True: class target of a slot is the union of its boxes' classes. False: one term a box.
    update_on_repeat: bool = setting(True, parity=True)


@dataclass
class GaussianLossConfig(DarknetLossConfig):
    """Loss of Gaussian YOLOv3, with `codec` "gaussian": boxes with uncertainties."""

    # Or mse: here the likelihood of the truth by the means.
    iou_type: str = "giou"
    box_normalizer: float = setting(0.5, NOT_NEGATIVE)
    ignore_threshold: float = setting(0.5, FRACTION)
    # Weight of the likelihood of the truth by the deviations (Darknet: uc_normalizer).
    uncertainty_normalizer: float = setting(1.0, NOT_NEGATIVE)


@dataclass
class ScaledLossConfig:
    """Loss of Scaled-YOLOv4: means over the positives of the batch (algorithms.md 4.7)."""

    iou_type: str = "ciou"  # iou | giou | diou | ciou
    # The parts are means, so these weights are of another size than DarknetLossConfig's; those of
    # yolov4-csp. Its objectness has 2.8, 0.7, 0.28 at strides 8, 16, 32: `loss_by_stride`.
    box_normalizer: float = setting(0.05, NOT_NEGATIVE)
    class_normalizer: float = setting(0.3, NOT_NEGATIVE)  # at 80 classes; times C / 80 otherwise
    objectness_normalizer: float = setting(1.0, NOT_NEGATIVE)
    # Free cells that are more like a truth of a class they see are not punished; 0: all are.
    ignore_threshold: float = setting(0.0, FRACTION)
    # 0: objectness target of a positive is 1. 1: its iou_type with the truth, at least 0.
    objectness_smooth: float = setting(1.0, FRACTION)
    label_smoothing: float = setting(0.0, FRACTION)  # 0..1: class targets become y (1 - s) + s / 2
    # Parity with other implementations, for golden tests; leave these alone.
    # Objectness target of a slot with several boxes. True: the last one's. False: the largest.
    update_on_repeat: bool = setting(True, parity=True)


@dataclass
class SquaredLossConfig:
    """Loss of YOLOv3's paper: squared errors, a box a slot (yolov3-tf2; algorithms.md 4.11)."""

    # Free cells whose box overlaps a truth more are not punished.
    ignore_threshold: float = setting(0.5, FRACTION)
    # Parity with other implementations, for golden tests; leave these alone.
    # Which truth. image: any of the image, as in the paper. level: those that this level trains,
    # as in yolov3-tf2, which punishes good boxes of the levels beside.
    ignore_scope: str = setting("image", choices=("image", "level"), parity=True)
    # bce: classes apart, as in the paper. normalized_sigmoid: share of the true class in the sum
    # of the sigmoids, as in yolov3-tf2; like a softmax, but weaker on classes that are sure.
    class_loss: str = setting("bce", parity=True)


@dataclass
class FocalGiouLossConfig:
    """Loss of YunYang1994's YOLOv3: GIoU and focal objectness, a box a slot.

    See algorithms.md 4.13.
    """

    # Free cells whose box overlaps a truth of the level more are not punished.
    ignore_threshold: float = setting(0.5, FRACTION)
    # Objectness: |target - probability| to this power times cross-entropy; 0 is plain.
    focal_exponent: float = setting(2.0, NOT_NEGATIVE)
    label_smoothing: float = setting(0.01, FRACTION)  # 0..1: class targets become y (1 - s) + s / C


@dataclass
class YoloHeadConfig:
    """Meaning of the raw outputs of a YOLO network."""

    # stride -> (width, height) of its anchors, pixels at config.input_size.
    anchors: dict[int, Anchors] = setting(dict, ABOVE_0)
    # stride -> how far centres may leave their cell: 1 not at all, 2 half a cell
    # (algorithms.md 2.1).
    scale_xy: dict[int, float] = setting(dict, AT_LEAST_1)
    # exp: YOLOv2 to YOLOv4. scaled: Scaled-YOLOv4 and later, boxes of up to 4 anchors
    # (algorithms.md 2.3).
    # gaussian: exp, each coordinate with a deviation that lowers the score (GaussianLossConfig).
    codec: str = "exp"
    # sigmoid: classes apart. softmax: one class a box, as in YOLOv2.
    class_activation: str = "sigmoid"
    assign: AssignConfig = field(default_factory=AssignConfig)
    # Or another of the losses above.
    loss: DarknetLossConfig = field(default_factory=DarknetLossConfig)
    # stride -> {field of the loss: value}, where one level differs.
    loss_by_stride: dict[int, dict[str, float]] = field(default_factory=dict)
    # Weight of each class in the class part of the loss, in the order of the classes; none: all 1.
    class_weights: tuple[float, ...] = setting((), NOT_NEGATIVE)


@dataclass
class SsdHeadConfig:
    """Meaning of the raw outputs of an SSD network (algorithms.md 2.8, 3.5, 4.20)."""

    # stride -> width / height of its priors (default boxes), in the order of the channels.
    aspect_ratios: dict[int, tuple[float, ...]] = setting(dict, ABOVE_0)
    # Side of a square prior over the input's shorter side: one of each level, finest first, and
    # one more, of the level that would follow; it makes the last level's larger square.
    scales: tuple[float, ...] = setting((), ABOVE_0)
    # stride -> pixels from prior to prior, or (vertical, horizontal) ones where cells are not
    # square. A level not named here: input side / cells.
    steps: dict[int, float | tuple[float, float]] = setting(dict, ABOVE_0)
    clip: bool = False  # cut priors off at the border of the input; the paper does not
    # Unit of the offsets (x, y, width, height): the smaller, the more an error of them costs.
    variances: tuple[float, float, float, float] = setting((0.1, 0.1, 0.2, 0.2), ABOVE_0)
    # Least IoU of a further positive prior with a truth.
    positive_iou: float = setting(0.5, Range(ABOVE_0.low, 1))
    # Priors without a truth that overlap one at least so much teach nothing; the value of
    # positive_iou, the published training's, leaves no such neutral zone. The reference has 0.3.
    neutral_iou: float = setting(0.5, Range(ABOVE_0.low, 1))
    negative_ratio: float = setting(3.0, AT_LEAST_1)  # hardest negatives trained for each positive
    # Fewest negatives trained in an image (or batch): 3 let an image without objects teach as much
    # background as one with a single object. The paper has 0.
    min_negatives: int = setting(3, NOT_NEGATIVE)
    box_weight: float = setting(1.0, NOT_NEGATIVE)  # weight of the box part (the paper's alpha)
    # Weight of each class in the class part of the loss, in the order of the classes; none: all 1.
    class_weights: tuple[float, ...] = setting((), NOT_NEGATIVE)
    # Parity with other implementations, for golden tests; leave these alone.
    # After ratio 1 also the square between its scale and the next.
    larger_square: bool = setting(True, parity=True)
    # multi: each truth's own best prior and every other one above positive_iou. bipartite: the
    # own best ones alone.
    matching: str = setting("multi", choices=("multi", "bipartite"), parity=True)
    # Hardest of what: image, as in the paper. batch: of all images of the step; with several
    # replicas each replica's own share of them.
    mining_scope: str = setting("image", choices=("image", "batch"), parity=True)


@dataclass
class SimotaConfig:
    """Which cells answer for a ground-truth box, by what they predict (algorithms.md 3.6)."""

    # Half the side of the square around a box's centre, cells. YOLOX's; the others have 2.5.
    center_radius: float = setting(1.5, ABOVE_0)
    # A box takes as many cells as the sum of this many of its best IoUs.
    top_candidates: int = setting(10, BOXES)
    # Parity with other implementations, for golden tests; leave these alone.
    # Cells that a box may take. centre: near the centre of any box of the image, as YOLOX has it
    # now. box_or_centre: or inside of any box, as YOLOX 0.1 and super-gradients. own: inside of
    # or near this box alone, as super-gradients' fast loss.
    candidates: str = setting("centre", choices=("centre", "box_or_centre", "own"), parity=True)
    # Times this; super-gradients' fast loss has 1.1.
    k_factor: float = setting(1.0, ABOVE_0, parity=True)
    # A cell that several boxes took goes to the cheapest of them: selected. Or to the cheapest
    # box of the image, though that did not take it, as YOLOX does it: all.
    conflicts: str = setting("selected", choices=("selected", "all"), parity=True)


@dataclass
class YoloxHeadConfig:
    """Anchor-free head of YOLOX: one box a cell (algorithms.md 2.6, 4.16)."""

    strides: tuple[int, ...] = setting((8, 16, 32), SIDE)  # of the network's outputs, pixels
    assign: SimotaConfig = field(default_factory=SimotaConfig)
    iou_type: str = "iou"  # iou: 1 - IoU^2, the paper's | giou: 1 - GIoU
    box_weight: float = setting(5.0, NOT_NEGATIVE)  # of the box part in the loss
    objectness_weight: float = setting(1.0, NOT_NEGATIVE)
    class_weight: float = setting(1.0, NOT_NEGATIVE)
    l1_weight: float = setting(1.0, NOT_NEGATIVE)
    # L1 distance of the raw box outputs. True: from the first epoch on. False: only where
    # training switches it on, in the last epochs, which have no augmentation.
    l1: bool = False
    # Weight of each class in the class part of the loss, in the order of the classes; none: all 1.
    class_weights: tuple[float, ...] = setting((), NOT_NEGATIVE)
    # Parity with other implementations, for golden tests; leave these alone.
    # Matched cells that the parts are divided by. global: of all replicas, so that any number of
    # them takes the same step. local: of each replica for itself, as YOLOX does it.
    normalizer: str = setting("global", choices=("global", "local"), parity=True)
    # The objectness part is divided by the matched cells (fg), as in the paper; or by all cells
    # (cells): steadier where images have few boxes or none, but a small part of the loss.
    objectness_normalizer: str = setting("fg", choices=("fg", "cells"), parity=True)


@dataclass
class TalAssignConfig:
    """Which points answer for a ground-truth box: task-aligned assignment (arXiv:2108.07755).

    A point's metric for a box is score^alpha * overlap^beta, where score is the point's for the
    class of the box, and overlap that of the box it predicts.
    """

    # Points a box takes at most, those of highest metric; PP-YOLOE: 13.
    top_k: int = setting(10, AT_LEAST_1)
    alpha: float = setting(0.5, NOT_NEGATIVE)  # exponent of the score; TOOD, PP-YOLOE: 1
    beta: float = setting(6.0, ABOVE_0)  # exponent of the overlap
    overlap: str = "ciou"  # ciou, at least 0 | iou, PP-YOLOE's
    # A box has points inside of it alone. Sides shorter than this count as so long, pixels, so that
    # a box between all points has some; 0: off.
    min_side: float = setting(0.0, NOT_NEGATIVE)
    # A point that several boxes took goes to the one that overlaps most of: containing, those that
    # contain it | selected, those that took it.
    conflicts: str = setting("containing", choices=("containing", "selected"))


@dataclass
class TalHeadConfig:
    """Task-aligned anchor-free head of distributions: one box a cell, no objectness.

    The default is the one of most detectors of 2023 and later. PP-YOLOE's has 17 bins, top_k 13,
    alpha 1, overlap iou, varifocal, giou, weights 1, 2.5 and 0.5, static_epochs for the first
    third, class_prior pi.
    """

    strides: tuple[int, ...] = setting((8, 16, 32), AT_LEAST_1)  # of the network's outputs, pixels
    # Values 0 .. bins - 1 of the distribution of a side's distance from the point, in strides: a
    # box is at most 2 (bins - 1) strides long. 1: the distance itself, without a distribution.
    bins: int = setting(16, AT_LEAST_1)
    assign: TalAssignConfig = field(default_factory=TalAssignConfig)
    class_loss: str = "bce"  # bce | varifocal: hard background counts more (arXiv:2008.13367)
    box_loss: str = "ciou"  # 1 - CIoU: ciou | 1 - GIoU: giou
    class_weight: float = setting(0.5, NOT_NEGATIVE)  # of the class part in the loss
    box_weight: float = setting(7.5, NOT_NEGATIVE)
    # Of the distribution focal loss (arXiv:2006.04388); not with 1 bin.
    dfl_weight: float = setting(1.5, NOT_NEGATIVE)
    # First epochs in which boxes are assigned by their place and size alone (ATSS,
    # arXiv:1912.02424), not by what an untrained network predicts; 0: none.
    static_epochs: int = setting(0, NOT_NEGATIVE)
    # Probability of each class before anything is learnt. v8: that of 5 objects a level, spread
    # over its cells and the classes, for bce | pi: 0.01, for varifocal.
    class_prior: str = setting("v8", choices=("v8", "pi"))
    # Weight of each class in the class part of the loss, in the order of the classes; none: all 1.
    class_weights: tuple[float, ...] = setting((), NOT_NEGATIVE)
