"""Pictures of a run: a training batch as the network sees it, and validation predictions."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.visualize.draw import draw_detections, mosaic, write_picture

_IMAGES = 16
_SCORE = 0.25  # predictions below are not drawn


def draw_training_batch(dataset: tf.data.Dataset, class_names: list[str], path: Path) -> None:
    """Draws the first images of a training batch with the boxes that the loss gets."""
    batch = next(iter(dataset.take(1)))
    pictures = []
    columns = (batch[name].numpy()[:_IMAGES] for name in ("image", "boxes", "classes"))
    for image, boxes, classes in zip(*columns, strict=True):
        real = classes >= 0
        pictures.append(
            draw_detections(_to_uint8(image), boxes[real], classes[real], None, class_names)
        )
    write_picture(path, mosaic(pictures))


def draw_predictions(images, found: dict, class_names: list[str], path: Path) -> None:
    """Draws what was found in the first images of a validation batch.

    Args:
      images: [B, H, W, 3] float32 in [0, 1].
      found: detections normalised to these images.
    """
    found = {name: value.numpy() for name, value in found.items()}
    pictures = []
    for index, image in enumerate(images.numpy()[:_IMAGES]):
        shown = found["detection_scores"][index] > _SCORE
        boxes, classes, scores = (
            found[f"detection_{name}"][index][shown] for name in ("boxes", "classes", "scores")
        )
        pictures.append(draw_detections(_to_uint8(image), boxes, classes, scores, class_names))
    write_picture(path, mosaic(pictures))


def _to_uint8(image: np.ndarray) -> np.ndarray:
    return np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
