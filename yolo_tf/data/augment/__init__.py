"""Random changes of training images: dict -> dict functions, each a pure function of its seed."""

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.colour import hsv_jitter
from yolo_tf.data.augment.geometry import crop_jitter, flip
from yolo_tf.errors import UserError


def augment_photo(
    example: dict, config: AugmentConfig, size: tuple[int, int], letterbox: bool = False
) -> dict:
    """From a decoded photo to a network input: mirror, crop and zoom, colour.

    Args and result are those of `geometry.crop_jitter`.
    """
    # The mirror comes first, on the uint8 photo: a quarter of the cost of a float image.
    if config.flip > 0 or config.flip_vertical > 0:
        example = flip(example, config.flip, config.flip_vertical)
    example = crop_jitter(
        example,
        size,
        jitter=config.jitter,
        zoom=config.resize,
        letterbox=letterbox,
        min_area=config.min_area,
        min_size=config.min_size,
    )
    if config.hue > 0 or config.saturation != 1 or config.exposure != 1:
        example = hsv_jitter(example, config.hue, config.saturation, config.exposure)
    return example


def check_augment(config: AugmentConfig) -> None:
    """Raises `UserError` for a setting outside its range."""
    ranges = {
        "flip": (0, 1),
        "flip_vertical": (0, 1),
        "jitter": (0, 0.45),
        "resize": (0.25, 4),
        "hue": (0, 0.5),
        "saturation": (1, 100),
        "exposure": (1, 100),
        "min_area": (0, 1),
    }
    for name, (low, high) in ranges.items():
        value = getattr(config, name)
        if not low <= value <= high:
            raise UserError(
                f"data.augment.{name} is {value}: expected a number from {low} to {high}"
            )
    if config.min_size < 0:
        raise UserError(f"data.augment.min_size is {config.min_size}: expected pixels, 0 or more")
