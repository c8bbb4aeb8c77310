"""What `train` fills in: batch size, anchors and all of `train.choices`, told in one table."""

import math
from pathlib import Path

from yolo_tf.analysis.fit_anchors import fit
from yolo_tf.config import Config, YoloHeadConfig
from yolo_tf.config.check import check_config
from yolo_tf.darknet import published
from yolo_tf.data.records.open_records import Records
from yolo_tf.errors import UserError
from yolo_tf.train.batch_size import measured_batch
from yolo_tf.train.choices import Choice, choose, table

_MARGIN = 0.05  # of mean best IoU, by which fitted anchors must be better
_BATCH = 16  # in place of that of a cfg, which is for a GPU of its time
_MOST = 64  # images of a measured batch


def fill_in(config: Config, given: set[str], keep_anchors: bool) -> str:
    """Sets what the user did not give.

    Args:
      config: with records; changed in place.
      given: settings that the user gave, such as "train.epochs"; they stay.
      keep_anchors: leave the anchors as they are.

    Returns:
      A table of what was chosen.

    Raises:
      UserError: as `fit_anchors.fit`, and for records or settings that are wrong.
    """
    check_config(config)
    images = Records.unchecked(config.data.train).count()
    height, width = config.input_size
    choices = []
    if "input_size" not in given:
        flag = "--config.input_size=HEIGHT,WIDTH"
        choices.append(Choice("input", f"{height}x{width}", "height x width of the recipe", flag))
    new_schedule = bool(config.model.cfg) and "model.cfg" in given
    if "train.batch_size" not in given:
        choices.append(_batch(config, images, new_schedule))
    if choice := None if keep_anchors else _anchors(config):
        choices.append(choice)
    choices += choose(config, images, given, new_schedule, _parameters(config))
    return table(choices) if choices else ""


def set_batch(config: Config, value: str) -> str:
    """Sets --batch=N or --batch=auto; returns a line about what was measured.

    Raises:
      UserError: neither a number nor auto.
    """
    if value == "auto":
        config.train.batch_size, why = measured_batch(config, _MOST)
        return f"batch size   {config.train.batch_size} ({why})"
    if not value.isdecimal() or int(value) < 1:
        raise UserError(f"--batch: found {value!r}, expected a number of images from 1 on, or auto")
    config.train.batch_size = int(value)
    return ""


def _batch(config: Config, images: int, new: bool) -> Choice:
    if new:
        config.train.batch_size = _BATCH
    size = config.train.batch_size
    why = f"{-(-images // size)} steps an epoch"
    return Choice("batch size", str(size), why, "--batch=N, --batch=auto by memory")


def _anchors(config: Config) -> Choice | None:
    """Fits them; they are taken where they are better by the margin."""
    if not isinstance(config.head, YoloHeadConfig) or not config.head.anchors:
        return None
    try:
        found = fit(config, config.data.train)
    except UserError as error:  # too few boxes to fit to
        return Choice("anchors", "kept", f"they cannot be fitted: {error}"[:90], "")
    name = "average best IoU"
    before, after = found.figures(found.old)[name], found.figures(found.new)[name]
    figures = f"mean best IoU {before:.3f}, fitted {after:.3f}"
    if after < before + _MARGIN:
        return Choice("anchors", "kept", f"{figures}: less than {_MARGIN:g} better", "")
    config.head.anchors = found.new
    return Choice("anchors", "fitted", f"{figures} (taken from +{_MARGIN:g} on)", "--keep_anchors")


def _parameters(config: Config) -> float:
    """Of the network, by the size of its weights; infinite where nothing tells."""
    source = config.transfer.source
    if source and Path(source).is_file():
        return Path(source).stat().st_size / 4
    found = published.find(source) if source else None
    return found.download.size / 4 if found else math.inf
