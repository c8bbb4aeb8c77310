"""The ranges of the settings of augmentation."""

from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment.mosaic import MANNERS
from yolo_tf.errors import UserError

OFF = ("all", "mixing")  # what `off_epochs` switches off
_MAX_SIZES = 32  # each is a program of its own
_SHARE = (0, 1)
_RANGES = {
    **dict.fromkeys(("flip", "flip_vertical", "mosaic", "mixup", "erase", "min_area"), _SHARE),
    "jitter": (0, 0.45),
    "resize": (0.25, 4),
    "scale": (0.25, 4),
    "translate": (0, 0.5),
    "rotate": (0, 180),
    "shear": (0, 45),
    "perspective": (0, 0.5),
    "hue": (0, 0.5),
    "saturation": (1, 100),
    "exposure": (1, 100),
    "mosaic_center": (0, 0.5),
    "erase_area": (0.02, 1),
    "min_size": (0, 10_000),
    "max_aspect": (1, 10_000),
    "sizes_every": (1, 1_000_000),
}


def check_augment(config: AugmentConfig) -> None:
    """Raises `UserError` for a setting outside its range."""
    for name, (low, high) in _RANGES.items():
        value = getattr(config, name)
        if not low <= value <= high:
            raise UserError(
                f"data.augment.{name} is {value}: expected a number from {low} to {high}"
            )
    if config.mosaic_manner not in MANNERS:
        raise UserError(
            f"data.augment.mosaic_manner is {config.mosaic_manner!r}: expected one of"
            f" {', '.join(MANNERS)}"
        )
    if config.off not in OFF:
        raise UserError(f"data.augment.off is {config.off!r}: expected one of {', '.join(OFF)}")
    scales = config.mosaic_scale
    if len(scales) != 2 or not 0.1 <= scales[0] <= scales[1] <= 2:
        raise UserError(
            f"data.augment.mosaic_scale is {tuple(scales)}: expected the least and the greatest"
            " size of a photo, from 0.1 to 2"
        )
    if len(config.sizes) > _MAX_SIZES:
        raise UserError(
            f"data.augment.sizes: found {len(config.sizes)} sizes, expected at most {_MAX_SIZES}"
        )
