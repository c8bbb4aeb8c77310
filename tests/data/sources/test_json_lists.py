import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_tf.data.sources import coco_index as module
from yolo_tf.data.sources.coco_index import json_lists, read_place

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("json") / "x.json"


@pytest.fixture(autouse=True, scope="module")
def small_chunks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", 3)
        yield


def read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(json_lists(path))


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), st.booleans(), st.booleans())
def test_the_same_as_json_reads(path, content, ascii_only, spaced):
    text = json.dumps(content, ensure_ascii=ascii_only, indent=1 if spaced else None)
    # A surrogate alone is no UTF-8; as an escape it is JSON.
    data = text.encode("utf-8", "replace")
    result = {}
    for key, place, item in read(path, data):
        if place is None:
            result[key] = item
        else:
            result[key].append(item)
            with path.open("rb") as file:
                assert read_place(file, place) == item
    assert result == json.loads(data)


def test_other_documents_have_nothing(path):
    for text in ("[1, 2]", "12", ' "a" ', "null"):
        assert read(path, text) == []
    assert read(path, b"\xef\xbb\xbf" + b'{"a": [1]}') == [("a", None, []), ("a", (10, 1), 1)]


@pytest.mark.parametrize(
    "text",
    ["", " ", "{", "{1: 2}", '{"a" 1}', '{"a": }', '{"a": [1 2]}', '{"a": [1,]}', '{"a": [1}',
     '{"a": 1,}', '{"a": 1} 2', '{"a": [1]', '{,"a": 1}', '{"a": "\\x"}', b'{"a": ["\xff"]}',
     '{"a": 1 "b": 2}', '{"a": [,1]}', "[" * 5000 + "]" * 5000],
)  # fmt: skip
def test_what_is_no_json(path, text):
    with pytest.raises((ValueError, RecursionError)):
        read(path, text)
