import dataclasses

import numpy as np
import pytest

from yolo_tf.data.sample import Sample


def sample(n=2, **changes):
    values = {
        "source_id": "x",
        "image": b"...",
        "image_format": "jpeg",
        "filename": "x.jpg",
        "height": 4,
        "width": 8,
        "boxes": np.zeros([n, 4], np.float32),
        "classes": np.zeros([n], np.int32),
        "difficult": np.zeros([n], bool),
        "truncated": np.zeros([n], bool),
        "crowd": np.zeros([n], bool),
        "area": np.zeros([n], np.float32),
    }
    return Sample(**{**values, **changes})


@pytest.mark.parametrize("n", [0, 1, 5])
def test_any_number_of_boxes(n):
    assert sample(n).boxes.shape == (n, 4)


@pytest.mark.parametrize("field", ["boxes", "difficult", "truncated", "crowd", "area"])
def test_a_list_of_another_length_is_refused(field):
    with pytest.raises(ValueError, match=field):
        sample(2, **{field: getattr(sample(3), field)})


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample().height = 5
