"""Keras metrics of the training step: sums on every replica, right for any number of them."""

import tensorflow as tf
import tf_keras


class _Sums(tf_keras.metrics.Metric):
    """Starts from zeros of any shape; Keras' own reset knows scalars only."""

    def reset_state(self):
        for variable in self.variables:
            variable.assign(tf.zeros_like(variable))


class ImageMeans(_Sums):
    """Means of several named values over all images since the last reset, of all replicas."""

    def __init__(self, names: list[str]):
        super().__init__(name="values", dtype=tf.float32)
        self.value_names = list(names)
        self.total = self.add_weight("total", [len(names)], initializer="zeros")
        self.images = self.add_weight("images", initializer="zeros")

    def update_state(self, values: dict[str, tf.Tensor], sample_weight=None):
        """`values`: name -> [B]; `sample_weight` [B] bool: images that count, None: all."""
        stacked = tf.stack([values[name] for name in self.value_names])
        if sample_weight is None:
            sample_weight = tf.ones_like(stacked[0], tf.bool)
        self.total.assign_add(tf.reduce_sum(tf.where(sample_weight, stacked, 0.0), axis=1))
        self.images.assign_add(tf.reduce_sum(tf.cast(sample_weight, tf.float32)))

    def result(self) -> dict[str, tf.Tensor]:
        means = tf.math.divide_no_nan(self.total, self.images)
        return dict(zip(self.value_names, tf.unstack(means), strict=True))


class NonFiniteImages(_Sums):
    """Keys of the first images whose loss was not a finite number, `KEPT` a replica."""

    KEPT = 4

    def __init__(self):
        super().__init__(name="non_finite_images", dtype=tf.int64)
        # Each replica writes its own row, so the sum over replicas joins the rows.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        self.keys = self.add_weight("keys", [replicas, self.KEPT], initializer="zeros")

    def update_state(self, losses: tf.Tensor, keys: tf.Tensor):
        """`losses` [B] float, `keys` [B] int64, not 0."""
        bad = ~tf.math.is_finite(losses)
        order = tf.argsort(tf.cast(bad, tf.int32), direction="DESCENDING", stable=True)
        first = tf.gather(tf.where(bad, keys, 0), order[: self.KEPT])
        first = tf.pad(first, [[0, self.KEPT - tf.shape(first)[0]]])
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        row = tf.one_hot(replica, tf.shape(self.keys)[0], dtype=tf.int64)
        found_before = tf.reduce_any(self.keys != 0)
        self.keys.assign(tf.where(found_before, self.keys, row[:, None] * first))

    def result(self) -> tf.Tensor:
        """[replicas * KEPT] int64; 0 where there is none."""
        return tf.reshape(self.keys, [-1])
