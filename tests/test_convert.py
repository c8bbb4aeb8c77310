"""Darknet models in and out again, and what the commands make of them."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.darknet.cfgs import MOBILE, SMALL, V7
from yolo_tf.config import Config
from yolo_tf.darknet.cfg import parse_cfg, read_cfg
from yolo_tf.darknet.network import build
from yolo_tf.darknet.plan import outputs, plan
from yolo_tf.darknet.weights import Header, write_weights
from yolo_tf.errors import UserError
from yolo_tf.loading import export_darknet, import_darknet, load
from yolo_tf.models.blocks import conv_layers
from yolo_tf.runs.folder import RunFolder

NAMES = ["cell", "red, round"]


def write_darknet(folder, text=MOBILE, names=NAMES, seen=6400):
    """cfg, weights and names of a random network."""
    cfg = parse_cfg(text)
    layers = plan(cfg)
    channels = {level.stride: layers[level.layer].shape[2] for level in outputs(layers)}
    network = build(cfg, (64, 96), channels)
    paths = [folder / f"net.{end}" for end in ("cfg", "weights", "names")]
    paths[0].write_text(text)
    write_weights(paths[1], network, Header(seen=seen))
    paths[2].write_text("".join(f"{name}\n" for name in names))
    return paths, network


@pytest.mark.parametrize("name", SMALL)
def test_in_and_out_again(tmp_path, name):
    paths, network = write_darknet(tmp_path, SMALL[name])
    detector, _ = import_darknet(*paths, tmp_path / "model")
    photo = np.random.default_rng(0).uniform(size=(1, 64, 96, 3)).astype(np.float32)
    for stride, raw in network(photo).items():
        np.testing.assert_array_equal(detector.network(photo)[stride], raw)
    assert load(tmp_path / "model").class_names == NAMES

    (tmp_path / "out").mkdir()
    cfg, weights, names = export_darknet(tmp_path / "model", tmp_path / "out")

    assert weights.read_bytes() == paths[1].read_bytes()  # images seen too
    assert names.read_text() == paths[2].read_text()
    layers, before = plan(parse_cfg(cfg.read_text())), plan(parse_cfg(SMALL[name]))
    assert [(x.kind, x.shape, x.inputs) for x in layers] == [
        (x.kind, x.shape, x.inputs) for x in before
    ]


def test_a_model_folder_moves(tmp_path):
    paths, _ = write_darknet(tmp_path)
    import_darknet(*paths, tmp_path / "here")
    for path in paths:
        path.unlink()
    (tmp_path / "here").rename(tmp_path / "there")
    assert load(tmp_path / "there").input_size == (64, 96)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("names", lambda b: b + b"more\n", r"classes=2: .*net\.names has 3 names"),
        ("weights", lambda b: b[:-4], r"net\.weights: \d+ bytes found, \d+ expected"),
        ("weights", lambda b: b + b"\0" * 8, r"8 bytes are left over"),
        ("weights", lambda b: b"PK" + b, r"not a Darknet weights file"),
        ("cfg", lambda b: b.replace(b"=mish", b"=gelu"), r"net\.cfg:\d+: .*gelu.*supported are"),
        ("cfg", lambda b: b.replace(b"[dropout]", b"[gru]"), r"net\.cfg:\d+: \[gru\]: not supp"),
        ("cfg", lambda b: b"\x89PNG\r\n", r"net\.cfg:1: expected \[net\] first"),
    ],
)
def test_mistakes_leave_nothing_behind(tmp_path, file, change, message):
    paths, _ = write_darknet(tmp_path)
    path = tmp_path / f"net.{file}"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError, match=message):
        import_darknet(*paths, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_part_of_a_model_is_no_model(tmp_path):
    paths, network = write_darknet(tmp_path)
    size = sum(w.numpy().size for layer in network.layers[1:4] for w in layer.weights)
    partial = tmp_path / "net.conv.1"
    partial.write_bytes(paths[1].read_bytes()[: 20 + 4 * size])
    with pytest.raises(UserError, match=r"holds the first 1 of \d+ convolutions, not a whole"):
        import_darknet(paths[0], partial, paths[2], tmp_path / "model")


def test_a_run_is_not_overwritten(tmp_path):
    paths, _ = write_darknet(tmp_path)
    import_darknet(*paths, tmp_path / "model")
    with pytest.raises(UserError, match=r"--output=.*model: holds a run already; name another"):
        import_darknet(*paths, tmp_path / "model")


def test_a_trained_run_goes_out(tiny_run, tmp_path):
    cfg, weights, names = export_darknet(tiny_run, tmp_path, "last")
    assert names.read_text().split() == RunFolder(tiny_run).read_recipe()[1]
    assert cfg.name == f"{tiny_run.name}.cfg"
    detector, remarks = import_darknet(cfg, weights, names, tmp_path / "again")
    assert remarks == []
    trained = load(tiny_run, "last")
    photo = np.random.default_rng(0).uniform(size=(1, *trained.input_size, 3)).astype(np.float32)
    for (_, ours), (_, back) in zip(
        sorted(trained.network(photo).items()), sorted(detector.network(photo).items()), strict=True
    ):
        np.testing.assert_allclose(back, ours, atol=1e-6)
    assert detector.head.config.anchors == trained.head.config.anchors
    steps = 6  # of 8 images
    assert int.from_bytes(weights.read_bytes()[12:20], "little") == steps * 8


def test_opencv_reads_a_trained_run(tiny_run, tmp_path):
    cv2 = pytest.importorskip("cv2")
    cfg, weights, _ = export_darknet(tiny_run, tmp_path)
    trained = load(tiny_run)
    for _, norm in conv_layers(trained.network):
        if norm:
            norm.epsilon = 1e-6  # OpenCV's
    image = np.random.default_rng(0).uniform(size=(1, *trained.input_size, 3)).astype(np.float32)
    ours = trained.network(image, training=False)
    theirs = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    theirs.setInput(image.transpose(0, 3, 1, 2))
    for level in outputs(plan(read_cfg(cfg))):
        raw = theirs.forward(f"conv_{level.layer - 1}").transpose(0, 2, 3, 1)
        np.testing.assert_allclose(ours[level.stride], raw, atol=1e-3)


def test_the_commands_take_an_imported_model(tmp_path, command, shapes_records):
    names = list(shapes_records.classes)
    text = V7.replace("filters=14", f"filters={2 * (5 + len(names))}")
    paths, _ = write_darknet(
        tmp_path, text.replace("classes=2", f"classes={len(names)}"), names, seen=64
    )
    model = tmp_path / "model"
    options = [f"--{p.suffix[1:]}={p}" for p in paths]
    done = command("convert_darknet", "import", *options, f"--output={model}")
    assert (done.code, done.err) == (0, "")
    assert f"{len(names)} classes, input 64x96 (height x width); written to {model}" in done.out
    Image.new("RGB", (50, 40)).save(tmp_path / "photo.png")
    photos, out = f"--input={tmp_path}/photo.png", tmp_path / "out"
    assert command("detect", f"--model={model}", photos, f"--output={out}").code == 0
    data = f"--data={shapes_records.val}"
    assert command("evaluate", f"--model={model}", data, f"--output={out}").code == 0
    assert "AP50" in json.loads((out / "metrics.json").read_text())
    export = tmp_path / "export"
    assert command("export", f"--model={model}", f"--output={export}").code == 0
    model.rename(tmp_path / "moved")  # the export needs it no more
    assert command("detect", f"--model={export}", photos, f"--output={out}").code == 0


def test_training_goes_on_from_an_imported_model(tmp_path, command, shapes_records):
    names = list(shapes_records.classes)
    text = MOBILE.replace("filters=7", f"filters={5 + len(names)}")
    paths, _ = write_darknet(tmp_path, text.replace("classes=2", f"classes={len(names)}"), names)
    model, run = tmp_path / "model", tmp_path / "run"
    import_darknet(*paths, model)
    settings = [
        f"--config.data.train={shapes_records.train}",
        "--config.train.epochs=1",
        "--config.train.tensorboard=false",
    ]
    done = command("train", f"--workdir={model}", "--resume", *settings)
    assert (done.code, done.err) == (0, ""), done.err
    assert "epoch 1/1" in done.out

    done = command(
        "train",
        "--config=darknet",
        f"--config.model.cfg={paths[0]}",
        f"--config.transfer.source={model}",
        "--config.transfer.mode=fine_tune",
        "--config.train.batch_size=8",
        f"--workdir={run}",
        *settings,
    )
    assert (done.code, done.err) == (0, ""), done.err
    assert "[net] batch=1, as for testing" in done.out
    rows = [line.split() for line in done.out.splitlines() if line.split()[:1] == ["backbone"]]
    assert rows[0][1] == rows[0][2] == rows[0][4]  # all loaded, all frozen
    config = RunFolder(run).read_recipe()[0]
    assert (config.train.batch_size, config.train.epochs) == (8, 1)
    assert config.model.cfg == str(run / "model.cfg")


def test_flags_go_over_the_cfg(tmp_path, command, shapes_records):
    paths, _ = write_darknet(tmp_path)
    error = command(
        "train",
        "--config=darknet",
        f"--config.model.cfg={paths[0]}",
        "--config.head.loss.iou_type=l1",
        f"--config.data.train={shapes_records.train}",
        f"--workdir={tmp_path}/run",
    ).error()
    assert error.startswith("config.head.loss.iou_type: found 'l1', expected one of iou, giou")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "found nothing, expected one action: import or export"),
        (["convert"], "found 'convert', expected one action: import or export"),
        (["import"], "--cfg is missing"),
        (["import", "--cfg=a", "--weights=b", "--names=c"], "--output is missing"),
        (
            ["import", "--cfg=no.cfg", "--weights=b", "--names=c", "--output=d"],
            "no.cfg: not readable",
        ),
        (["export", "--output=d"], "--model is missing"),
        (["export", "--model=nothing", "--output={tmp}"], "nothing: not found; expected a run"),
    ],
)
def test_users_mistakes(command, tmp_path, arguments, message):
    arguments = [argument.format(tmp=tmp_path / "out") for argument in arguments]
    assert command("convert_darknet", *arguments).error().startswith(message)


def test_updates_give_the_epochs(tmp_path):
    from yolo_tf.train.loop import _set_epochs

    config = Config()
    config.train.epochs, config.train.updates = 0, 1001
    _set_epochs(config.train, steps=10)
    assert config.train.epochs == 101
