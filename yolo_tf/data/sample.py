"""The one record type: an encoded image with its checked boxes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One image of a data set, as a source hands it over and a TFRecord stores it.

    Every value has passed `yolo_tf.data.checks`: the image decodes, the boxes are finite, lie
    inside the image and have an area, the classes are in the class list. N may be 0.
    """

    source_id: str  # unique in a split, e.g. "2007_000027" or a COCO image id as text
    image: bytes  # encoded JPEG or PNG, RGB or grey
    image_format: str  # "jpeg" | "png"
    filename: str  # of the image, without folder
    height: int  # pixels, of the image itself, whatever an annotation declares
    width: int
    boxes: np.ndarray  # [N, 4] float32: ymin, xmin, ymax, xmax, normalised to [0, 1]
    classes: np.ndarray  # [N] int32, index into the data set's class list
    difficult: np.ndarray  # [N] bool: VOC; ignored by scoring
    truncated: np.ndarray  # [N] bool: VOC; the object reaches beyond the box
    crowd: np.ndarray  # [N] bool: COCO iscrowd; the box covers many objects
    area: np.ndarray  # [N] float32, square pixels; COCO: of the segment, not of the box
    # Where the boxes are from, for messages; no part of a TFRecord.
    annotation: str = ""  # file, relative to the data folder
    box_places: tuple[str, ...] = ()  # of each box in that file, such as "line 3"

    def __post_init__(self):
        n = len(self.classes)
        if self.boxes.shape != (n, 4):
            raise ValueError(f"boxes have shape {self.boxes.shape}, classes ask for ({n}, 4)")
        for name in ("difficult", "truncated", "crowd", "area"):
            if getattr(self, name).shape != (n,):
                raise ValueError(
                    f"{name} has shape {getattr(self, name).shape}, classes ask for ({n},)"
                )
