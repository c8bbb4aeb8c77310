"""Settings of the data: where records are, and how they are changed; see `yolo_tf.config`."""

# No `from __future__ import annotations` here: ml_collections reads the field types at run time.
from dataclasses import dataclass, field

from yolo_tf.config.setting import (
    AT_LEAST_1,
    BOXES,
    FRACTION,
    NOT_NEGATIVE,
    SIDE,
    Range,
    setting,
)


@dataclass
class AugmentConfig:
    """Random changes of training images (algorithms.md 8). 0, or 1 for a factor, turns one off.

    docs/augmentation.md shows each of them and says in which order they act.
    """

    # Crop and zoom, with the image alone.
    flip: float = setting(0.5, FRACTION)  # probability of a left-right mirror
    # Probability of a top-bottom mirror; for images without an up.
    flip_vertical: float = setting(0.0, FRACTION)
    # Each side of the crop moves by up to this share of the side's length.
    jitter: float = setting(0.3, Range(0, 0.45))
    resize: float = setting(1.0, Range(0.25, 4))  # further zoom by a factor of 1/resize .. resize
    # Affine and perspective. Zoom and shift are free, the others cost two resizes an image.
    # Zoom about the centre by a factor of 1/scale .. scale; YOLOX: up to 2.
    scale: float = setting(1.0, Range(0.25, 4))
    # Shift by up to +- this share of the input; YOLOX: 0.1.
    translate: float = setting(0.0, Range(0, 0.5))
    rotate: float = setting(0.0, Range(0, 180))  # turn by up to +- this many degrees; YOLOX: 10
    # Slant by up to +- this many degrees along each axis; YOLOX: 2.
    shear: float = setting(0.0, Range(0, 45))
    # One edge larger than its opposite, by up to about this share.
    perspective: float = setting(0.0, Range(0, 0.5))
    # Colour, in HSV space.
    hue: float = setting(0.1, Range(0, 0.5))  # hue shift of up to +- this share of a full turn
    saturation: float = setting(1.5, Range(1, 100))  # saturation times a factor of 1/this .. this
    # Value (brightness) times a factor of 1/this .. this.
    exposure: float = setting(1.5, Range(1, 100))
    # Several images combined into one. They are of one batch, of eight or more.
    # Probability that an image is made of four; Darknet: 0.5, YOLOX: 1.
    mosaic: float = setting(0.0, FRACTION)
    # darknet: parts of images | scaled: images drawn smaller.
    mosaic_manner: str = setting("darknet", choices=("darknet", "scaled"))
    # The seam is up to this share of the input off the middle.
    mosaic_center: float = setting(0.3, Range(0, 0.5))
    # scaled: size of the images, least and most.
    mosaic_scale: tuple[float, float] = setting((0.5, 1.0), Range(0.1, 2))
    # Probability that a second image shines through; YOLOX: 1, tiny: 0.
    mixup: float = setting(0.0, FRACTION)
    # Rectangle of grey over the image.
    erase: float = setting(0.0, FRACTION)  # probability
    erase_area: float = setting(0.2, Range(0.02, 1))  # at most this share of the image
    # The rule for a box cut by crop, tile or turned border: it stays if what is left is min_size
    # pixels high and wide and min_area of its area, and no sliver of sides beyond max_aspect : 1.
    min_area: float = setting(0.1, FRACTION)
    min_size: float = setting(2.0, Range(0, 10_000))
    max_aspect: float = setting(20.0, Range(1, 10_000))
    # Multi-scale: heights of the input in pixels, one of them for `sizes_every` steps each; the
    # width keeps the aspect of input_size. Empty: always input_size. One trace of the step each.
    sizes: tuple[int, ...] = setting((), SIDE)
    sizes_every: int = setting(10, Range(1, 1_000_000))  # steps; Darknet's and YOLOX's
    # Switched off for the last epochs, so that training ends on images as they are.
    off_epochs: int = setting(0, NOT_NEGATIVE)
    # What is switched off there: all | mixing, mosaic and mixup alone.
    off: str = setting("all", choices=("all", "mixing"))


@dataclass
class DataConfig:
    """Where the records are and how they reach the network."""

    # Glob pattern of TFRecord shards, or a split of TFDS, tfds:NAME:SPLIT; commas between several.
    train: str = ""
    val: str = ""  # the same for validation; empty: no evaluation while training
    names: str = ""  # class-name file, a name a line; empty: the card beside the shards
    # What class labels without text mean in records made elsewhere (data/records/label_map.py).
    # Empty: they count from 0. one_based | coco91 | path of a .pbtxt label map | tfds:NAME.
    labels: str = ""
    # stretch | letterbox (keeps the aspect, pads with grey).
    resize: str = setting("stretch", choices=("stretch", "letterbox"))
    max_boxes: int = setting(100, BOXES)  # boxes an image; more are counted and reported
    # Records; encoded images, so 4096 images are about 0.5 GB.
    shuffle_buffer: int = setting(4096, AT_LEAST_1)
    # Images with a class that is in less than this share of them come more often: repeat-factor
    # sampling (LVIS). 0: each once an epoch.
    repeat_threshold: float = setting(0.0, FRACTION)
    # Decoded training images: none | memory | disk. Saves decoding in each epoch after the first,
    # for about 1 MB an image of 640x480; a file on the disk serves later trainings too.
    cache: str = setting("none", choices=("none", "memory", "disk"))
    cache_dir: str = ""  # folder for cache=disk; empty: ~/.cache/yolo_tf (XDG_CACHE_HOME)
    # Several processes: files (each reads its own; for files far away) | data (each reads all and
    # takes its part of every batch, the same images as with one process) | auto.
    shard: str = setting("auto", choices=("auto", "files", "data"))
    # Address of a tf.data service's dispatcher, grpc://host:port: its workers prepare the batches.
    service: str = ""
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self):
        # Configs written before there was a choice have true or false.
        if isinstance(self.cache, bool):
            self.cache = "memory" if self.cache else "none"
