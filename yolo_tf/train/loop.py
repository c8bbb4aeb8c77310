"""Training, read from top to bottom: devices, data, detector, overview, steps."""

import contextlib
import time

import tensorflow as tf
import tf_keras

from yolo_tf.build import build_detector, build_heads
from yolo_tf.config import Config, TrainConfig
from yolo_tf.config_check import check_config
from yolo_tf.data import names
from yolo_tf.data.augment.sizes import input_sizes
from yolo_tf.data.bad_records import readable_errors
from yolo_tf.errors import UserError
from yolo_tf.evaluate.evaluator import METRICS
from yolo_tf.train import checkpoint, overview
from yolo_tf.train.checkpoint import State
from yolo_tf.train.non_finite import CHOICES
from yolo_tf.train.precision import choose_policy
from yolo_tf.train.run_folder import RunFolder
from yolo_tf.train.strategy import check_batch, describe, is_chief, make_strategy
from yolo_tf.train.training import Training
from yolo_tf.train.transfer import freeze, transfer


def train(config: Config, run: RunFolder, resume: bool = False) -> None:
    """Trains a recipe into a run folder.

    Args:
      config: the recipe; with `resume` the run's own, its epochs perhaps extended.
      run: the folder; new unless `resume`.
      resume: continue after the run's last checkpoint.

    Raises:
      UserError: settings or data are wrong, or the loss stopped being a finite number.
      Interrupted: the process was asked to end, and the training is saved.
    """
    check_config(config)
    _repeatable()
    strategy = make_strategy(config.train.strategy)
    check_batch(config.train, strategy)
    chief, data = is_chief(strategy), config.data
    if chief and not resume:
        run.check_new()
    training = _prepare(config, run, strategy, resume)
    class_names = training.detector.class_names
    with run.locked() if chief else contextlib.nullcontext():
        if resume:
            training.resume()
        elif chief:
            run.create(config, class_names)
        started = time.perf_counter()
        with readable_errors([data.train, data.val], class_names, data.labels):
            training.run()
    minutes = (time.perf_counter() - started) / 60
    print(f"trained {minutes:.1f} minutes; results in {run.path}")


def _repeatable() -> None:
    """The same sums in the same order in each process: what is resumed ends in the same bits."""
    # Grappler adds up gradients in an order that differs from process to process.
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})


def _prepare(config: Config, run: RunFolder, strategy, resume: bool) -> Training:
    """Everything that can be wrong before the run folder is touched: data, detector, overview."""
    settings, state = config.train, State()
    if resume:
        state = _state_to_continue(config, run)
    tf_keras.utils.set_random_seed(settings.seed)
    data = config.data
    class_names = names.find_names(data.train, data.names, data.labels)
    _check(config, class_names, run.read_recipe()[1] if resume else class_names)
    policy, reason = choose_policy(settings.precision, strategy)
    with strategy.scope():
        detector = build_detector(config, class_names, policy, settings.strategy.sync_batch_norm)
        report = None if resume else transfer(config.transfer, detector.network, len(class_names))
        if resume:
            freeze(config.transfer, detector.network)
    if data.augment.sizes:
        sizes = input_sizes(data.augment, config.input_size)
        detector.heads = build_heads(config, sizes, len(class_names))
    with readable_errors([data.train, data.val], class_names, data.labels):
        statistics = overview.read_statistics(config, class_names)
    steps = -(-statistics["train"].images // settings.batch_size)
    _set_epochs(settings, steps)
    overview.print_overview(config, detector, statistics, run.path)
    print(f"devices      {describe(strategy, settings.strategy.name)}")
    print(f"precision    {policy} ({reason})")
    if report:
        print(report.table())
    return Training(config, run, strategy, detector, steps, state)


def _set_epochs(settings: TrainConfig, steps: int) -> None:
    """The number of epochs, where the recipe gives updates."""
    if settings.epochs == 0 and settings.updates == 0:
        raise UserError(
            "config.train.epochs: found 0, expected at least 1; 0 leaves the length to"
            " config.train.updates, which is 0 too"
        )
    settings.epochs = settings.epochs or -(-settings.updates // steps)


def _state_to_continue(config: Config, run: RunFolder) -> State:
    """The state of the last checkpoint; refuses a run that is finished."""
    state = checkpoint.read_state(checkpoint.find(run.checkpoints, checkpoint.LAST))
    if 0 < config.train.epochs <= state.epoch:
        raise UserError(
            f"{run.path}: all {config.train.epochs} epochs are done; extend them with"
            " --config.train.epochs=N"
        )
    return state


def _check(config: Config, class_names: list[str], run_classes: list[str]) -> None:
    """Settings and data that would fail only after minutes."""
    settings = config.train
    if settings.on_non_finite not in CHOICES:
        raise UserError(
            f"config.train.on_non_finite: found {settings.on_non_finite!r}, expected one of"
            f" {', '.join(CHOICES)}"
        )
    if settings.best_metric not in METRICS:
        raise UserError(
            f"config.train.best_metric: found {settings.best_metric!r}, expected one of"
            f" {', '.join(METRICS)}"
        )
    if class_names != run_classes:
        raise UserError(
            f"config.data.train={config.data.train}: has the classes {', '.join(class_names)}, but"
            f" the run to resume was trained with {', '.join(run_classes)}"
        )
    for pattern in filter(None, (config.data.train, config.data.val)):
        names.check_classes(pattern, class_names, config.data.labels)
