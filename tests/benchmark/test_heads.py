import pytest
import tensorflow as tf

from tests.benchmark.recipes import tiny
from yolo_tf.benchmark import heads
from yolo_tf.benchmark.step import random_boxes
from yolo_tf.config import recipes
from yolo_tf.detector.build import build_head

pytestmark = pytest.mark.long  # minutes of measuring; test_step is in the short run


def packaged():
    names = ("yolov3", "yolox_darknet53", "ssd_darknet53")
    found = [recipes.load_recipe(recipes.find_recipe(name)) for name in names]
    return heads.variants(*found, size=(640, 640))


def test_measures_head_and_step():
    found = heads.measure_head("darknet", tiny(), batch_size=2, classes=3, repeats=2)
    assert found["head_seconds"] > 0
    assert 0 < found["share"] < 1
    assert 0 < found["processor_share"] < 1
    assert found["added_memory"] is None or found["added_memory"] > 0
    assert found["largest_tensor"] > 0


def test_every_head_is_a_head_of_its_own():
    assert set(packaged()) == {"darknet", "scaled", "squared", "focal_giou", "yolox", "ssd", "tal"}
    kinds = {
        (type(config.head), type(getattr(config.head, "loss", None)))
        for config in packaged().values()
    }
    assert len(kinds) == 7


def test_no_head_makes_a_tensor_above_a_quarter_of_a_gigabyte():
    """At 640 x 640, 8 images, 100 boxes, 80 classes; YOLOX's naive cost matrix has 2.2 GB."""
    for config in packaged().values():
        head = build_head(config, 80)
        outputs = {
            stride: tf.zeros([8, 640 // stride, 640 // stride, head.output_channels(stride)])
            for stride in head.strides
        }
        run = heads.head_step(head, random_boxes(8, 100, 80), outputs)
        assert heads.largest_tensor(run.graph) < 2**28


def test_largest_tensor_looks_into_loops():
    @tf.function
    def looped(x):
        return tf.map_fn(lambda row: tf.reduce_sum(tf.zeros([300, 7]) + row), x)

    graph = looped.get_concrete_function(tf.zeros([5])).graph
    assert heads.largest_tensor(graph) == 4 * 2100


def test_head_step_has_gradients_of_every_output():
    config = tiny()
    head = build_head(config, 3)
    outputs = {
        stride: tf.random.normal([2, 32 // stride, 64 // stride, head.output_channels(stride)])
        for stride in head.strides
    }
    loss, gradients = heads.head_step(head, random_boxes(2, 8, 3), outputs)()
    assert float(loss) > 0
    assert set(gradients) == set(outputs)
    assert all(float(tf.reduce_max(tf.abs(g))) > 0 for g in gradients.values())
