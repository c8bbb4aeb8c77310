import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.folders import check_message
from yolo_tf.data.records.label_map import LabelItem, read_label_map
from yolo_tf.errors import UserError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("labels") / "x.pbtxt"


def read(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_label_map(path)


def test_a_label_map(path):
    found = read(
        path,
        """# of Open Images
        item { name: "/m/01g317" id: 2 display_name: 'Person' }
        item: {
          id: 1,
          name: "it's \\"one\\"" ; frequency: FREQUENT
          keypoints { id: 3 label: "nose" } keypoints { id: 4 label: "ear" }
        }""",
    )
    assert found == [LabelItem(1, 'it\'s "one"', ""), LabelItem(2, "/m/01g317", "Person")]
    assert [item.class_name for item in found] == ['it\'s "one"', "Person"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found no item, expected one a class"),
        ("item { name: 'a' }", "item 1: id: found none, expected 0 or more"),
        ("item { id: -1 name: 'a' }", "item 1: id: found -1, expected 0 or more"),
        ("item { id: 1 }", "item 1: name: found '', expected a name"),
        ("item { id: 1 name: 'a\\n' display_name: 'b\\001' }", r"item 1: name: found 'b\\x01'"),
        ("item { id: 1 name: 'a' } item { id: 1 name: 'b' }", "item 2: id: found 1, which item 1"),
        ("item { id: 1 name: 'a' } item { id: 2 name: 'a' }", "item 2: name: found 'a', which ite"),
        ("item { id: 1 name: 'a'", "line 1: found .*Expected .*expected items such as item"),
        ("\nitem { id: one }", "line 2: found .*expected items such as item"),
        ("item { id: 99999999999 name: 'a' }", "line 1: found .*expected items"),
        ("cat\ndog\n", "line 2: found .*expected items"),
        (b"item { id: 1 name: '\xff' }", "not readable as a label map"),
    ],
)
def test_a_faulty_label_map(path, text, message):
    with pytest.raises(UserError, match=f"x.pbtxt: {message}") as caught:
        read(path, text)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"none.pbtxt: not readable as a label map"):
        read_label_map(path.with_name("none.pbtxt"))


WORDS = st.sampled_from(
    ["item", "{", "}", "id", "name", "display_name", ":", "1", "'a'", '"', "<", ">", "[", "]", "\n",
     "other", "-", "0x1", "1e9", "'\\", "\\u", "#", ",", ";", "{ id: 1 name: 'b' }", "item {"]
)  # fmt: skip


@given(st.lists(WORDS | st.text(max_size=3), max_size=20).map(" ".join))
def test_any_text_gives_items_or_one_line(path, text):
    try:
        items = read(path, text.encode("utf-8", "surrogatepass"))
    except UserError as error:
        check_message(error)
    else:
        assert len({item.id for item in items}) == len(items) > 0


@pytest.mark.parametrize("text", ["item { x " + "{ y " * 50_000, "a {" * 50_000, "[" * 50_000])
def test_deep_nesting_ends(path, text):
    with pytest.raises(UserError, match="expected items such as"):
        read(path, text)
