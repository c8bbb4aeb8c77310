"""Weights by name: the table, and what a name becomes."""

import re

import pytest

from yolo_tf.config.recipes import find_recipe
from yolo_tf.darknet import published
from yolo_tf.darknet.published import PUBLISHED, find, for_network, resolve
from yolo_tf.errors import UserError
from yolo_tf.models.zoo import MODELS


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, and a download that fails the test where it is not replaced."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def no_network(download, path):
        pytest.fail(f"{path} is downloaded")

    monkeypatch.setattr(published, "fetch", no_network)
    return tmp_path / "cache" / "yolo_tf" / "weights"


@pytest.mark.parametrize("weights", PUBLISHED.values(), ids=PUBLISHED)
def test_entries(weights):
    assert all(re.fullmatch(r"https://[\w.]+/[^ ]+", url) for url in weights.download.urls)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in weights.download.sha256)
    assert set(weights.networks) <= set(MODELS)
    assert bool(weights.networks) != bool(weights.cfg)
    if weights.networks:
        find_recipe(weights.networks[0])  # what messages send to
    partial = weights.file == weights.name  # the reader knows parts by their name
    assert partial == (weights.classes is None) == bool(re.search(r"\.conv\.\d+$", weights.file))


@pytest.mark.parametrize("name", ["yolov4-tiny", "yolov4_tiny", "YOLOv4-tiny.weights"])
def test_spellings(name):
    assert find(name) is PUBLISHED["yolov4-tiny"]


def test_a_name_becomes_the_file(cache, monkeypatch):
    cache.mkdir(parents=True)
    fetched = []
    monkeypatch.setattr(published, "fetch", lambda download, path: fetched.append(path))
    assert resolve("darknet53.conv.74", "ssd_darknet53", MODELS) == str(cache / "darknet53.conv.74")
    assert resolve("yolov4-tiny", "my-net", MODELS) == str(cache / "yolov4-tiny.weights")
    assert fetched == [cache / "darknet53.conv.74", cache / "yolov4-tiny.weights"]
    (beside,) = cache.iterdir()
    assert beside.name == "yolov4-tiny.names"
    assert len(beside.read_text().splitlines()) == PUBLISHED["yolov4-tiny"].classes


def test_what_exists_counts_before_a_name(tmp_path):
    (tmp_path / "yolov4-tiny").mkdir()
    assert resolve("yolov4-tiny", "yolov4_tiny", MODELS) == "yolov4-tiny"


@pytest.mark.parametrize(
    ("source", "network", "message"),
    [
        ("yolov4tiny", "yolov4_tiny", "no such file or run, and unknown name 'yolov4tiny'; did you"
         " mean 'yolov4-tiny'?"),
        ("runs/gone", "yolov3", "not found; expected a .weights file, a run folder, one of its"
         " checkpoints, or a name that `yolo-tf weights` lists"),
        ("yolov4-tiny", "yolov3_tiny", "these weights are for yolov4_tiny, the recipe has"
         " yolov3_tiny: give --config=yolov4_tiny"),
        ("yolov7", "yolov4", "the network of these weights is described by its cfg: get"
         " https://raw.githubusercontent.com/AlexeyAB/darknet/master/cfg/yolov7.cfg and give"
         " --config=darknet --config.model.cfg=yolov7.cfg"),
    ],
)  # fmt: skip
def test_messages(source, network, message):
    with pytest.raises(UserError) as error:
        resolve(source, network, MODELS)
    assert str(error.value) == f"config.transfer.source={source}: {message}"


def test_whole_files_come_first():
    assert for_network("yolov3")[0].name == "yolov3"
    assert for_network("ssd_tiny")[0].name == "yolov3-tiny.conv.11"
    assert for_network("yolox_s") == []
