import importlib.util

import pytest

from tests.data.build.killed_builds import sums
from tests.data.folders import picture, voc_options, write_voc
from yolo_tf.data.build.build import build
from yolo_tf.data.sources.voc import VocSource
from yolo_tf.errors import UserError

HAS_BEAM = importlib.util.find_spec("apache_beam") is not None
needs_beam = pytest.mark.skipif(not HAS_BEAM, reason="Apache Beam is not installed")


def build_toy(root, output, **kwargs):
    source = VocSource(voc_options(root, class_names=("cat", "dog")))
    return build(source, output, "toy", "train", 3, **kwargs)


@pytest.mark.skipif(HAS_BEAM, reason="Apache Beam is installed")
def test_without_beam(tmp_path):
    with pytest.raises(UserError, match=r"--runner=beam needs Apache Beam.*pip install"):
        build_toy(write_voc(tmp_path / "voc"), tmp_path / "out", beam_options=[])
    assert list((tmp_path / "out").iterdir()) == []


@needs_beam
@pytest.mark.parametrize(
    "options",
    [
        ["runner=DirectRunner"],
        ["runner=DirectRunner", "direct_num_workers=2", "direct_running_mode=multi_processing"],
    ],
    ids=["one process", "two processes"],
)
def test_the_same_bytes(tmp_path, options):
    root = write_voc(tmp_path / "voc", count=7)
    (root / "JPEGImages/a5.jpg").write_bytes(b"")  # to be listed
    wanted = build_toy(root, tmp_path / "wanted", skip_bad=True)
    assert build_toy(root, tmp_path / "out", skip_bad=True, beam_options=options) == wanted
    assert sums(tmp_path / "out") == sums(tmp_path / "wanted")
    assert len(sums(tmp_path / "out")) == 4


@needs_beam
def test_a_mistake_is_one_line_and_finished_shards_stay(tmp_path, capsys):
    root = write_voc(tmp_path / "voc", count=7)
    (root / "JPEGImages/a5.jpg").write_bytes(b"")
    with pytest.raises(
        UserError, match=r"^JPEGImages/a5\.jpg: image: found .*--skip_bad"
    ) as caught:
        build_toy(root, tmp_path / "out", beam_options=[])
    assert "\n" not in str(caught.value)
    build_toy(root, tmp_path / "out", beam_options=[], skip_bad=True)
    assert "2 of 3 shards are there already" in capsys.readouterr().out
    build_toy(root, tmp_path / "wanted", skip_bad=True)
    assert sums(tmp_path / "out") == sums(tmp_path / "wanted")


@needs_beam
def test_images(tmp_path):
    root = write_voc(tmp_path / "voc")
    build_toy(root, tmp_path / "out", beam_options=[], image_folder=tmp_path / "pictures")
    assert (tmp_path / "pictures/a3.jpg").read_bytes() == picture(seed=3)


@needs_beam
@pytest.mark.parametrize("option", ["runner=NoSuchRunner", "direct_num_workers=many", "=", "a b"])
def test_faulty_options(tmp_path, option):
    with pytest.raises(UserError, match="--beam_options: "):
        build_toy(write_voc(tmp_path / "voc"), tmp_path / "out", beam_options=[option])
