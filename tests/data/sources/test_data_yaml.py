import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.data.folders import check_message
from yolo_tf.data.sources.data_yaml import read_data_yaml
from yolo_tf.data.sources.yolo_layout import read_data_file
from yolo_tf.errors import UserError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("yaml") / "data.yaml"


def read(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_data_yaml(path)


def test_a_file_of_ultralytics(path):
    found = read(
        path,
        "# COCO8\npath: ../datasets/coco8 # root\ntrain: images/train\nval: [a, b.txt]\ntest:\n"
        "names:\n  0: person\n  1: traffic light\n  2: 7\ndownload: https://example.com/x.zip\n",
    )
    assert found.folder == "../datasets/coco8"
    assert found.splits == {"train": ["images/train"], "val": ["a", "b.txt"]}
    assert found.names == ["person", "traffic light", "7"]
    assert found.keypoint_values == 0


def test_key_points(path):
    assert read(path, "kpt_shape: [17, 3]").keypoint_values == 51


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "found list, expected keys such as train"),
        ("", "found NoneType, expected keys"),
        ("a: [", "not readable as YAML: while parsing"),
        (b"\xff\xfe", "not readable as UTF-8 text"),
        ("a: &x [1]\nb: *x", r"not readable as YAML: found an alias \(\*name\)"),
        ("!!python/object/apply:os.system ['true']", "not readable as YAML: could not determine"),
        ("names: [yes, no]", "names: class 0: found True, expected a name, in quotes"),
        ("names: [a, b, a]", "names: class 2: found 'a', which class 0 has"),
        ("names: [a, '']", "names: class 1: found '', expected a name"),
        ("names: {1: a, 2: b}", "names: found the keys 1, 2, expected 0 to 1, each once"),
        ("names: {0: a, x: b}", "names: found the keys 0, x, expected 0 to 1"),
        ("names: cat", "names: found 'cat', expected a list of class names"),
        ("names: []", r"names: found \[\], expected a list"),
        ("names: [a]\nnc: 2", "nc: found 2, expected 1, the number of names"),
        ("names: [a]\nnc: many", "nc: found 'many', expected 1"),
        ("kpt_shape: 17", r"kpt_shape: found 17, expected \[points, 2 or 3\]"),
        ("x" * 2**19 + "x", "found more than 524288 bytes"),
    ],
)
def test_a_faulty_file(path, text, message):
    with pytest.raises(UserError, match=f"data.yaml: {message}") as caught:
        read(path, text)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"none.yaml: not readable"):
        read_data_yaml(path.with_name("none.yaml"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.integers(0, 3), inner),
    max_leaves=6,
)
KEYS = st.sampled_from(["path", "train", "val", "test", "names", "nc", "kpt_shape"])


@given(st.dictionaries(KEYS, VALUES))
def test_any_values_give_settings_or_one_line(path, content):
    try:
        found = read(path, yaml.safe_dump(content, allow_unicode=True))
    except UserError as error:
        check_message(error)
    else:
        assert found.names is None or len(set(found.names)) == len(found.names)
        assert all(isinstance(v, str) for items in found.splits.values() for v in items)


ODD = st.sampled_from(
    ["!!int", "!!bool x", "!!timestamp x", "!!float .", "!!binary x", "!!omap", "<<: 1", "? a", "=",
     "2001-99-99", "1:99:1", "0b", "0o9", "- ", "[", "{", "&a", "*a", "|", ">", "%YAML 9", "---",
     "...", "names:", "\t", "\n", " ", "'", '"\\x', "#", "!", "a: ", "1" * 5000]
)  # fmt: skip


@given(st.lists(ODD | st.text(max_size=3), max_size=12).map("".join))
def test_any_text_gives_settings_or_one_line(path, text):
    try:
        read(path, text.encode("utf-8", "surrogatepass"))
    except UserError as error:
        check_message(error)


@pytest.mark.parametrize("text", ["[" * 50_000, "a: {" * 20_000, "- " * 30_000, "? " * 30_000])
def test_deep_nesting_ends(path, text):
    with pytest.raises(UserError, match="not readable as YAML"):
        read(path, text)


@given(st.binary(max_size=100) | st.text("ab =#;\n\r\t\0", max_size=40).map(str.encode))
def test_any_bytes_are_a_data_file_or_one_line(path, data):
    path.write_bytes(data)
    try:
        settings = read_data_file(path)
    except UserError as error:
        check_message(error)
    else:
        assert all(key and value for key, value in settings.items())
