"""One process of a training with several, or the whole of it: python -m tests.worker FOLDER TRAIN VAL.

TF_CONFIG says which it is. Without it the same training on one replica.
"""

import os
import sys

from tests.small import micro, small_config
from yolo_tf.models import zoo
from yolo_tf.train.loop import train
from yolo_tf.train.run_folder import RunFolder


def main(folder, train_records, val_records):
    zoo.MODELS["micro"], zoo.STRIDES["micro"] = micro, (16, 32)
    config = small_config(train_records, val_records, epochs=2)
    config.model.name = "micro"
    config.train.tensorboard = False
    # One order for any number of processes: each takes its part of every batch.
    config.data.shuffle_buffer = 1
    config.train.strategy.sync_batch_norm = True
    if "TF_CONFIG" in os.environ:
        config.train.strategy.name = "multi_worker"
    train(config, RunFolder(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
