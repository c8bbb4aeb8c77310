import numpy as np
import pytest
import tensorflow as tf

from tests.data.augment import scene
from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment import mosaic

SIZE = (40, 60)


def plain(count, rows=1, size=SIZE):
    """Images of one grey each, 10 times their number; a box over each whole image."""
    images = np.zeros((count, *size, 3), np.uint8) + 10 * np.arange(count, dtype=np.uint8).reshape(
        -1, 1, 1, 1
    )
    boxes = np.tile(np.float32([0, 0, 1, 1]), (count, rows, 1))
    classes = np.tile(np.arange(count)[:, None], (1, rows))
    return scene.batch(boxes, classes, images=images)


def test_off_leaves_everything_as_it_is():
    batch = plain(5)
    out = mosaic.mosaic(batch, SIZE, AugmentConfig(mosaic=0))
    np.testing.assert_array_equal(out["image"], batch["image"])
    np.testing.assert_array_equal(out["placement"], batch["placement"])
    assert out["classes"].shape == (5, 4)
    np.testing.assert_array_equal(np.max(out["classes"], axis=1), np.arange(5))
    assert np.sum(out["classes"].numpy() >= 0) == 5


@pytest.mark.parametrize("manner", mosaic.MANNERS)
@pytest.mark.parametrize("count", [4, 5, 8, 24])
def test_four_different_images_meet_at_a_seam_in_the_middle(manner, count):
    config = AugmentConfig(mosaic=1, mosaic_manner=manner, mosaic_center=0.3)
    out = mosaic.mosaic(plain(count), SIZE, config)
    own_tiles = []
    for number, (image, boxes, classes) in enumerate(
        zip(out["image"].numpy(), out["boxes"].numpy(), out["classes"].numpy(), strict=True)
    ):
        shown = {tuple(np.flatnonzero(classes == label)) for label in classes}
        assert len(shown) == 4, "four different images"
        assert number in classes, "the image itself is one of them"
        own_tiles.append(classes.tolist().index(number))
        seam = boxes[0, 2:] * SIZE
        assert np.all(np.abs(seam / SIZE - 0.5) <= 0.3 + 0.02)
        for box, label in zip(boxes, classes, strict=True):  # boxes end where their tile does
            top, left, bottom, right = np.round(box * np.tile(SIZE, 2)).astype(int)
            assert np.all(image[top:bottom, left:right] == 10 * label)
    if count == 24:
        assert set(own_tiles) == {0, 1, 2, 3}


def test_a_tile_shows_the_inner_corner_of_its_image():
    """Images with margins (algorithms.md 8.3): they go outside, the image to the seam."""
    batch = plain(4)
    batch["placement"] = tf.tile([[0.25, 0.25, 0.75, 0.75]], [4, 1])
    batch["boxes"] = batch["whole"] = tf.tile([[[0.25, 0.25, 0.75, 0.75]]], [4, 1, 1])
    config = AugmentConfig(mosaic=1, mosaic_center=0)  # the seam is in the middle
    out = mosaic.mosaic(batch, SIZE, config)
    expected = [[0, 0, 0.5, 0.5], [0, 0.5, 0.5, 1], [0.5, 0, 1, 0.5], [0.5, 0.5, 1, 1]]
    np.testing.assert_allclose(out["boxes"], [expected] * 4, atol=1e-6)
    for number in range(4):
        tile = out["classes"][number].numpy().tolist().index(number)
        np.testing.assert_allclose(out["placement"][number], expected[tile], atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_small_batches_repeat_images(count):
    out = mosaic.mosaic(plain(count, rows=3), SIZE, AugmentConfig(mosaic=1))
    assert out["image"].shape == (count, *SIZE, 3)
    assert out["classes"].shape == (count, 12)
    assert set(np.unique(out["classes"])) == set(range(count))


def test_as_often_as_asked_and_smaller_in_the_scaled_manner():
    draws = {"draws": scene.draws(400)}
    config = AugmentConfig(mosaic=0.25, mosaic_manner="scaled", mosaic_scale=(0.4, 0.6))
    chosen = mosaic.is_mosaic(draws, config).numpy()
    assert 70 <= np.sum(chosen) <= 130
    zoom = mosaic.image_zoom(draws, config).numpy()
    assert np.all(zoom[~chosen] == 1)
    assert 0.4 <= zoom[chosen].min() < 0.45
    assert 0.55 < zoom[chosen].max() <= 0.6
    darknet = AugmentConfig(mosaic=1, mosaic_scale=(0.4, 0.6))
    np.testing.assert_array_equal(mosaic.image_zoom(draws, darknet), np.ones(400))
