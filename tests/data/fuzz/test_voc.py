from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.folders import voc_object, voc_options, voc_xml, write_voc
from tests.data.fuzz.run import damaged, fuzz, read_all
from yolo_tf.data.sources.voc import VocSource

pytestmark = pytest.mark.long

GOOD = voc_xml("a0", voc_object("cat") + voc_object("dog", (1, 2, 60, 40)))
TAGS = [
    "annotation",
    "object",
    "name",
    "bndbox",
    "xmin",
    "ymin",
    "xmax",
    "ymax",
    "size",
    "width",
    "height",
    "filename",
    "difficult",
    "truncated",
    "part",
]
TOKENS = [
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&b;",
    b"&lt;",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"\0",
    b"<?xml version='1.0' encoding='utf-16'?>",
    b"\xff\xfe",
    b"<object>",
    b"</object>",
    b"nan",
    b"-1e999",
    b"../../x",
    b"<bndbox/>",
    b"9" * 5000,
]
VALUES = st.sampled_from(["cat", "dog", "", "1", "0", "-3", "59.5", "1e999", "nan", "..", "/etc"])
LEAVES = st.builds(
    lambda tag, text: f"<{tag}>{escape(text)}</{tag}>",
    st.sampled_from(TAGS),
    VALUES | st.text(max_size=6),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from(TAGS),
        st.lists(inner, max_size=5),
    ),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_voc(tmp_path_factory.mktemp("voc"), count=1)


def read(root, xml: bytes, names=None):
    (root / "Annotations/a0.xml").write_bytes(xml)
    read_all(lambda: VocSource(voc_options(root, class_names=names)))


@given(damaged(GOOD.encode(), TOKENS))
@fuzz
def test_damaged_annotations(root, xml):
    read(root, xml)
    read(root, xml, ("cat", "dog"))


@given(st.lists(TREES, max_size=6))
@fuzz
def test_other_trees(root, trees):
    read(root, f"<annotation>{''.join(trees)}</annotation>".encode(errors="replace"), ("cat",))


@given(damaged(b"a0\nb\n", [b"\n", b"..", b"/", b"\0", b"\xff", b"a0\n", b"x" * 300]))
@fuzz
def test_damaged_lists(root, content):
    (root / "ImageSets/Main/odd.txt").write_bytes(content)
    (root / "Annotations/a0.xml").write_text(GOOD)
    read_all(lambda: VocSource(voc_options(root, "odd")))
