"""Properties of the whole augmentation: where the pixels go, the boxes go."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.data.augment import rectangles
from yolo_tf.config import AugmentConfig, DataConfig
from yolo_tf.data.augment.augment import change_images, draw_image, group_size
from yolo_tf.data.input.pipeline import training_dataset
from yolo_tf.data.records.open_records import Records

TOLERANCE = 2.0  # pixels
_CLEAR = 150  # pixels
STILL = AugmentConfig(flip=0, jitter=0, hue=0, saturation=1, exposure=1)
# Every box of which anything is left stays, so that each rectangle in sight must have one.
ALL = dataclasses.replace(STILL, min_area=0, min_size=0, max_aspect=10_000)
TURNED = {"rotate": 30, "shear": 10, "perspective": 0.3}
CASES = {
    "nothing": {},
    "crop": {"jitter": 0.25},
    "flips": {"flip": 0.5, "flip_vertical": 0.5},
    "zoom and shift": {"scale": 1.5, "translate": 0.3, "resize": 1.3},
    "turn": TURNED,
    "darknet mosaic": {"mosaic": 0.7, "jitter": 0.2},
    "scaled mosaic": {"mosaic": 0.7, "jitter": 0.2, "mosaic_manner": "scaled"},
    "all": {
        "mosaic": 0.7,
        "jitter": 0.2,
        "scale": 1.3,
        "flip": 0.5,
        "flip_vertical": 0.5,
        **TURNED,
    },
}


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    return rectangles.write(tmp_path_factory.mktemp("rectangles"))


def pictures(pattern, config, size, count, seed=3, **data):
    """(image, boxes, classes) of so many images."""
    data = DataConfig(train=pattern, augment=config, max_boxes=8, **data)
    stream = training_dataset(
        Records.unchecked(data.train, rectangles.names()), data, size, 8, seed
    )
    for batch in stream.take(count // 8).as_numpy_iterator():
        assert not np.any(batch["dropped"])
        yield from zip(batch["image"], batch["boxes"], batch["classes"], strict=True)


@pytest.mark.parametrize(
    ("case", "size", "resize"),
    [
        ("nothing", (96, 128), "letterbox"),
        ("crop", (128, 64), "letterbox"),
        ("flips", (64, 96), "stretch"),
        ("zoom and shift", (96, 96), "stretch"),
        ("turn", (96, 128), "stretch"),
        ("darknet mosaic", (96, 128), "stretch"),
        ("scaled mosaic", (128, 96), "letterbox"),
        ("all", (128, 128), "letterbox"),
    ],
)
def test_a_box_stays_on_its_rectangle(pattern, case, size, resize):
    config = dataclasses.replace(ALL, **CASES[case])
    counts = [
        assert_fits(*picture, turned=config.rotate > 0)
        for picture in pictures(pattern, config, size, 400, resize=resize)
    ]
    assert sum(counts) > 200


def assert_fits(image, boxes, classes, turned=False):
    """Compares all boxes of an image with its colours; returns how many are well in sight."""
    size = np.array(image.shape[:2])
    for label in range(len(rectangles.COLOURS)):
        own = boxes[classes == label] * np.tile(size, 2)
        seen = rectangles.mask(image, label)
        # What shines is in a box, and what is in a box shines.
        assert not np.any(seen & ~rectangles.filled(own, size, TOLERANCE))
        if not turned:
            assert not np.any(rectangles.filled(own, size, -TOLERANCE) & ~seen)
        elif len(own) == 1 and np.all(own[0, :2] > 2) and np.all(own[0, 2:] < size - 2):
            # A turned box is around its rectangle; at a border around more than is seen, and of
            # a turned sliver nothing clear is seen.
            if np.sum(seen) < _CLEAR:
                continue
            assert np.all(np.abs(own[0] - rectangles.extent(seen)) <= TOLERANCE)
    sides = (boxes[:, 2:] - boxes[:, :2]) * size
    return np.sum(np.min(sides, axis=1) > 2 * TOLERANCE)


def test_each_size_of_multi_scale_has_its_boxes(pattern):
    sizes = (64, 96, 128)
    config = dataclasses.replace(ALL, flip=0.5, jitter=0.2, mosaic=0.5, sizes=sizes, sizes_every=2)
    data = DataConfig(train=pattern, augment=config, max_boxes=8)
    stream = training_dataset(
        Records.unchecked(data.train, rectangles.names()), data, (96, 192), 8, 1
    )
    seen = []
    for batch in stream.take(24).as_numpy_iterator():
        size = batch["image"].shape[1:3]
        seen.append(size)
        for picture in zip(batch["image"], batch["boxes"], batch["classes"], strict=True):
            assert_fits(*picture)
    assert set(seen) == {(64, 128), (96, 192), (128, 256)}
    assert seen[::2] == seen[1::2]  # two steps each


def batch_of(config, size, count=8, seed=5):
    """Images through `draw_image`, as one batch with 4 rows for boxes."""
    rng = np.random.default_rng(0)
    pictures = []
    for number in range(count):
        example = {
            "decoded": rng.integers(0, 256, (50 + 5 * number, 70, 3), dtype=np.uint8),
            "boxes": np.float32([[0.2, 0.3, 0.6, 0.7], [0.1, 0.1, 0.4, 0.5], *[[0] * 4] * 2]),
            "classes": np.int32([0, 1, -1, -1]),
            "difficult": np.zeros(4, bool),
            "crowd": np.zeros(4, bool),
            "area": np.float32([1, 2, 0, 0]),
            "seed": np.int32([seed, number]),
        }
        example = {name: tf.constant(value) for name, value in example.items()}
        pictures.append(draw_image(example, config, tf.constant(size)))
    return {name: tf.stack([picture[name] for picture in pictures]) for name in pictures[0]}


def test_all_off_is_the_image_itself():
    batch = batch_of(STILL, (50, 70), count=1)
    out = change_images(batch, STILL, (50, 70), 4)
    photo = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    np.testing.assert_allclose(out["image"][0], photo / 255, atol=1e-6)
    np.testing.assert_allclose(out["boxes"][0, 0], [0.2, 0.3, 0.6, 0.7], atol=1e-6)
    np.testing.assert_array_equal(out["placement"], [[0, 0, 1, 1]])


def test_everything_at_once_keeps_the_contract():
    config = AugmentConfig(
        flip_vertical=0.5, resize=1.5, scale=1.5, translate=0.2, mosaic=0.7, mixup=0.7, erase=0.7,
        **TURNED,
    )  # fmt: skip
    out = change_images(batch_of(config, (32, 64)), config, (32, 64), 5)
    assert out["image"].shape == (8, 32, 64, 3)
    assert out["image"].dtype == tf.float32
    assert np.min(out["image"]) >= 0
    assert np.max(out["image"]) <= 1
    boxes, classes = out["boxes"].numpy(), out["classes"].numpy()
    assert boxes.shape == (8, 5, 4)
    assert np.all((boxes >= 0) & (boxes <= 1))
    assert np.all(np.any(boxes != 0, axis=-1) == (classes >= 0))
    np.testing.assert_array_equal(np.sort(classes < 0, axis=1), classes < 0)  # padding comes last
    # Boxes keep what belongs to them.
    assert np.all(out["area"].numpy() == np.where(classes >= 0, classes + 1, 0))


def test_colour_moves_no_box_and_chance_is_each_functions_own():
    with_colour = dataclasses.replace(AugmentConfig(), mosaic=0.5)
    without = dataclasses.replace(with_colour, hue=0, saturation=1, exposure=1, erase=0.01)
    size = (32, 32)
    first, second = (
        change_images(batch_of(config, size), config, size, 4) for config in (with_colour, without)
    )
    np.testing.assert_array_equal(first["boxes"], second["boxes"])
    assert np.any(first["image"] != second["image"])


def test_groups_are_whole_steps_of_eight_images_or_more():
    assert group_size(AugmentConfig(), 3) == 0
    for config in (AugmentConfig(mosaic=0.1), AugmentConfig(mixup=0.1)):
        assert [group_size(config, n) for n in (1, 3, 8, 16, 17)] == [8, 9, 8, 16, 17]
