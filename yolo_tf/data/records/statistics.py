"""What is in a set of records, in one pass that decodes no image.

Sizes of boxes are those at the network input, where an image's placement follows from arithmetic.
"""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yolo_tf.data.records.files import count_records, record_dataset
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.parsing import box_fault, faulty_boxes, parse_example
from yolo_tf.errors import UserError, check_choice
from yolo_tf.ops.resize import RESIZES
from yolo_tf.progress import Bar


@dataclass(frozen=True)
class Statistics:
    """Counts of a split, and the sizes of its boxes."""

    images: int
    boxes: int  # crowd boxes too
    crowd_boxes: int
    boxes_per_class: np.ndarray  # [classes] int64, crowd boxes too
    most_boxes: int  # in one image
    images_without_boxes: int
    images_over_max_boxes: int  # images of which training leaves out boxes
    wh: np.ndarray  # [N, 2] float32 (width, height) in input pixels, crowd boxes left out


def record_statistics(
    records: Records,
    input_size: tuple[int, int],
    max_boxes: int,
    resize: str = "stretch",
    progress: bool = False,
) -> Statistics:
    """Reads all records.

    Args:
      records: what to read.
      input_size: (height, width) of the network input, pixels; the unit of `wh`.
      max_boxes: the limit of `DataConfig.max_boxes`.
      resize: "stretch" or "letterbox", which sets the scale from image to input.
      progress: show a bar.

    Raises:
      UserError: `resize` is unknown, letterbox meets a record that declares no image size, or a
        box of a record made elsewhere is none, see `parsing.faulty_boxes`.
    """
    image_placement(input_size, input_size, resize)  # a wrong name is said before the first record
    table = records.table()

    @tf.autograph.experimental.do_not_convert
    def boxes_of(record):
        example = parse_example(record, table)
        size = tf.stack([example["height"], example["width"]])
        names = ("boxes", "classes", "crowd", "source_id")
        return size, *(example[n] for n in names), tf.reduce_any(faulty_boxes(example["boxes"]))

    per_class = np.zeros(len(records.class_names), np.int64)
    counts, sizes, crowds = [], [np.zeros((0, 2), np.float32)], 0
    dataset = record_dataset(records.paths).map(boxes_of, num_parallel_calls=tf.data.AUTOTUNE)
    total = records.count() if progress else None
    shown = Bar(dataset.as_numpy_iterator(), "reading", total, disable=not progress, leave=False)
    for image_size, boxes, classes, crowd, source_id, faulty in shown:
        if faulty:
            name = source_id.decode(errors="replace")
            place = _place(records.paths, len(counts))
            raise UserError(f"{place}: image {name!r:.80}: {box_fault(boxes)}")
        counts.append(len(classes))
        crowds += int(crowd.sum())
        per_class += np.bincount(classes[classes >= 0], minlength=len(per_class))
        if len(classes):
            scale = _scale(image_size, input_size, resize, source_id)
            sizes.append(((boxes[:, 2:] - boxes[:, :2]) * scale)[~crowd, ::-1])

    counts = np.array(counts, np.int64)
    return Statistics(
        images=len(counts),
        boxes=int(counts.sum()),
        crowd_boxes=crowds,
        boxes_per_class=per_class,
        most_boxes=int(counts.max(initial=0)),
        images_without_boxes=int((counts == 0).sum()),
        images_over_max_boxes=int((counts > max_boxes).sum()),
        wh=np.concatenate(sizes).astype(np.float32),
    )


def _place(paths: list[str], index: int) -> str:
    """Shard and record of the index-th record of all."""
    for path in paths:
        count = count_records([path])
        if index < count:
            return f"{path}: record {index + 1}"
        index -= count
    raise IndexError(index)


def _scale(image_size, input_size, resize, source_id):
    """(height, width) in input pixels of a box as large as the image."""
    if resize != "stretch" and min(image_size) < 1:
        name = source_id.decode(errors="replace")
        raise UserError(
            f"image {name!r}: image/height and image/width are {image_size[0]} and "
            f"{image_size[1]}: expected its size in pixels, which letterbox needs"
        )
    placement = image_placement(image_size, input_size, resize)
    return (placement[2:] - placement[:2]) * np.array(input_size, np.float32)


def image_placement(
    image_size: tuple[int, int], input_size: tuple[int, int], resize: str
) -> np.ndarray:
    """The placement that `RESIZES[resize]` of `yolo_tf.ops.resize` returns with the image.

    Args:
      image_size: (height, width) pixels, at least 1 each; stretch does not look at it.
      input_size: (height, width) of the network input, pixels.
      resize: "stretch" or "letterbox".

    Returns:
      [4] float32 yxyx, normalised by the network input.

    Raises:
      UserError: `resize` is unknown.
    """
    check_choice("config.data.resize", resize, RESIZES)
    if resize == "stretch":
        return np.array([0.0, 0.0, 1.0, 1.0], np.float32)
    height, width = (int(side) for side in input_size)
    image_height, image_width = (int(side) for side in image_size)
    inner_height, inner_width = height, width
    if width * image_height < height * image_width:
        inner_height = max(image_height * width // image_width, 1)
    else:
        inner_width = max(image_width * height // image_height, 1)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    corners = np.array([top, left, top + inner_height, left + inner_width], np.float32)
    return corners / np.array([height, width] * 2, np.float32)


def boxes_to_input(boxes: np.ndarray, placement: np.ndarray) -> np.ndarray:
    """[N, 4] boxes of the image, yxyx normalised, as boxes of the network input."""
    low, high = placement[:2], placement[2:]
    return boxes * np.tile(high - low, 2) + np.tile(low, 2)
