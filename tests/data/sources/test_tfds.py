import pickle

import numpy as np
import pytest

from tests.data.folders import NAMES
from tests.data.tfds_builder import Toy, ToyFlags, ToyFloatArea, prepare
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.records import TfdsSource
from yolo_tf.errors import UserError


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    for builder in (Toy, ToyFlags, ToyFloatArea):
        prepare(builder, folder)
    return str(folder)


def source(data_dir, name="toy", split="train", names=None, **kwargs):
    return TfdsSource(Options(split, name, names, data_dir=data_dir, **kwargs))


def test_a_split(data_dir):
    found = pickle.loads(pickle.dumps(source(data_dir)))
    assert found.class_names == NAMES
    assert sorted(found.ids()) == [f"train-{i}.jpg" for i in range(5)]
    sample, issues = found.read("train-2.jpg")
    assert issues == []
    assert (sample.filename, sample.height, sample.width) == ("train-2.jpg", 40, 60)
    np.testing.assert_array_equal(sample.boxes, np.float32([[0.125, 0.25, 0.625, 0.75]] * 2))
    assert sample.classes.tolist() == [0, 1]
    np.testing.assert_allclose(sample.area, [600, 600])
    both = source(data_dir, split="train+validation")
    assert len(both.ids()) == 10


def test_flags(data_dir):
    sample, _ = source(data_dir, "toy_flags").read("train-1.jpg")
    assert sample.difficult.all()
    assert sample.crowd.all()
    assert sample.truncated.all()
    assert sample.area.tolist() == [123]
    assert source(data_dir, "toy_float_area").read("train-1.jpg")[0].area.tolist() == [123]


def test_another_order_of_the_classes(data_dir):
    sample, _ = source(data_dir, names=("dog", "horse", "cat")).read("train-2.jpg")
    assert sample.classes.tolist() == [2, 0]
    _, issues = source(data_dir, names=("dog",)).read("train-2.jpg")
    assert ["found 'cat', expected a class of the list" in str(i) for i in issues] == [True]


def test_labels_are_the_data_set_s(data_dir):
    with pytest.raises(UserError, match="--labels: a data set of TFDS names its labels itself"):
        source(data_dir, labels="one_based")
