import pytest

from tests.data.layouts import per_image
from yolo_tf.data import checks
from yolo_tf.data.build.open_data import Division, find_data, open_splits
from yolo_tf.data.build.reading import read_all
from yolo_tf.data.sources.base import Options
from yolo_tf.errors import UserError


@pytest.fixture
def found(tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    per_image.YOLO_LAYOUTS["flat"](root)
    return find_data(str(root))


def opened(found, **kwargs):
    division = Division(val_fraction=0.0)
    return open_splits(found, Options("", **kwargs), division=division)["train"]


def read(source) -> list[list[int]]:
    return [sample.classes.tolist() for sample, _ in read_all(source, 1)]


def test_some_classes_in_another_order(found):
    assert read(opened(found)) == [[0, 1], [1], [0, 0], [0]]
    source = opened(found, only_classes=("grey wolf",))
    assert source.class_names == ["grey wolf"]
    assert read(source) == [[0], [0], [], []]
    (issue,) = source.read("w3")[1]
    assert (issue.action, issue.found, issue.fatal) == (checks.OTHER_CLASS, "1 boxes", False)
    assert read(opened(found, only_classes=("grey wolf", "fox"))) == [[1, 0], [0], [1, 1], [1]]


def test_all_classes_as_one(found):
    source = opened(found, single_class="animal")
    assert source.class_names == ["animal"]
    assert read(source) == [[0, 0], [0], [0, 0], [0]]
    both = opened(found, single_class="animal", only_classes=("fox",))
    assert read(both) == [[0], [], [0, 0], [0]]


def test_worker_processes_read_parts_of_a_data_set(found):
    source = opened(found, only_classes=("fox",))
    two = [sample.classes.tolist() for sample, _ in read_all(source, 2)]
    assert two == read(source)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("foks",), "classes: found 'foks', expected a class of the data, nearest is 'fox'"),
        (("fox", "fox"), "classes: found 'fox' twice"),
    ],
)
def test_wrong_classes(found, names, message):
    with pytest.raises(UserError, match=message):
        opened(found, only_classes=names)
