"""COCO's twelve figures for boxes, by faster-coco-eval, and the average precision of PASCAL VOC."""

from dataclasses import fields

import numpy as np

from yolo_tf.errors import UserError
from yolo_tf.evaluate.matching import DetectionArrays, Truths, match_by_class

# Area ranges: small < 32^2 <= medium < 96^2 <= large, in square pixels of the image.
FIGURES = (
    "AP",  # mean over IoU 0.50, 0.55 .. 0.95
    "AP50",
    "AP75",
    "APs",
    "APm",
    "APl",
    "AR1",  # recall with 1, 10, 100 detections an image
    "AR10",
    "AR100",
    "ARs",
    "ARm",
    "ARl",
)

OF_A_CLASS = FIGURES[:6]
_BLOCK = 20_000  # boxes, each a Python object, that are matched at a time


def coco_metrics(
    truths: Truths, detections: DetectionArrays, images: int, classes: int
) -> tuple[dict[str, float], np.ndarray]:
    """COCO's detection figures; what matches a crowd box counts neither for nor against.

    Args:
      truths, detections: of `images` images and `classes` classes. The flag `difficult` is not
        used: COCO has none.

    Returns:
      The twelve `FIGURES`, and those of `OF_A_CLASS` [classes, 6], all 0..1; NaN where no truth
      falls into a figure (COCO writes -1).

    Raises:
      UserError: faster-coco-eval is not installed.
    """
    run = _accumulated(truths, detections, images, classes)
    run.summarize()
    figures = _missing_as_nan(run.stats[: len(FIGURES)])
    # [IoU, recall, class, area], with 100 detections an image. A class has truths of an area or
    # none, for all thresholds and recalls alike: plain means will do.
    precision = _missing_as_nan(run.eval["precision"][..., -1])
    every_iou = precision.mean(axis=(0, 1))
    at_50, at_75 = (precision[index, ..., 0].mean(axis=0) for index in (0, 5))
    per_class = np.stack([every_iou[:, 0], at_50, at_75, *every_iou[:, 1:].T], axis=-1)
    return dict(zip(FIGURES, figures.tolist(), strict=True)), per_class


def _accumulated(truths: Truths, detections: DetectionArrays, images: int, classes: int):
    """The evaluation of all images, matched block by block.

    A whole set at once needs a Python object for each box, and the IoUs of all pairs.
    """
    coco, evaluation = _import()
    categories = [{"id": index, "name": str(index)} for index in range(classes)]
    silent = {"print_function": _say_nothing}
    matched = []  # of each block [classes * areas, images]
    for first, last in _image_blocks(truths, detections, images):
        header = {
            "images": [{"id": index} for index in range(first, last)],
            "categories": categories,
        }
        parts = (_rows_of(part, first, last) for part in (truths, detections))
        true, found = (coco({**header, "annotations": rows}, **silent) for rows in parts)
        run = evaluation(true, found, iouType="bbox", separate_eval=True, **silent)
        run.evaluate()
        matched.append(np.reshape(run._evalImgs_cpp, [-1, last - first]))
    run.params.imgIds = list(range(images))
    run._paramsEval = run.params
    run._evalImgs_cpp = np.concatenate(matched, axis=1).reshape(-1).tolist()
    run.accumulate()
    return run


def _image_blocks(truths: Truths, detections: DetectionArrays, images: int):
    """(first, last + 1) of runs of images with about `_BLOCK` boxes, one image at least."""
    boxes = sum(np.bincount(part.image, minlength=images) for part in (truths, detections))
    block = (np.cumsum(boxes) - boxes) // _BLOCK
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    return list(zip(starts.tolist(), [*starts[1:].tolist(), images], strict=True))


def _rows_of(part, first: int, last: int) -> list[dict]:
    inside = (first <= part.image) & (part.image < last)
    part = type(part)(*(getattr(part, each.name)[inside] for each in fields(part)))
    return _truth_rows(part) if isinstance(part, Truths) else _detection_rows(part)


def _import():
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError as error:
        raise UserError(
            f"COCO's figures need the package faster-coco-eval, which cannot be imported ({error});"
            " install it with: pip install faster-coco-eval"
        ) from None
    return COCO, COCOeval_faster


def _truth_rows(truths: Truths) -> list[dict]:
    rows = _rows(truths.image, truths.label, truths.boxes, truths.object_area())
    for row, crowd in zip(rows, truths.crowd.tolist(), strict=True):
        row["iscrowd"] = int(crowd)
    return rows


def _detection_rows(detections: DetectionArrays) -> list[dict]:
    area = np.prod(detections.boxes[:, 2:] - detections.boxes[:, :2], axis=1)
    rows = _rows(detections.image, detections.label, detections.boxes, area)
    for row, score in zip(rows, detections.scores.tolist(), strict=True):
        row.update(score=score, iscrowd=0)
    return rows


def _rows(image, label, boxes, area) -> list[dict]:
    ymin, xmin, ymax, xmax = boxes.astype(np.float64).T
    xywh = np.stack([xmin, ymin, xmax - xmin, ymax - ymin], axis=-1)
    columns = (image.tolist(), label.tolist(), xywh.tolist(), area.tolist())
    return [
        {"id": number, "image_id": i, "category_id": c, "bbox": box, "area": a}
        for number, (i, c, box, a) in enumerate(zip(*columns, strict=True), start=1)
    ]


def _missing_as_nan(values) -> np.ndarray:
    values = np.asarray(values, np.float64)
    return np.where(values < 0, np.nan, values)


def _say_nothing(*_):
    pass


def voc_ap(
    truths: Truths,
    detections: DetectionArrays,
    classes: int,
    iou_threshold: float = 0.5,
    ignored: np.ndarray | None = None,
    plus_one: bool = False,
) -> np.ndarray:
    """Average precision of each class by the rules of the VOC development kit.

    Args:
      classes: number of classes.
      Others as in `matching.match_by_class`, which tells the rules.

    Returns:
      [classes, 2] float64, 0..1: mean of the best precision at recall >= 0, 0.1 .. 1 (VOC2007),
      and area under the precision envelope (VOC2010 and later); NaN for a class without positive.
    """
    ignored = truths.difficult | truths.crowd if ignored is None else ignored
    matches = match_by_class(truths, detections, iou_threshold, ignored, plus_one)
    label = detections.label[matches.order]
    positives = np.bincount(truths.label[~ignored], minlength=classes)
    result = np.full([classes, 2], np.nan)
    for index in np.flatnonzero(positives):
        right = matches.right[matches.counts & (label == index)]
        result[index] = _average_precision(right, positives[index])
    return result


def _average_precision(right: np.ndarray, positives: int) -> tuple[float, float]:
    """11-point and area AP of a class; `right` [D] bool by falling score."""
    found = np.cumsum(right)
    precision = found / np.arange(1, len(right) + 1)
    # The envelope: the best precision at this recall or a higher one.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    # Recall >= k / 10 in whole numbers: 3 of 10 must not fail at 0.30000000000000004.
    reached = np.searchsorted(10 * found, np.arange(11) * positives, side="left")
    eleven = np.append(envelope, 0.0)[reached].mean()
    # Recall rises by 1 / positives at each right detection, and nowhere else.
    return eleven, envelope[right].sum() / positives
