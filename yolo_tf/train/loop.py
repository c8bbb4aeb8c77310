"""Training, read from top to bottom: data, detector, overview, fit."""

import time

import tf_keras

from yolo_tf.build import build_detector, build_heads
from yolo_tf.config import Config, TrainConfig
from yolo_tf.config_check import check_config
from yolo_tf.data import image_keys, names, pipeline
from yolo_tf.data.augment.sizes import input_sizes
from yolo_tf.data.bad_records import readable_errors
from yolo_tf.errors import UserError
from yolo_tf.evaluate.evaluator import METRICS
from yolo_tf.evaluate.run import Validator
from yolo_tf.recipe_files import write_recipe
from yolo_tf.train import callbacks, checkpoint, overview, pictures
from yolo_tf.train.optimizers import make_optimizer
from yolo_tf.train.run_folder import RunFolder
from yolo_tf.train.schedules import Schedule
from yolo_tf.train.transfer import freeze, transfer


def train(config: Config, run: RunFolder, resume: bool = False) -> None:
    """Trains a recipe into a run folder.

    Args:
      config: the recipe; with `resume` the run's own, its epochs perhaps extended.
      run: the folder; new unless `resume`.
      resume: continue after the run's last checkpoint.

    Raises:
      UserError: settings or data are wrong, or the loss stopped being a finite number.
    """
    check_config(config)
    settings, state = config.train, checkpoint.State()
    if resume:
        state = _state_to_continue(config, run)
    else:
        run.check_new()
    tf_keras.utils.set_random_seed(settings.seed)
    data = config.data
    class_names = names.find_names(data.train, data.names, data.labels)
    _check(config, class_names, run.read_recipe()[1] if resume else class_names)
    detector = build_detector(config, class_names)
    if config.data.augment.sizes:
        sizes = input_sizes(config.data.augment, config.input_size)
        detector.heads = build_heads(config, sizes, len(class_names))
    if resume:
        freeze(config.transfer, detector.network)
    else:
        report = transfer(config.transfer, detector.network, len(class_names))
    with readable_errors([data.train, data.val], class_names, data.labels):
        statistics = overview.read_statistics(config, class_names)
    steps = -(-statistics["train"].images // settings.batch_size)
    _set_epochs(settings, steps)
    overview.print_overview(config, detector, statistics, run.path)
    if not resume and report:
        print(report.table())

    schedule = Schedule(settings.schedule, settings.optimizer.learning_rate, steps, settings.epochs)
    detector.compile(optimizer=make_optimizer(settings.optimizer, schedule))
    # With its variables made beforehand the training step is traced once, not twice.
    detector.optimizer.build(detector.network.trainable_variables)
    if resume:
        path = checkpoint.find(run.checkpoints, checkpoint.LAST)
        # What convert_darknet imported has been trained elsewhere and has no optimiser state.
        checkpoint.restore(path, detector.network, detector.optimizer if state.step else None)
        write_recipe(run.path, config, class_names)  # with the epochs that it now has
        print(f"resumed from {path}: {state.epoch} epochs done, {settings.epochs} in all")
    else:
        run.create(config, class_names)
    started = time.perf_counter()
    with readable_errors([data.train, data.val], class_names, data.labels):
        _fit(config, detector, run, state, steps)
    minutes = (time.perf_counter() - started) / 60
    print(f"trained {minutes:.1f} minutes; results in {run.path}")


def _set_epochs(settings: TrainConfig, steps: int) -> None:
    """The number of epochs, where the recipe gives updates."""
    if settings.epochs == 0 and settings.updates == 0:
        raise UserError(
            "config.train.epochs: found 0, expected at least 1; 0 leaves the length to"
            " config.train.updates, which is 0 too"
        )
    settings.epochs = settings.epochs or -(-settings.updates // steps)


def _state_to_continue(config: Config, run: RunFolder) -> checkpoint.State:
    """The state of the last checkpoint; refuses a run that is finished."""
    state = checkpoint.read_state(checkpoint.find(run.checkpoints, checkpoint.LAST))
    if 0 < config.train.epochs <= state.epoch:
        raise UserError(
            f"{run.path}: all {config.train.epochs} epochs are done; extend them with"
            " --config.train.epochs=N"
        )
    return state


def _fit(config: Config, detector, run: RunFolder, state: checkpoint.State, steps: int) -> None:
    """The epochs with augmentation, then those without (config.data.augment.off_epochs)."""
    epochs = config.train.epochs
    calls = _callbacks(config, detector, run, state, steps)
    plain_from = max(epochs - config.data.augment.off_epochs, 0)
    for augment, first, last in ((True, 0, plain_from), (False, plain_from, epochs)):
        first = max(first, state.epoch)
        if first >= last or detector.stop_training:
            continue
        if not augment:
            detector.head, detector.heads = detector.head.for_last_epochs(), {}
            detector.train_function = None  # to be traced again, with this head
        heads = {size: head.encode for size, head in detector.heads.items()}
        dataset = pipeline.training_dataset(
            config.data,
            config.input_size,
            config.train.batch_size,
            config.train.seed,
            detector.class_names,
            encode=heads or detector.head.encode,
            augment=augment,
            start_step=state.step,
        )
        if state.step == 0:
            pictures.draw_training_batch(dataset, detector.class_names, run.train_batch)
        detector.fit(
            dataset.map(_step_inputs),
            initial_epoch=first,
            epochs=last,
            steps_per_epoch=steps,
            callbacks=calls,
            verbose=0,
        )


def _callbacks(config: Config, detector, run: RunFolder, state, steps: int) -> list:
    """In this order: later ones read what earlier ones add to an epoch's logs."""
    settings = config.train
    names = detector.class_names
    calls = [
        callbacks.StopOnNonFinite(
            lambda keys: image_keys.find_images(config.data.train, names, keys)
        ),
        callbacks.Progress(steps, settings.epochs, settings.batch_size),
    ]
    if config.data.val:
        dataset = pipeline.evaluation_dataset(
            config.data.val,
            config.data,
            config.input_size,
            settings.batch_size,
            names,
            encode=detector.head.encode,
        )
        validator = Validator(detector, dataset)

        def evaluate():
            figures = validator()
            pictures.draw_predictions(
                validator.first_batch["image"], validator.first_found, names, run.predictions
            )
            return figures

        calls.append(callbacks.Evaluate(evaluate, settings.evaluate_every, settings.epochs))
    return [
        *calls,
        callbacks.Record(run, settings.epochs, settings.tensorboard),
        callbacks.Checkpoint(run, state, settings.best_metric, settings.patience),
    ]


def _step_inputs(batch: dict) -> dict:
    """What a training step takes: numbers alone, since accelerators take no strings."""
    return {
        "image": batch["image"],
        "targets": batch["targets"],
        "image_key": image_keys.image_key(batch["source_id"]),
    }


def _check(config: Config, class_names: list[str], run_classes: list[str]) -> None:
    """Settings and data that would fail only after minutes."""
    settings = config.train
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
