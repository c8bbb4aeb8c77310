"""Where a photo lies in the network input, by arithmetic alone: no image is needed."""

import numpy as np

from yolo_tf.errors import UserError
from yolo_tf.ops.resize import RESIZES


def photo_window(
    photo_size: tuple[int, int], input_size: tuple[int, int], resize: str
) -> np.ndarray:
    """The window that `RESIZES[resize]` of `yolo_tf.ops.resize` returns with the image.

    Args:
      photo_size: (height, width) pixels, at least 1 each; stretch does not look at it.
      input_size: (height, width) of the network input, pixels.
      resize: "stretch" or "letterbox".

    Returns:
      [4] float32 yxyx, normalised by the network input.

    Raises:
      UserError: `resize` is unknown.
    """
    if resize not in RESIZES:
        raise UserError(f"data.resize is {resize!r}: expected one of {', '.join(RESIZES)}")
    if resize == "stretch":
        return np.array([0.0, 0.0, 1.0, 1.0], np.float32)
    height, width = (int(side) for side in input_size)
    photo_height, photo_width = (int(side) for side in photo_size)
    inner_height, inner_width = height, width
    if width * photo_height < height * photo_width:
        inner_height = max(photo_height * width // photo_width, 1)
    else:
        inner_width = max(photo_width * height // photo_height, 1)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    corners = np.array([top, left, top + inner_height, left + inner_width], np.float32)
    return corners / np.array([height, width] * 2, np.float32)


def boxes_to_input(boxes: np.ndarray, window: np.ndarray) -> np.ndarray:
    """[N, 4] boxes of the photo, yxyx normalised, as boxes of the network input."""
    low, high = window[:2], window[2:]
    return boxes * np.tile(high - low, 2) + np.tile(low, 2)
