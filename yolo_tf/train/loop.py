"""Training, read from top to bottom: devices, data, detector, overview, steps."""

import contextlib
import time

import tf_keras

from yolo_tf.config import Config, DataConfig, TrainConfig
from yolo_tf.config.check import check_config
from yolo_tf.data.augment.random import input_sizes
from yolo_tf.data.input.stream import choose_shard
from yolo_tf.data.records.bad_records import readable_errors
from yolo_tf.data.records.open_records import Records
from yolo_tf.detector.build import build_detector, build_heads
from yolo_tf.errors import UserError, check_choice
from yolo_tf.evaluate.evaluator import METRICS
from yolo_tf.evaluate.report_folder import evaluate_and_report
from yolo_tf.evaluate.run import figures_without_truth
from yolo_tf.models.keras_backbone import load_backbone
from yolo_tf.runs import checkpoint
from yolo_tf.runs.checkpoint import State
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train import overview
from yolo_tf.train.devices import (
    check_batch,
    check_compiled,
    describe,
    is_chief,
    make_strategy,
    processes,
)
from yolo_tf.train.dry_run import report_costs
from yolo_tf.train.interruption import lost_workers
from yolo_tf.train.own_callbacks import make_callbacks
from yolo_tf.train.precision import choose_policy, make_deterministic
from yolo_tf.train.tensorboard import check_window
from yolo_tf.train.training import Training
from yolo_tf.train.transfer import freeze, transfer


def train(config: Config, run: RunFolder, resume: bool = False) -> bool:
    """Trains a recipe into a run folder.

    Args:
      config: the recipe; with `resume` the run's own, its epochs perhaps extended.
      run: the folder; new unless `resume`.
      resume: go on after the run's last checkpoint, or from the start where there is none; of a
        finished run, write the report that it lacks.

    Returns:
      Whether this process wrote the run: of several the first alone.

    Raises:
      UserError: settings or data are wrong, or the loss stopped being a finite number.
      Interrupted: the process was asked to end, and the training is saved.
      LostWorker: another process of the training is gone.
    """
    with lost_workers(config.train.strategy.name == "multi_worker"):
        return _train(config, run, _begin(config), resume)


def dry_run(config: Config, run: RunFolder) -> None:
    """Builds all that `train` builds, trains and evaluates one batch, and prints what it costs.

    Nothing is written into `run`.

    Raises:
      UserError: as `train`.
    """
    strategy = _begin(config)
    run.check_new()
    training, statistics = _prepare(config, run, strategy, resume=False)
    report_costs(training, statistics)


def _begin(config: Config):
    check_config(config)
    make_deterministic()
    strategy = make_strategy(config.train.strategy)
    check_batch(config.train, strategy)
    return strategy


def _train(config: Config, run: RunFolder, strategy, resume: bool) -> bool:
    chief = is_chief(strategy)
    if resume and not run.has_checkpoint():
        resume = False
        if chief:
            print(
                f"{run.path}: ended before its first checkpoint; it begins from the start, with its"
                " own recipe"
            )
    if resume and lacks_report(config, run):
        if chief:
            with run.locked():
                _write_missing_report(config, run)
        return chief
    if chief and not resume:
        run.check_new()
    training, _ = _prepare(config, run, strategy, resume)
    with run.locked() if chief else contextlib.nullcontext():
        if resume:
            training.resume()
        elif chief:
            run.create(config, training.detector.class_names)
        started = time.perf_counter()
        with readable_errors(*training.records.values()):
            training.run()
            if chief and "val" in training.records and config.train.report:
                _report(config, run, training.records["val"])
    minutes = (time.perf_counter() - started) / 60
    if chief:
        print(f"trained {minutes:.1f} minutes; results in {run.path}")
    return chief


def _report(config: Config, run: RunFolder, records: Records) -> None:
    detector, _ = run.load_detector()
    run.report.mkdir(exist_ok=True)
    evaluate_and_report(detector, str(run.path), records, config.train.batch_size, run.report)
    print(f"report of the best checkpoint: {run.report / 'report.html'}")


def is_done(config: Config, run: RunFolder) -> bool:
    """Whether the training of a run with checkpoints reached its last epoch or its patience."""
    state = checkpoint.read_state(checkpoint.find(run.checkpoints, checkpoint.LAST))
    stopped = 0 < config.train.patience <= state.evaluations_since_best
    return stopped or 0 < config.train.epochs <= state.epoch


def lacks_report(config: Config, run: RunFolder) -> bool:
    """Whether the training is done, but the run ended before its report was written."""
    wanted = config.data.val and config.train.report
    if not wanted or (run.report / "report.html").exists():  # what a report writes last
        return False
    return is_done(config, run)


