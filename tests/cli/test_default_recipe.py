import pytest

from yolo_tf.cli.default_recipe import default_recipe
from yolo_tf.darknet import published
from yolo_tf.errors import UserError


def chosen(*arguments):
    return default_recipe(["--workdir=x", "--data=photos", *map(str, arguments)])


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        ([], "yolo_n"),
        (["--weights=yolov4-tiny"], "yolov4_tiny"),
        (["--weights", "yolov3-tiny"], "yolov3_tiny"),
        (["--config.transfer.source=yolov3"], "yolov3"),
        (["--config.model.cfg=a.cfg", "--weights=a.weights"], "darknet"),
    ],
)
def test_by_name(flags, name):
    found = chosen(*flags)
    assert found.path.stem == name
    assert found.flags == ("--fill_in",)
    assert f" {name}: " in found.line


def test_a_file_with_its_cfg_beside(tmp_path):
    weights, cfg = tmp_path / "net.weights", tmp_path / "net.cfg"
    weights.touch()
    cfg.touch()
    found = chosen(f"--weights={weights}")
    assert found.path.stem == "darknet"
    assert found.flags == ("--fill_in", f"--config.model.cfg={cfg}")


def test_a_file_of_a_published_name(tmp_path):
    (tmp_path / "yolov4.conv.137").touch()
    assert chosen(f"--weights={tmp_path}/yolov4.conv.137").path.stem == "yolov4"


def test_a_published_name_brings_its_cfg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fetched = []

    def fetch(download, path):
        fetched.append(download.urls[0].rpartition("/")[2])

    monkeypatch.setattr(published, "fetch", fetch)
    found = chosen("--weights=yolov7.conv.132")
    assert fetched == ["yolov7.cfg"]
    assert found.flags[1].startswith(f"--config.model.cfg={tmp_path}")


def test_a_run_gives_its_recipe(tmp_path):
    checkpoint = tmp_path / "checkpoints" / "best"
    checkpoint.mkdir(parents=True)
    for file in (tmp_path / "config.yaml", checkpoint / "variables.index"):
        file.touch()
    found = chosen(f"--weights={tmp_path}")
    assert found.argument == str(tmp_path)
    assert chosen(f"--weights={checkpoint}") == found


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "neither a run folder (config.yaml) nor a checkpoint"),
        (lambda path: path.touch(), "nothing tells its network: put its cfg beside it as w.cfg"),
        (lambda path: None, "not found; expected a .weights file, a run folder"),
    ],
)
def test_weights_without_a_network(tmp_path, make, said):
    path = tmp_path / "w.weights"
    make(path)
    with pytest.raises(UserError) as error:
        chosen(f"--weights={path}")
    assert said in str(error.value)


def test_only_where_data_are_given_and_nothing_is_resumed():
    assert default_recipe(["--workdir=x"]) is None
    assert chosen("--resume") is None
