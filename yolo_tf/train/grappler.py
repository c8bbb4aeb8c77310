"""TensorFlow's graph optimizer, which training does without on CPUs."""

import tensorflow as tf


def fix_sums() -> None:
    """The same sums in the same order in each process: what is resumed ends in the same bits."""
    # Grappler reorders sums, in each process in another way. On GPUs, whose sums have no fixed
    # order anyway, it stays: it finds faster layouts for them.
    if not tf.config.list_physical_devices("GPU"):
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
