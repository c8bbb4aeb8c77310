import pytest
import tensorflow as tf

from tests.small import small_config
from yolo_tf.config.recipes import find_recipe, load_recipe
from yolo_tf.errors import UserError
from yolo_tf.train import batch_size
from yolo_tf.train.batch_size import measured_batch


def test_measured_on_a_network(micro_network):
    config = small_config()
    config.model.name = "micro"
    size, why = measured_batch(config, 8)
    assert size in (1, 2, 4, 8)
    assert " MB in a step, " in why


def test_a_head_without_anchors_takes_its_step_too():
    config = load_recipe(find_recipe("yolo_n"))
    config.input_size = (64, 64)
    assert batch_size._training_step(config)(2) > 0


@pytest.mark.parametrize(("free", "size"), [(64e6, 2), (300e6, 8), (1e12, 64), (1e6, 1)])
def test_half_of_the_free_memory(monkeypatch, free, size):
    held = {2: 120e6, 6: 180e6}  # 15 MB an image
    monkeypatch.setattr(batch_size, "_training_step", lambda config: lambda size: None)
    monkeypatch.setattr(batch_size, "_peak_of", lambda step, size: held[size])
    monkeypatch.setattr(batch_size, "_free_memory", lambda: free)
    assert measured_batch(small_config(), 64)[0] == size


@pytest.mark.parametrize(("fits", "size"), [(100, 32), (2, 1), (1000, 64)])
def test_a_gpu_gets_half_of_what_fits(monkeypatch, fits, size):
    def step(images):
        if images > fits:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

    monkeypatch.setattr(batch_size, "_training_step", lambda config: step)
    monkeypatch.setattr(batch_size, "gpu_peak_memory", lambda: 1)
    assert measured_batch(small_config(), 64)[0] == size


def test_a_system_that_does_not_tell(monkeypatch):
    monkeypatch.setattr(batch_size, "_training_step", lambda config: None)
    monkeypatch.setattr(batch_size, "_free_memory", lambda: None)
    with pytest.raises(UserError, match="give --batch=N"):
        measured_batch(small_config(), 64)
