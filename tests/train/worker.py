"""Run by test_multi_worker: the train command that knows "micro" and sends itself a signal.

python -m tests.train.worker STEP SIGNAL --config=... --workdir=...
"""

import os
import sys


def recipe(train, val):
    """Three epochs of three small steps, so that rounding errors stay small; with SGD, since Adam's
    steps have the sign of such errors."""
    from tests.small import small_config
    from yolo_tf.config import OptimizerConfig

    config = small_config(train, val, epochs=3)
    config.model.name = "micro"
    config.train.tensorboard = False
    config.train.averages.decay = 0.9
    config.train.optimizer = OptimizerConfig(name="sgd", learning_rate=1e-4)
    config.train.strategy.sync_batch_norm = True
    return config


def signal_at(step, number):
    """`Alarm.on_train_batch_end` that sends its process a signal after so many updates."""
    from yolo_tf.train.callbacks import Alarm

    usual = Alarm.on_train_batch_end

    def watch(self, batch, logs=None):
        usual(self, batch, logs)
        if int(self.model.optimizer.iterations.numpy()) == step:
            os.kill(os.getpid(), number)

    return watch


def main(step, number):
    from yolo_tf.cli import train  # first, since it imports TensorFlow silently

    # isort: split
    from tests.small import micro
    from yolo_tf.models import zoo
    from yolo_tf.train.callbacks import Alarm

    zoo.MODELS["micro"], zoo.STRIDES["micro"] = micro, (16, 32)
    Alarm.on_train_batch_end = signal_at(step, number)
    train.entry()


if __name__ == "__main__":
    main(*map(int, (sys.argv.pop(1), sys.argv.pop(1))))
