import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.folders import coco_content, voc_options, write_coco
from tests.data.fuzz.run import damaged, fuzz, read_all
from yolo_tf.data.sources.coco import CocoSource

pytestmark = pytest.mark.long

FILE = "annotations/instances_train2017.json"
GOOD = json.dumps(coco_content()).encode()
TOKENS = [
    b"[" * 5000,
    b"{",
    b"}",
    b"]",
    b",",
    b'"',
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"null",
    b"9" * 5000,
    b"true",
    b"\xff",
    b'"bbox": ',
    b'"id": ',
    b'"\\ud800"',
    b"../",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([7, 3, 18, 5, "7.jpg", "cat"]),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
PATHS = [("images",), ("annotations",), ("categories",)]
for _part in ("images", "annotations", "categories"):
    PATHS += [(_part, 0), *((_part, 0, key) for key in coco_content()[_part][0])]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_coco(tmp_path_factory.mktemp("coco"))


def read(root, content: bytes):
    (root / FILE).write_bytes(content)
    read_all(lambda: CocoSource(voc_options(root, "train2017")))


@given(damaged(GOOD, TOKENS))
@fuzz
def test_damaged_json(root, content):
    read(root, content)


@given(st.dictionaries(st.sampled_from(PATHS), VALUES, min_size=1, max_size=4))
@fuzz
def test_other_values(root, changes):
    content = coco_content()
    for path, value in changes.items():
        put(content, path, value)
    read(root, json.dumps(content).encode())


def put(content, path, value):
    """Sets a value, unless another change has taken away where it would stand."""
    *way, last = path
    with contextlib.suppress(LookupError, TypeError):
        for step in way:
            content = content[step]
        content[last] = value


@given(VALUES)
@fuzz
def test_other_documents(root, value):
    read(root, json.dumps(value).encode())
