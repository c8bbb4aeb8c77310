"""Images of an evaluation with their truths and, beside them, what was found there."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from yolo_tf.evaluate.analysis import Analysis
from yolo_tf.evaluate.mistakes import KINDS
from yolo_tf.visualize.album import draw_labelled
from yolo_tf.visualize.draw import to_uint8

_WORST = 6  # images of each kind of mistake
_FIRST = 8  # images whatever is in them
_LONGEST = 480  # pixels of an image; small ones are enlarged
_COLUMNS = ("image", "window", "original_size")


@dataclass(frozen=True)
class Example:
    """An image twice, with its truths and with its detections."""

    source_id: str
    mistakes: int  # of the kind that it is shown for, of all kinds without one
    pictures: tuple[np.ndarray, np.ndarray]  # [H, W, 3] uint8


def draw_examples(analysis: Analysis, dataset: Iterable[dict]) -> dict[str, list[Example]]:
    """The first images under "", and under each of `KINDS` those with most mistakes of it.

    Boxes that are no mistakes of the kind are grey where there are mistakes of it.

    Args:
      dataset: the batches of `analysis.found`, once more.
    """
    chosen = {"": list(range(min(_FIRST, analysis.found.images)))}
    chosen |= {kind: analysis.worst_images(kind, _WORST) for kind in KINDS}
    counts = analysis.mistakes.by_image(analysis.found.truths, analysis.found.images)
    counts[""] = sum(counts.values())
    photos = _photos(dataset, {image for images in chosen.values() for image in images})
    return {
        kind: [
            Example(source_id, int(counts[kind][image]), _draw(analysis, image, *photo, kind))
            for image in images
            for source_id, *photo in [photos[image]]
        ]
        for kind, images in chosen.items()
    }


def _photos(dataset, wanted: set[int]) -> dict[int, tuple]:
    """Number of an image in the set -> (its source id, pixels [H, W, 3] uint8, original size)."""
    photos, number = {}, 0
    for batch in dataset:
        for row in range(len(batch["window"])):
            if number in wanted:
                source_id = batch["source_id"][row].numpy().decode(errors="replace")
                pixels, window, size = (batch[key][row].numpy() for key in _COLUMNS)
                photos[number] = (source_id, _photo(pixels, window, size), size)
            number += 1
        if len(photos) == len(wanted):
            break
    return photos


def _photo(pixels: np.ndarray, window: np.ndarray, size: np.ndarray) -> np.ndarray:
    """A network's input, or the part of it that is the photo, in the photo's own shape."""
    height, width = pixels.shape[:2]
    top, left, bottom, right = np.round(window * np.tile((height, width), 2)).astype(int)
    top, left = np.clip((top, left), 0, (height - 1, width - 1))
    part = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    shape = np.maximum(np.round(size * (_LONGEST / size.max())), 1).astype(int)
    image = Image.fromarray(to_uint8(part))
    return np.asarray(image.resize(tuple(shape[::-1].tolist()), Image.Resampling.BILINEAR))


def _draw(analysis: Analysis, image: int, photo: np.ndarray, size, kind: str) -> tuple:
    truths, mistakes = analysis.found.truths, analysis.mistakes
    in_truths, in_found = truths.image == image, mistakes.detections.image == image
    bold_truths, bold_found = in_truths, in_found
    if kind == "missed":
        bold_truths = in_truths & mistakes.missed
    elif kind:
        bold_found = in_found & mistakes.detections_of(kind)
    pictures = []
    for boxes, bold, every in (
        (truths, bold_truths, in_truths),
        (mistakes.detections, bold_found, in_found),
    ):
        scores = getattr(boxes, "scores", None)
        places = boxes.boxes / np.tile(size, 2)
        pictures.append(
            draw_labelled(
                photo,
                places[bold],
                boxes.label[bold],
                scores if scores is None else scores[bold],
                analysis.class_names,
                places[every & ~bold],
            )
        )
    return tuple(pictures)
