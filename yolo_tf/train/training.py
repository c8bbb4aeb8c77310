"""The epochs of a training: their data, what happens around the steps, going on after a stop."""

import dataclasses
import itertools

import tf_keras

from yolo_tf.config import Config, TrainConfig
from yolo_tf.data.input import pipeline
from yolo_tf.data.records import bad_records
from yolo_tf.data.records.open_records import Records
from yolo_tf.runs import checkpoint
from yolo_tf.runs.checkpoint import State
from yolo_tf.runs.folder import RunFolder, Saver
from yolo_tf.runs.recipe_files import write_recipe
from yolo_tf.train import callbacks, validation
from yolo_tf.train.averages import WeightAverages
from yolo_tf.train.callbacks import FACTOR, MOST_ROLLBACKS, Alarm, NonFinite
from yolo_tf.train.devices import any_process, is_chief
from yolo_tf.train.interruption import SaveOnSignal
from yolo_tf.train.optimizers import Schedule, make_optimizer
from yolo_tf.train.progress import Progress, ResultsWriter
from yolo_tf.train.tensorboard import Profiler, TensorBoard
from yolo_tf.train.transfer import freeze, unfreeze

_SAME_RATE = 0.1  # share of the learning rate that other epochs may change without a word


class Training:
    """A detector on its way through the epochs of a recipe.

    Args:
      config: the recipe, its number of epochs set.
      run: the run folder.
      strategy: in whose scope the detector was built.
      detector: with the weights to start from.
      records: "train" and, if there is a validation split, "val".
      steps: updates of an epoch.
      state: where the training is; kept up to date.
      own_callbacks: those that the recipe names.
    """

    def __init__(
        self,
        config: Config,
        run: RunFolder,
        strategy,
        detector,
        records: dict[str, Records],
        steps: int,
        state: State,
        own_callbacks: list,
    ):
        self.config, self.run_folder, self.strategy, self.records = config, run, strategy, records
        self.detector, self.steps, self.state = detector, steps, state
        self.chief, self.own_callbacks = is_chief(strategy), own_callbacks
        self._heads = detector.head, detector.heads
        settings = config.train
        detector.accumulate = settings.accumulate
        detector.compile_gradients = settings.jit_compile
        # A step's means are those of all replicas; Keras would add up those of processes.
        detector.distribute_reduction_method = "first"
        with strategy.scope():
            if settings.averages.decay:
                detector.averages = WeightAverages(detector.network, settings.averages)
        self._compile()
        self.saver = Saver(run, detector, self.chief)

    def _compile(self) -> None:
        """A new optimiser, at a learning rate that each rollback has lowered."""
        settings, detector = self.config.train, self.detector
        with self.strategy.scope():
            optimizer = make_optimizer(settings.optimizer, self._schedule(settings))
            if detector.network.dtype_policy.name == "mixed_float16":
                # Small gradients would be 0; updates that overflow are left out.
                optimizer = tf_keras.mixed_precision.LossScaleOptimizer(optimizer)
            detector.compile(optimizer=optimizer, steps_per_execution=settings.steps_per_execution)
            # With its variables made beforehand the training step is traced once, not twice.
            detector.optimizer.build(self._all_trained())
        detector.train_function = None

    def _schedule(self, settings: TrainConfig) -> Schedule:
        peak = settings.optimizer.learning_rate * FACTOR**self.state.rollbacks
        return Schedule(settings.schedule, peak, self.steps, settings.epochs)

    def _all_trained(self) -> list:
        """The variables that are trained now or later."""
        network, transfer = self.detector.network, self.config.transfer
        if transfer.unfreeze_at_epoch:
            unfreeze(network)
        variables = network.trainable_variables
        if transfer.unfreeze_at_epoch:
            freeze(transfer, network)
        return variables

    def resume(self) -> None:
        """Goes on after the run's last checkpoint."""
        path = checkpoint.find(self.run_folder.checkpoints, checkpoint.LAST)
        # What convert_darknet imported has been trained elsewhere and has no optimiser state.
        self.saver.restore(path, optimizer=self.state.step > 0)
        if not self.chief:
            return
        before = self.run_folder.read_recipe()[0].train
        # With the epochs that it now has.
        write_recipe(self.run_folder.path, self.config, self.detector.class_names)
        part = f" and {self.state.within_epoch} steps" if self.state.within_epoch else ""
        print(
            f"resumed from {path}: {self.state.epoch} epochs{part} done,"
            f" {self.config.train.epochs} in all"
        )
        self._tell_learning_rate(before)

    def _tell_learning_rate(self, before: TrainConfig) -> None:
        """A line where other epochs than before change it: the schedule is over all of them."""
        epochs, step = self.config.train.epochs, self.state.step
        if epochs == before.epochs or not step:
            return
        last = float(self._schedule(before)(step - 1))
        following = float(self._schedule(self.config.train)(step))
        if abs(following - last) > _SAME_RATE * max(last, following):
            print(
                f"learning rate: goes from {last:.3g} to {following:.3g}, since its schedule is now"
                f" over {epochs} epochs in place of {before.epochs}"
            )

    def run(self) -> None:
        """All epochs that are left."""
        while True:
            try:
                return self._fit()
            except NonFinite as error:
                self._roll_back(error)

    def _roll_back(self, error: NonFinite) -> None:
        """Back to the last good checkpoint with half the learning rate, three times at most."""
        last = self.run_folder.checkpoints / f"{checkpoint.LAST}.json"
        rollbacks = self.state.rollbacks + 1
        stop = self.config.train.on_non_finite == "stop"
        if stop or rollbacks > MOST_ROLLBACKS or not last.exists():
            raise error
        path = checkpoint.find(self.run_folder.checkpoints, checkpoint.LAST)
        self.state = checkpoint.read_state(path)
        self.state.rollbacks = rollbacks
        self._compile()
        self.saver.restore(path)
        if not self.chief:
            return
        print(
            f"{error}\nrolled back to {path}; the learning rate is halved"
            f" ({rollbacks} of at most {MOST_ROLLBACKS} times)"
        )

    def _fit(self) -> None:
        """The epochs in stretches: with and without augmentation, frozen and not."""
        config, state, detector = self.config, self.state, self.detector
        epochs, unfrozen = config.train.epochs, config.transfer.unfreeze_at_epoch
        plain = max(epochs - config.data.augment.off_epochs, 0)
        asked = any_process(self.strategy)
        window = config.train.profile if self.chief else ()
        profiler = Profiler(window, self.run_folder.tensorboard, self.steps, state)
        with profiler, SaveOnSignal(self.saver, state, self.steps, asked) as on_signal:
            calls = [profiler, *self._callbacks(), on_signal]
            static = min(self._heads[0].for_first_epochs()[0], epochs)
            bounds = sorted({0, static, plain, min(unfrozen, epochs), epochs})
            for start, end in itertools.pairwise(bounds):
                if end <= state.epoch or detector.stop_training:
                    continue
                before = detector.head, detector.heads
                detector.head, detector.heads = self._heads
                if start < static:
                    detector.head, detector.heads = _for_first_epochs(*self._heads)
                if start >= plain:
                    detector.head, detector.heads = detector.head.for_last_epochs(), {}
                if 0 < unfrozen <= start:
                    unfreeze(detector.network)
                if unfrozen or before != (detector.head, detector.heads):
                    detector.train_function = None  # to be traced again
                self._fit_stretch(end, calls, augment=start < plain)

    def _fit_stretch(self, end: int, calls: list, augment: bool) -> None:
        """From where the training is to epoch `end`; the rest of an interrupted epoch first."""
        state, detector = self.state, self.detector
        if state.step == 0 and self.chief:
            batches = self._batches(augment)
            path = self.run_folder.train_batch
            validation.draw_training_batch(batches, detector.class_names, path)
        while state.epoch < end and not detector.stop_training:
            within = state.within_epoch
            detector.fit(
                self.dataset(augment),
                initial_epoch=state.epoch,
                epochs=state.epoch + 1 if within else end,
                steps_per_epoch=self.steps - within,
                callbacks=calls,
                verbose=0,
            )

    def dataset(self, augment: bool, one_batch: bool = False):
        """The batches of the training steps, on all replicas; or the first batch, repeated."""

        def batches(context=None):
            batches = self._batches(augment, context).map(step_inputs)
            return batches.take(1).cache().repeat() if one_batch else batches

        if self.strategy.num_replicas_in_sync == 1:
            return batches()
        return self.strategy.distribute_datasets_from_function(batches)

    def _batches(self, augment: bool, context=None):
        heads = {size: head.encode for size, head in self.detector.heads.items()}
        data = self.config.data
        if not augment and data.augment.off == "mixing":
            changes = dataclasses.replace(data.augment, mosaic=0.0, mixup=0.0, sizes=())
            data, augment = dataclasses.replace(data, augment=changes), True
        return pipeline.training_dataset(
            self.records["train"],
            data,
            self.config.input_size,
            self.config.train.batch_size,
            self.config.train.seed,
            encode=heads or self.detector.head.encode,
            augment=augment,
            start_step=self.state.step,
            input_context=context,
        )

    def _callbacks(self) -> list:
        """In this order: later ones read what earlier ones add to an epoch's logs."""
        settings, run, state, steps = self.config.train, self.run_folder, self.state, self.steps
        progress = Progress(steps, settings.epochs, settings.batch_size, state)
        calls = [self.alarm(), progress] if self.chief else [self.alarm()]
        evaluation = None
        if "val" in self.records:
            image_path = run.predictions if self.chief else None
            evaluation = validation.Validation(
                self.records["val"], self.config, self.detector, self.strategy, image_path
            )
            calls.append(callbacks.Evaluate(evaluation, settings))
        if self.chief:
            calls.append(ResultsWriter(run, settings.epochs, progress.seconds_left))
        if self.chief and settings.tensorboard:
            calls.append(TensorBoard(run.tensorboard, state.epoch, evaluation))
        calls += self.own_callbacks
        return [*calls, callbacks.Checkpoint(self.saver, state, steps, settings)]

    def alarm(self) -> Alarm:
        """Ends a training whose loss is not finite, with the names of images."""
        return Alarm(lambda keys: bad_records.find_images(self.records["train"], keys))


def _for_first_epochs(head, heads: dict) -> tuple:
    by_size = {size: each.for_first_epochs()[1] for size, each in heads.items()}
    return head.for_first_epochs()[1], by_size


def step_inputs(batch: dict) -> dict:
    """What a training step takes: numbers alone, since accelerators take no strings."""
    return {
        "image": batch["image"],
        "targets": batch["targets"],
        "image_key": bad_records.image_key(batch["source_id"]),
    }