def _write_missing_report(config: Config, run: RunFolder) -> None:
    print(f"{run.path}: its training is done; its report is missing")
    records = _open_records(config.data, run.read_recipe()[1])["val"]
    with readable_errors(records):
        _report(config, run, records)


def _prepare(config: Config, run: RunFolder, strategy, resume: bool) -> tuple[Training, dict]:
    """Resolves all that can be wrong before the run folder is touched, then makes the training.

    Returns the training and the `Statistics` of its splits.
    """
    settings = config.train
    state = _state_to_continue(config, run) if resume else State()
    tf_keras.utils.set_random_seed(settings.seed)
    _check_settings(settings)
    chief = is_chief(strategy)
    own_callbacks = make_callbacks(settings.callbacks) if chief else []
    records = _open_records(config.data, run.read_recipe()[1] if resume else None)
    policy, reason = choose_policy(settings.precision, strategy)
    detector, weights = _make_detector(config, records, policy, strategy, resume)
    with readable_errors(*records.values()):
        statistics = overview.read_statistics(config, records)
        _check_best_metric(config, records.get("val"))
    steps = -(-statistics["train"].images // settings.batch_size)
    _set_epochs(settings, steps)
    check_compiled(settings, strategy, detector.head)
    lines = [f"devices      {describe(strategy, settings.strategy.name)}"]
    count = processes(strategy)
    shard, why = choose_shard(config.data.shard, records["train"].paths, count)
    if count > 1:
        lines.append(f"input        {count} processes share by {shard} ({why})")
    lines.append(f"precision    {policy} ({reason})")
    if chief:
        overview.print_overview(config, detector, statistics, run.path)
        print("\n".join([*lines, weights] if weights else lines))
        if not weights and not resume:
            overview.print_random_start(config, statistics)
    else:
        print(f"{lines[0]}; the first process prints all else")
    parts = config, run, strategy, detector, records, steps, state, own_callbacks
    return Training(*parts), statistics


def _make_detector(config: Config, records: dict[str, Records], policy: str, strategy, resume):
    """The detector with its first weights, and a text about these."""
    class_names, sizes = records["train"].class_names, config.data.augment.sizes
    with strategy.scope():
        detector = build_detector(
            config,
            class_names,
            policy,
            bn_synchronized=config.train.strategy.sync_batch_norm,
            any_size=bool(sizes),
        )
        weights = _first_weights(config, detector, resume)
    if sizes:
        sizes = input_sizes(config.data.augment, config.input_size)
        detector.heads = build_heads(config, sizes, len(class_names))
    return detector, weights


def _check_best_metric(config: Config, records: Records | None) -> None:
    """Raises `UserError` where no epoch could ever be better than another."""
    metric = config.train.best_metric
    if not records:
        if config.train.patience:
            raise UserError(
                f"config.train.patience: found {config.train.patience}, but config.data.val is"
                " empty: nothing is evaluated; give validation records, or 0"
            )
        return
    without = figures_without_truth(records)
    if metric in without:
        there = ", ".join(name for name in METRICS if name not in without) or "none"
        raise UserError(
            f"config.train.best_metric: found {metric}, but config.data.val={records.pattern} has"
            " no true box that counts for it, so that no epoch would be the best; figures it has:"
            f" {there}"
        )


def _first_weights(config: Config, detector, resume: bool) -> str:
    """Loads and freezes what the recipe says before the first step; a text about it.

    A resumed run has its weights from its checkpoint.
    """
    model, network, pretrained = config.model, detector.network, frozenset()
    if resume:
        freeze(config.transfer, network)
        return ""
    if model.backbone and not config.transfer.source:
        load_backbone(network, model.backbone, model.backbone_weights)
        pretrained = frozenset(["backbone"] if model.backbone_weights != "none" else [])
    report = transfer(config.transfer, detector, pretrained)
    if report:
        return report.table()
    if pretrained:
        mode = config.transfer.mode
        return f"weights      {model.backbone_weights} of {model.backbone}, mode {mode}"
    return ""


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


def _check_settings(settings: TrainConfig) -> None:
    """Settings that would fail only after minutes."""
    check_window(settings)
    check_choice("config.train.best_metric", settings.best_metric, METRICS)


def _open_records(data: DataConfig, run_classes: list[str] | None) -> dict[str, Records]:
    """ "train" and, if there is a validation split, "val"; their classes are those of a run."""
    found = {"train": Records.open(data.train, data)}
    class_names = found["train"].class_names
    if run_classes not in (None, class_names):
        raise UserError(
            f"config.data.train={data.train}: has the classes {', '.join(class_names)}, but"
            f" the run to resume was trained with {', '.join(run_classes)}"
        )
    if data.val:
        found["val"] = Records.open(data.val, data, class_names)
    return found
