"""The sums that a training step keeps."""

import numpy as np
import tensorflow as tf

from yolo_tf.detector.metrics import ImageMeans, NonFiniteImages


def test_means_are_over_images_not_batches():
    means = ImageMeans(["loss", "avg_iou"])
    means.update_state({"loss": tf.constant([1.0, 2.0, 3.0]), "avg_iou": tf.constant([0.0] * 3)})
    means.update_state({"loss": tf.constant([10.0]), "avg_iou": tf.constant([1.0])})
    result = {name: float(value) for name, value in means.result().items()}
    assert result == {"loss": 4.0, "avg_iou": 0.25}


def test_means_start_again_after_a_reset():
    means = ImageMeans(["loss"])
    assert float(means.result()["loss"]) == 0  # nothing seen: no division by zero
    means.update_state({"loss": tf.constant([5.0])})
    means.reset_state()
    means.update_state({"loss": tf.constant([1.0, 2.0])})
    assert float(means.result()["loss"]) == 1.5


def test_extra_values_are_ignored_and_the_order_is_that_of_the_names():
    means = ImageMeans(["b", "a"])
    means.update_state({name: tf.constant([float(i)]) for i, name in enumerate("abc")})
    assert {k: float(v) for k, v in means.result().items()} == {"b": 1.0, "a": 0.0}


def keys_of(metric):
    return [int(key) for key in metric.result().numpy() if key]


def test_non_finite_images_are_kept_by_key():
    metric = NonFiniteImages()
    losses = tf.constant([1.0, np.nan, 2.0, np.inf, -np.inf])
    metric.update_state(losses, tf.constant([10, 20, 30, 40, 2**62], tf.int64))
    assert keys_of(metric) == [20, 40, 2**62]


def test_the_first_step_with_such_images_is_the_one_that_counts():
    metric = NonFiniteImages()
    metric.update_state(tf.constant([1.0, 2.0]), tf.constant([1, 2], tf.int64))
    assert keys_of(metric) == []
    metric.update_state(tf.constant([1.0, np.nan]), tf.constant([3, 4], tf.int64))
    metric.update_state(tf.constant([np.nan, np.nan]), tf.constant([5, 6], tf.int64))
    assert keys_of(metric) == [4]
    metric.reset_state()
    assert keys_of(metric) == []


def test_at_most_four_images_and_batches_of_any_size():
    metric = NonFiniteImages()
    metric.update_state(tf.fill([9], np.nan), tf.range(1, 10, dtype=tf.int64))
    assert keys_of(metric) == [1, 2, 3, 4]
    metric.reset_state()
    metric.update_state(tf.constant([np.nan]), tf.constant([7], tf.int64))
    assert keys_of(metric) == [7]


def test_every_replica_keeps_its_own_in_a_graph():
    metric = NonFiniteImages()

    @tf.function
    def step(losses, keys):
        metric.update_state(losses, keys)
        return metric.result()

    result = step(tf.constant([np.nan, 1.0]), tf.constant([8, 9], tf.int64))
    assert result.dtype == tf.int64
    assert result.shape == [metric.KEPT]
