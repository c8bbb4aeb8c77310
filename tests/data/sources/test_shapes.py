import io

import numpy as np
import pytest
from PIL import Image

from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources import shapes
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.shapes import CLASSES, ShapesSource
from yolo_tf.errors import UserError


def source(split="train", images=60, size=(96, 128), seed=0, **kwargs):
    return ShapesSource(Options(split=split, images=images, size=size, seed=seed, **kwargs))


def all_samples(shapes_source):
    return [shapes_source.read(i) for i in shapes_source.ids()]


def test_images():
    samples = all_samples(source())
    assert len({sample.source_id for sample, _ in samples}) == 60
    assert all(not issues for _, issues in samples)
    counts = [len(sample.boxes) for sample, _ in samples]
    assert min(counts) == 0  # some without any object
    assert max(counts) >= 4
    classes = np.concatenate([sample.classes for sample, _ in samples])
    assert set(classes.tolist()) == set(range(len(CLASSES)))
    for sample, _ in samples:
        image = Image.open(io.BytesIO(sample.image))
        assert (image.height, image.width) == (sample.height, sample.width) == (96, 128)


def test_the_same_seed_draws_the_same_other_splits_and_seeds_others():
    first = source().read("train-000003")[0]
    again = source(images=4).read("train-000003")[0]
    assert first.image == again.image
    np.testing.assert_array_equal(first.boxes, again.boxes)
    others = [
        source(split="val").read("val-000003")[0],
        source(seed=1).read("train-000003")[0],
        source().read("train-000004")[0],
    ]
    assert all(other.image != first.image for other in others)


@pytest.mark.parametrize("name", CLASSES)
def test_a_box_fits_what_is_drawn(name):
    rng = np.random.default_rng(5)
    for _ in range(5):
        points, box = shapes._place(rng, name, 64, 80, [])
        image = Image.new("RGB", (80, 64), (0, 0, 0))
        shapes._draw(rng, image, points)
        # Fully or partly covered pixels lie within a pixel of the box, on each side.
        rows, columns = np.nonzero(np.asarray(image).max(axis=2))
        drawn = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(drawn, box, atol=1.1)


def test_objects_hardly_cover_each_other():
    for sample, _ in all_samples(source(images=30)):
        boxes = [tuple(box[[1, 0, 3, 2]]) for box in sample.boxes.astype(float)]
        for i, first in enumerate(boxes):
            for second in boxes[:i]:
                assert shapes._covered(first, second) <= shapes.MAX_COVERED + 1e-4


def test_classes_differ_in_outline():
    areas = {}
    for name in CLASSES:
        x, y = shapes.outline(name, 0.3).T
        areas[name] = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
        assert np.hypot(x, y).max() <= 1 + 1e-9
    assert len({round(area, 2) for area in areas.values()}) == len(CLASSES)


def test_wrong_settings():
    for size in ((16, 64), (64, 4096)):
        with pytest.raises(UserError, match="size: found"):
            source(size=size)
    with pytest.raises(UserError, match="images: found 0"):
        source(images=0)
    with pytest.raises(UserError, match="seed: found -1"):
        source(seed=-1)
    for name in ("train-000060", "val-000000", "x"):
        with pytest.raises(BadRecord, match="id"):
            source().read(name)
