"""Scores a detector on a data set: batches in, METRICS out."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yolo_tf.errors import UserError
from yolo_tf.evaluate.matching import DetectionArrays, Truths, join
from yolo_tf.evaluate.metrics import FIGURES, OF_A_CLASS, coco_metrics, voc_ap
from yolo_tf.ops.resize import boxes_to_image
from yolo_tf.progress import Bar

# The keys of `evaluate`'s result that are one figure, 0..1. AP is COCO's, voc_AP50 the mean over
# the classes of VOC's area AP at IoU 0.5, voc07_AP50 that of its 11-point AP.
METRICS = (*FIGURES, "voc_AP50", "voc07_AP50")


@dataclass(frozen=True)
class TruthsAndDetections:
    """All truths and detections of a set of images, in pixels of the images."""

    truths: Truths
    detections: DetectionArrays
    images: int
    dropped: int  # true boxes that the batches had no room for
    not_finite: int = 0  # detections without a place or score, left out


def evaluate(detect_batch, dataset, class_names: list[str], progress: bool = True) -> dict:
    """Runs a detector over a data set and scores it: `figures` of `collect`, which see."""
    return figures(collect(detect_batch, dataset, class_names, progress), class_names)


def collect(
    detect_batch, dataset, class_names: list[str], progress: bool = True
) -> TruthsAndDetections:
    """Runs a detector over a data set.

    Args:
      detect_batch: called with each batch; returns detection_boxes [B, K, 4] yxyx normalised to
        the network input, detection_scores [B, K], detection_classes [B, K] (padding -1).
      dataset: yields the batches of `data.pipeline.evaluation_dataset`.
      class_names: name of each class, in order.
      progress: show a bar.

    Raises:
      UserError: the set has no truth at all, or a truth's class has no name.
    """
    truths, detections, images, dropped, not_finite = [], [], 0, 0, 0
    for batch in Bar(
        dataset, "evaluating", _length(dataset), unit="batch", leave=False, disable=not progress
    ):
        truths.append(_truths(batch, images))
        found, bad = _detections(detect_batch(batch), batch, images)
        detections.append(found)
        not_finite += bad
        images += len(batch["placement"])
        dropped += int(np.sum(batch.get("dropped", 0)))
    if not any(len(part.label) for part in truths):
        raise UserError(
            f"evaluation: the data set has {images} images and not one true box, so there is"
            " nothing to score; check the pattern of its shards"
        )
    joined = join(truths)
    if joined.label.max() >= len(class_names):
        raise UserError(
            f"evaluation: a true box has class {joined.label.max()}, but there are only"
            f" {len(class_names)} class names; check that they belong to these records"
        )
    return TruthsAndDetections(joined, join(detections), images, dropped, not_finite)


def _length(dataset) -> int | None:
    """Batches of a data set, None if it does not know."""
    if isinstance(dataset, tf.data.Dataset):
        length = int(dataset.cardinality())
        return length if length >= 0 else None
    return len(dataset) if hasattr(dataset, "__len__") else None


def _truths(batch, first_image: int) -> Truths:
    label = np.asarray(batch["classes"])
    real = label >= 0
    return Truths(
        image=first_image + np.nonzero(real)[0],
        label=label[real],
        boxes=_image_pixels(batch["boxes"], batch)[real],
        **{name: np.asarray(batch[name])[real] for name in ("difficult", "crowd", "area")},
    )


def _detections(found, batch, first_image: int) -> tuple[DetectionArrays, int]:
    """Those of a batch, and how many are left out because a number in them is not finite."""
    label = np.asarray(found["detection_classes"])
    boxes = _image_pixels(found["detection_boxes"], batch)
    scores = np.asarray(found["detection_scores"])
    real = (label >= 0) & np.isfinite(scores) & np.isfinite(boxes).all(axis=-1)
    # Nothing is beyond the image's edge, so a box that reaches over it is cut there.
    limit = np.tile(np.asarray(batch["original_size"]), 2)[:, np.newaxis]
    detections = DetectionArrays(
        image=first_image + np.nonzero(real)[0],
        label=label[real],
        boxes=np.clip(boxes, 0, limit)[real],
        scores=scores[real],
    )
    return detections, int((label >= 0).sum() - real.sum())


def _image_pixels(boxes, batch) -> np.ndarray:
    """[B, N, 4] yxyx normalised to the network input -> pixels of the images."""
    image = boxes_to_image(tf.convert_to_tensor(boxes), tf.convert_to_tensor(batch["placement"]))
    return image.numpy() * np.tile(np.asarray(batch["original_size"]), 2)[:, np.newaxis]


def figures(found: TruthsAndDetections, class_names: list[str]) -> dict:
    """The metrics of a set.

    Returns:
      The `METRICS`; "images" and "boxes", their number; "dropped", boxes that the batches had no
      room for; "detections", their number, and "not_finite", that of those left out; "per_class",
      a list of {"name", "images", "boxes", "AP", "AP50", "AP75", "APs", "APm", "APl",
      "voc_AP50"}. A figure without any truth is None.
    """
    truths, detections, classes = found.truths, found.detections, len(class_names)
    values, coco = coco_metrics(truths, detections, found.images, classes)
    voc = voc_ap(truths, detections, classes)
    values["voc07_AP50"], values["voc_AP50"] = (
        np.nanmean(ap) if np.isfinite(ap).any() else np.nan for ap in voc.T
    )
    per_class = []
    for index, name in enumerate(class_names):
        of_class = truths.label == index
        images = len(np.unique(truths.image[of_class]))
        row = {"name": name, "images": images, "boxes": int(of_class.sum())}
        of_coco = zip(OF_A_CLASS, map(or_none, coco[index]), strict=True)
        per_class.append({**row, **dict(of_coco), "voc_AP50": or_none(voc[index, 1])})
    return {
        **{name: or_none(values[name]) for name in METRICS},
        "images": found.images,
        "boxes": len(truths.label),
        "dropped": found.dropped,
        "detections": len(found.detections.label),
        "not_finite": found.not_finite,
        "per_class": per_class,
    }


def or_none(value) -> float | None:
    """A number as JSON has it: NaN and infinity are None."""
    return float(value) if np.isfinite(value) else None
