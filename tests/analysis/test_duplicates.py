import numpy as np
import pytest

from yolo_tf.data import fingerprints as module
from yolo_tf.data.fingerprints import COLS, ROWS, similar


def pictures(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, ROWS, COLS)).astype(np.uint8)


def test_strangers_are_not_alike():
    assert similar(pictures(500)) == []


@pytest.mark.parametrize("change", [0, 1, 2])
def test_a_copy_with_little_noise_is_found(change):
    grey = pictures(200)
    noise = np.random.default_rng(1).integers(-change, change + 1, grey[:20].shape)
    copies = np.clip(grey[:20].astype(int) + noise, 0, 255).astype(np.uint8)
    pairs = similar(np.concatenate([grey, copies]))
    assert set(pairs) <= {(200 + n, n) for n in range(20)}
    assert len(pairs) >= 18


def test_another_brightness_is_the_same_image():
    grey = pictures(2) // 2
    assert similar(np.concatenate([grey, grey + 40])) == [(2, 0), (3, 1)]


def test_the_earliest_of_many_is_named():
    grey = np.repeat(pictures(1), 5, axis=0)
    assert similar(grey) == [(n, 0) for n in range(1, 5)]


def test_plain_images_are_left_out():
    assert similar(np.full((50, ROWS, COLS), 128, np.uint8)) == []


@pytest.mark.parametrize("count", [0, 1])
def test_few(count):
    assert similar(pictures(count)) == []


def test_the_work_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_NEIGHBOURS", 2)
    pairs = similar(np.repeat(pictures(1), 30, axis=0))
    assert [later for later, _ in pairs] == list(range(1, 30))
