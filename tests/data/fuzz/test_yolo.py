import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.fuzz.run import damaged, fuzz, read_all
from tests.data.yolo_folders import write_darknet, write_yaml, write_yolo
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.yolo import YoloSource

pytestmark = pytest.mark.long

NUMBERS = [
    b"0",
    b"1",
    b" ",
    b"\n",
    b"-1",
    b"nan",
    b"1e999",
    b"0.5",
    b"2.0001",
    b"\xff",
    b"\0",
    b"\r",
    b"9" * 5000,
    b"0.1 " * 9,
]
YAML = (
    b"path: .\ntrain: [images/train, list.txt]\nval: images/val\nnc: 2\nnames: {0: cat, 1: dog}\n"
)
WORDS = [
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!python/name:os.system ",
    b"[",
    b"{",
    b"- ",
    b": ",
    b"\n",
    b"..",
    b"/",
    b"null",
    b"0x1",
    b"1:2:3",
    b"2001-01-01",
    b"\t",
    b"|",
    b">",
    b"? ",
    b"%YAML 9.9\n",
    b"---\n",
    b"[" * 2000,
    b"kpt_shape: [17, 3]\n",
    b"\xff\xfe",
]
LIST = b"images/train/a0.jpg\n./images/train/a1.jpg\n/content/images/train/a2.jpg\n"
PATHS = [
    b"\n",
    b"..",
    b"/",
    b"\\",
    b"\0",
    b"\xff",
    b"C:\\",
    b"images",
    b"a1.jpg",
    b"x" * 5000,
    b"./" * 99,
]
DATA = b"classes = 2\ntrain = train.txt\nnames = obj.names\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = write_yolo(tmp_path_factory.mktemp("yolo"))
    (root / "list.txt").write_bytes(LIST)
    return root


@pytest.fixture(scope="module")
def darknet(tmp_path_factory):
    return write_darknet(tmp_path_factory.mktemp("darknet")).parent


def read(root):
    read_all(lambda: YoloSource(Options("train", str(root))))


@given(damaged(b"0 0.5 0.25 0.5 0.5\n1 0.1 0.1 0.5 0.1 0.5 0.5\n", NUMBERS), st.booleans())
@fuzz
def test_damaged_labels(root, content, keypoints):
    extra = "kpt_shape: [1, 2]\n" if keypoints else ""
    write_yaml(root, "train: images/train\nnames: [cat, dog]\n" + extra)
    (root / "labels/train/a2.txt").write_bytes(content)
    read(root)


@given(damaged(YAML, WORDS))
@fuzz
def test_damaged_yaml(root, content):
    (root / "data.yaml").write_bytes(content)
    read(root)


@given(damaged(LIST, PATHS))
@fuzz
def test_damaged_lists(root, content):
    write_yaml(root, "train: list.txt\nnames: [cat, dog]\n")
    (root / "list.txt").write_bytes(content)
    read(root)


@given(damaged(DATA, [b"=", b"\n", b"#", b"names", b"train", b"..", b"\0", b"\xff"]))
@fuzz
def test_damaged_data_files(darknet, content):
    (darknet / "obj.data").write_bytes(content)
    read(darknet)
    (darknet / "obj.data").write_bytes(DATA)


@given(damaged(b"cat\ndog\n", [b"\n", b"cat\n", b" ", b"\0", b"\xff", b"\xe2\x80\xae", b"\r\n"]))
@fuzz
def test_damaged_names(darknet, content):
    (darknet / "obj.data").write_bytes(DATA)
    (darknet / "obj.names").write_bytes(content)
    read(darknet)
