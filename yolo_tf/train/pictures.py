"""Pictures of a run: a training batch as the network sees it, and validation predictions."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.visualize.draw import draw_detections, mosaic, to_uint8, write_picture

_IMAGES = 16
_PAIRS = 8
_SCORE = 0.25  # predictions below are not drawn


def draw_training_batch(dataset: tf.data.Dataset, class_names: list[str], path: Path) -> None:
    """Draws the first images of a training batch with the boxes that the loss gets."""
    batch = next(iter(dataset.take(1)))
    pictures = []
    columns = (batch[name].numpy()[:_IMAGES] for name in ("image", "boxes", "classes"))
    for image, boxes, classes in zip(*columns, strict=True):
        real = classes >= 0
        pictures.append(
            draw_detections(to_uint8(image), boxes[real], classes[real], None, class_names)
        )
    write_picture(path, mosaic(pictures))


def draw_validation(batch: dict, found: dict, class_names: list[str]) -> np.ndarray:
    """The first images of a validation batch, each with its truth and then with what was found.

    Args:
      batch: of `data.pipeline.evaluation_dataset`.
      found: detections normalised to its images.

    Returns:
      [H, W, 3] uint8.
    """
    columns = [batch["image"], batch["boxes"], batch["classes"]]
    columns += [found[f"detection_{name}"] for name in ("boxes", "classes", "scores")]
    rows = zip(*(np.asarray(column)[:_PAIRS] for column in columns), strict=True)
    pictures = []
    for image, boxes, classes, found_boxes, found_classes, scores in rows:
        image, shown = to_uint8(image), scores > _SCORE
        pictures.append(draw_detections(image, boxes, classes, None, class_names))
        drawn = found_boxes[shown], found_classes[shown], scores[shown]
        pictures.append(draw_detections(image, *drawn, class_names))
    return mosaic(pictures, columns=4)
