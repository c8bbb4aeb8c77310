"""What `train` chooses where nothing is given: length, mosaic, averages, optimiser.

The rules are for data sets of some dozens to some thousands of images, and were tried on 205.
docs/training.md tells them with their figures.
"""

from dataclasses import dataclass

from yolo_tf.config import Config, OptimizerConfig, ScheduleConfig

_SEEN = 6800  # images of all epochs from random weights: 33 epochs of 205 images
_EPOCHS = (33, 150)  # least and most
_SEEN_ON = 8200  # from weights that exist: 40 epochs of 205 images
_EPOCHS_ON = (30, 150)
_MIXED_SHARE = 6  # the last sixth of the epochs is without mosaic
_EVALUATIONS = 6
_PATIENCE = 3  # of them: half of the training without a better figure
_MOSAIC = 0.5
_DECAY = 0.9998
_EXPORT = ("saved_model",)
_SMALL = 5e6  # parameters; larger networks take half the learning rate


@dataclass(frozen=True)
class Choice:
    """One line of what was chosen: what, its value and why, and the flag that changes it."""

    what: str
    value: str
    why: str
    flag: str


def table(choices: list[Choice]) -> str:
    """The choices as aligned columns."""
    rows = [(c.what, c.value, c.why, c.flag) for c in choices]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["chosen, as nothing else is given; the flag at the right of a line changes it:"]
    for *cells, flag in rows:
        cells = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        lines.append("  " + "  ".join([*cells, flag]))
    return "\n".join(lines)


def choose(
    config: Config, images: int, given: set[str], new_schedule: bool, parameters: float
) -> list[Choice]:
    """Sets the length of a training, and what of mosaic and averages the recipe lacks.

    Args:
      config: changed in place; its batch size is that of the training.
      images: of the training split.
      given: settings that the user gave, such as "train.epochs"; they stay.
      new_schedule: also an optimiser and a schedule, for a cfg file that was written for another
        data set.
      parameters: of the network, for its learning rate.

    Returns:
      What was chosen.
    """
    found = _length(config, images) if not given & {"train.epochs", "train.updates"} else []
    if new_schedule:
        found += _optimizer(config, given, parameters)
    found += _evaluation(config, given)
    found += _mosaic(config, given)
    train = config.train
    if "train.averages.decay" not in given and not train.averages.decay:
        train.averages.decay = _DECAY
        why = "averages of the weights are evaluated and exported"
        found.append(Choice("averages", f"{_DECAY:g}", why, "--config.train.averages.decay=0"))
    if "train.export" not in given and not train.export:
        train.export = _EXPORT
        flag = "--config.train.export=()"
        found.append(Choice("export", ", ".join(_EXPORT), "when training has ended", flag))
    return found


def epochs_for(images: int, transferred: bool) -> int:
    """As many epochs as show some thousand images, between bounds."""
    seen, (least, most) = (_SEEN_ON, _EPOCHS_ON) if transferred else (_SEEN, _EPOCHS)
    return min(max(round(seen / images), least), most)


def _length(config: Config, images: int) -> list[Choice]:
    train = config.train
    transferred = bool(config.transfer.source) and config.transfer.mode != "none"
    train.epochs, train.updates = epochs_for(images, transferred), 0
    updates = train.epochs * -(-images // train.batch_size)
    start = "weights that exist" if transferred else "random weights"
    why = f"{updates:,} updates with {images:,} images, from {start}"
    return [Choice("epochs", str(train.epochs), why, "--config.train.epochs=N")]


def _optimizer(config: Config, given: set[str], parameters: float) -> list[Choice]:
    if any(name.startswith(("train.optimizer.", "train.schedule.")) for name in given):
        return []
    rate = 2e-3 if parameters < _SMALL else 1e-3
    config.train.optimizer = OptimizerConfig(name="adamw", learning_rate=rate, weight_decay=0.05)
    config.train.schedule = ScheduleConfig(name="flat_cosine", warmup_epochs=2, final_fraction=0.02)
    why = "that of the cfg is for a training of weeks"
    flag = "--config.train.optimizer.learning_rate=R"
    return [Choice("optimiser", f"adamw, {rate:g}", why, flag)]


def _evaluation(config: Config, given: set[str]) -> list[Choice]:
    train, found = config.train, []
    if not config.data.val or not train.epochs:
        return found
    if "train.evaluate_every" not in given:
        train.evaluate_every = -(-train.epochs // _EVALUATIONS)
        value, flag = f"every {train.evaluate_every} epochs", "--config.train.evaluate_every=N"
        found.append(Choice("evaluation", value, "six in all, and the last epoch", flag))
    if "train.patience" not in given and not train.patience:
        train.patience = _PATIENCE
        why = f"evaluations without a better {train.best_metric} end the training"
        found.append(Choice("patience", str(_PATIENCE), why, "--config.train.patience=0"))
    return found


def _mosaic(config: Config, given: set[str]) -> list[Choice]:
    augment, found = config.data.augment, []
    if "data.augment.mosaic" not in given and not augment.mosaic:
        augment.mosaic = _MOSAIC
        if "data.augment.mosaic_manner" not in given:
            augment.mosaic_manner = "scaled"
        why = "this share of the images is made of four"
        found.append(Choice("mosaic", f"{_MOSAIC:g}", why, "--config.data.augment.mosaic=0"))
    mixed = augment.mosaic or augment.mixup
    if mixed and config.train.epochs and "data.augment.off_epochs" not in given:
        augment.off_epochs = max(config.train.epochs // _MIXED_SHARE, 1)
        if "data.augment.off" not in given:
            augment.off = "mixing"
        value = f"last {augment.off_epochs} epochs"
        flag = "--config.data.augment.off_epochs=N"
        found.append(Choice("mosaic off", value, "training ends on images as they are", flag))
    return found
