"""The bar's figures: speed, memory, time left."""

from types import SimpleNamespace

import pytest
import tf_keras

from yolo_tf.runs.checkpoint import State
from yolo_tf.train import progress
from yolo_tf.train import progress as memory
from yolo_tf.train.progress import Progress, costs, duration


@pytest.fixture
def clock(monkeypatch):
    """Seconds that stand still until they are set."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: now.seconds))
    return now


def watch(within_epoch=0, epochs=4) -> Progress:
    found = Progress(steps=3, epochs=epochs, batch_size=8, state=State(within_epoch=within_epoch))
    found.set_model(SimpleNamespace(optimizer=tf_keras.optimizers.SGD(0.1)))
    return found


def test_an_epoch_has_rate_speed_and_memory(clock):
    watched, logs = watch(), {}
    watched.on_epoch_begin(0)
    clock.seconds = 6.0
    watched.on_epoch_end(0, logs)
    assert logs["learning_rate"] == pytest.approx(0.1)
    assert (logs["seconds"], logs["images_per_second"]) == (6.0, 4.0)
    assert 50 < logs["memory_mb"] == pytest.approx(memory.peak_memory() / 1e6, rel=0.1)


def test_the_time_left_is_that_of_all_epochs_without_the_first_step(clock):
    watched = watch()
    assert watched.seconds_left() is None
    for epoch in (0, 1):
        watched.on_epoch_begin(epoch)
        for batch in range(3):
            clock.seconds += 100 if (epoch, batch) == (0, 0) else 2  # the first one is traced
            watched.on_train_batch_end(batch, {"loss": 1.0})
            if (epoch, batch) == (0, 0):
                assert watched.seconds_left() is None
        if epoch == 0:
            assert watched.seconds_left() == pytest.approx(9 * 2)
            clock.seconds += 5  # an evaluation, of which there will be more
        watched.on_epoch_end(epoch, {})
    assert watched.seconds_left() == pytest.approx(6 * (5 * 2 + 5) / 5)


def test_the_rest_of_an_interrupted_epoch(clock):
    watched, logs = watch(within_epoch=1), {}
    watched.on_epoch_begin(2)
    for batch in range(2):
        clock.seconds += 2
        watched.on_train_batch_end(batch, {"loss": 1.0})
    watched.on_epoch_end(2, logs)
    assert logs["images_per_second"] == 4.0  # 16 images, not 24
    assert watched.seconds_left() == pytest.approx(3 * 2)  # one more epoch


def test_the_bar_tells_it_all(clock, monkeypatch, capsys):
    monkeypatch.setattr(progress, "Bar", lambda **kwargs: progress_bar(kwargs))
    shown = []

    def progress_bar(kwargs):
        return SimpleNamespace(
            n=kwargs["initial"], due=True, update=lambda _: None, close=lambda: None,
            set_postfix_str=lambda text, refresh: shown.append(text),
        )  # fmt: skip

    monkeypatch.setattr(progress, "memory_figures", lambda: {"memory_mb": 1234.0})
    watched = watch()
    watched.on_epoch_begin(0)
    for batch in range(2):
        clock.seconds += 2
        watched.on_train_batch_end(batch, {"loss": 1.5, "other": 2.0})
    assert shown == [
        "loss=1.5, lr=1.00e-01, 1,234 MB",
        "loss=1.5, lr=1.00e-01, 4.0 images/s, 1,234 MB, 0:00:20 left",
    ]


def test_costs_with_a_gpu():
    found = costs({"memory_mb": 1234.4, "gpu_memory_mb": 10.0, "loss": 1.0}, 3723.4)
    assert found == ["1,234 MB", "GPU 10 MB", "1:02:03 left"]
    assert costs({}, None) == []
    assert duration(90061) == "1 day, 1:01:01"


def test_memory_is_the_most_that_was_held():
    before = memory.peak_memory()
    if before is None:
        pytest.skip("this system does not tell the memory of a process")
    held = bytearray(200_000_000)
    held[::4096] = b"x" * len(held[::4096])
    del held
    assert memory.peak_memory() >= before
    assert memory.held_memory() <= memory.peak_memory()
