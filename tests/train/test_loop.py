"""Training: made, ended, continued, refused. The network is a small one."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.data.records.made import edited
from tests.train.runs import copy, last_state, resume, rows
from yolo_tf.cli import finish
from yolo_tf.config import AugmentConfig, TalHeadConfig
from yolo_tf.data.records.examples import parse_record
from yolo_tf.data.records.files import find_shards, read_records
from yolo_tf.errors import UserError
from yolo_tf.heads.tal import head as tal_head
from yolo_tf.heads.yolo.head import YoloHead
from yolo_tf.loading import load
from yolo_tf.runs import checkpoint
from yolo_tf.runs.checkpoint import State
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train import loop, training, validation
from yolo_tf.train.loop import train
from yolo_tf.train.progress import Progress

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.fixture(scope="module")
def broken_off(recipe, tmp_path_factory):
    """The same, ended from outside in its second epoch."""
    run = RunFolder(tmp_path_factory.mktemp("loop") / "broken_off")

    def end(self, batch, logs=None):
        if self.model.optimizer.iterations == 5:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Progress, "on_train_batch_end", end)
        with pytest.raises(KeyboardInterrupt):
            train(recipe(val=True), run)
    return run


def test_labels_of_records_that_were_made_elsewhere(straight, recipe, tmp_path):
    """The same training from records with labels from 1 and no class texts."""
    config = recipe(val=True)
    config.data.names = str(tmp_path / "names")
    Path(config.data.names).write_text("\n".join(straight.read_recipe()[1]))
    for split in ("train", "val"):
        paths = find_shards(getattr(config.data, split))
        for path in paths:
            with tf.io.TFRecordWriter(str(tmp_path / Path(path).name)) as writer:
                for _, _, record in read_records([path]):
                    labels = [label + 1 for label in parse_record(record, "", "").labels]
                    drop = ["image/object/class/text"]
                    writer.write(edited(record, drop, image__object__class__label=labels))
        setattr(config.data, split, f"{tmp_path}/*-{split}*")
    run = RunFolder(tmp_path / "run")
    with pytest.raises(UserError, match=r"set config.data.labels \(--labels\) to one_based"):
        train(config, run)
    config.data.labels = "one_based"
    train(config, run)
    for row, expected in zip(rows(run), rows(straight), strict=True):
        for name in ("loss", "box_loss_16", "class_loss_16", "val_loss", "AP50"):
            assert float(row[name]) == pytest.approx(float(expected[name]), rel=1e-3), name


def test_a_run_folder_holds_all_of_a_run(straight):
    names = {path.name for path in straight.path.iterdir()}
    assert names == {
        ".lock", "checkpoints", "classes.txt", "config.yaml", "results.csv", "results.png",
        "tensorboard", "train_batch.jpg", "val_predictions.jpg",
    }  # fmt: skip
    assert straight.read_recipe()[1] == ["circle", "cross", "square", "star", "triangle"]


def test_results_have_losses_rates_and_figures(straight):
    first, second = rows(straight)
    assert (first["epoch"], second["epoch"]) == ("1", "2")
    for name in ("loss", "box_loss_16", "val_loss", "AP", "AP50", "learning_rate", "seconds"):
        assert np.isfinite(float(second[name])), name
    # Three steps an epoch: the last rates are those of steps 2 and 5 of 6.
    for row, progress in ((first, 2 / 6), (second, 5 / 6)):
        expected = 1e-3 * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * progress)))
        assert float(row["learning_rate"]) == pytest.approx(expected, rel=1e-4)


def test_the_state_counts_epochs_and_steps(straight):
    state = last_state(straight)
    assert (state.epoch, state.step) == (2, 6)
    assert state.best == pytest.approx(max(float(row["AP"]) for row in rows(straight)), abs=1e-6)


def test_a_continued_run_ends_as_the_straight_one(straight, broken_off, tmp_path, capsys):
    run = copy(broken_off, tmp_path)
    assert last_state(run).epoch == 1
    resume(run)
    assert "epoch-0001: 1 epochs done, 2 in all" in capsys.readouterr().out
    ours, theirs = (load(r.path, "last").get_weights() for r in (run, straight))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (last_state(run).epoch, last_state(run).step) == (2, 6)
    for a, b in zip(rows(run), rows(straight), strict=True):
        for name in ("epoch", "loss", "box_loss_16", "val_loss", "learning_rate"):
            assert float(a[name]) == pytest.approx(float(b[name]), rel=1e-4), name


def test_a_finished_run_can_be_extended(straight, tmp_path, capsys):
    run = copy(straight, tmp_path)
    resume(run, epochs=3)

    def cosine(share):
        return 1e-3 * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * share)))

    told = re.search(
        r"learning rate: goes from (\S+) to (\S+), since .* over 3 epochs in place of 2",
        capsys.readouterr().out,
    )
    rates = [float(rate) for rate in told.groups()]
    assert rates == pytest.approx([cosine(5 / 6), cosine(6 / 9)], rel=1e-2)
    assert [row["epoch"] for row in rows(run)] == ["1", "2", "3"]
    state = last_state(run)
    assert (state.epoch, state.step) == (3, 9)
    expected = cosine(8 / 9)  # of the longer training
    assert float(rows(run)[2]["learning_rate"]) == pytest.approx(expected, rel=1e-4)
    assert run.read_recipe()[0].train.epochs == 3  # so the next --resume knows
    with pytest.raises(UserError, match="all 3 epochs are done"):
        resume(run)


def test_a_finished_run_is_not_continued(straight, tmp_path):
    run = copy(straight, tmp_path)
    with pytest.raises(UserError, match=r"all 2 epochs are done; extend them with --config\.train"):
        resume(run)
    assert rows(run) == rows(straight)


def test_a_new_run_does_not_overwrite_an_old_one(straight, recipe):
    before = straight.config.read_bytes()
    with pytest.raises(UserError, match="holds a run already; continue it with --resume"):
        train(recipe(epochs=1), straight)
    assert straight.config.read_bytes() == before


def test_nothing_to_continue(tmp_path):
    run = RunFolder(tmp_path)
    with pytest.raises(UserError, match="no run folder"):
        run.read_recipe()


def test_a_run_without_a_checkpoint_begins_from_its_start(straight, recipe, tmp_path, capsys):
    run = RunFolder(tmp_path / "run")
    run.create(recipe(epochs=1), straight.read_recipe()[1])
    resume(run)
    assert f"{run.path}: ended before its first checkpoint" in capsys.readouterr().out
    assert (last_state(run).epoch, last_state(run).step, len(rows(run))) == (1, 3, 1)


def test_a_finished_run_gets_the_report_that_it_lacks(straight, tmp_path, capsys):
    run = copy(straight, tmp_path)
    config, _ = run.read_recipe()
    config.train.report = True
    before = rows(run)
    train(config, run, resume=True)
    assert "report of the best checkpoint" in capsys.readouterr().out
    assert (run.report / "report.html").exists()
    assert rows(run) == before
    with pytest.raises(UserError, match="all 2 epochs are done"):
        train(config, run, resume=True)


def test_a_run_that_its_patience_ended_is_done(straight, tmp_path, monkeypatch):
    run = copy(straight, tmp_path)
    config, _ = run.read_recipe()
    config.train.epochs, config.train.patience, config.train.report = 5, 2, False
    assert not loop.is_done(config, run)
    state = State(epoch=2, evaluations_since_best=2)
    monkeypatch.setattr(loop.checkpoint, "read_state", lambda path: state)
    assert loop.is_done(config, run)
    assert not finish.lacks_export(config, run)  # none is wanted
    config.train.export = ("saved_model",)
    assert finish.lacks_export(config, run)
    (run.path / "export").mkdir()
    assert not finish.lacks_export(config, run)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("checkpoints/last.json", "{", r"last\.json: damaged"),
        ("checkpoints/epoch-0001/state.json", "{", r"but state\.json is damaged"),
        ("checkpoints/epoch-0001/variables.index", "x" * 99, r"but variables\.index is damaged"),
        ("classes.txt", "circle\ncross\n", "the run to resume was trained with circle, cross"),
        ("results.csv", "epoch\nfirst\n", r"results\.csv: line 2: epoch: found 'first'"),
    ],
)
def test_a_damaged_run_is_not_continued(broken_off, tmp_path, file, text, message):
    run = copy(broken_off, tmp_path)
    (run.path / file).write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        resume(run)
    assert "\n" not in str(caught.value)


def test_a_loss_that_is_not_finite_stops_and_spares_the_checkpoint(
    broken_off, tmp_path, monkeypatch
):
    run = copy(broken_off, tmp_path)
    before = {p: p.read_bytes() for p in run.checkpoints.rglob("*") if p.is_file()}
    restore = checkpoint.restore

    def restore_and_spoil(path, network, **others):
        restore(path, network, **others)
        kernel = network.get_layer("output_conv_016").kernel
        kernel.assign(kernel * np.nan)

    monkeypatch.setattr(checkpoint, "restore", restore_and_spoil)
    with pytest.raises(UserError) as caught:
        resume(run)
    message = str(caught.value)
    assert message.startswith("step 4: the loss is nan from box_loss at stride 16")
    assert "at stride 32" not in message
    assert "first seen in image train-0000" in message
    assert {p: p.read_bytes() for p in run.checkpoints.rglob("*") if p.is_file()} == before


def test_a_learning_rate_that_is_far_too_high(recipe, tmp_path):
    config = recipe()
    config.train.optimizer.name = "sgd"
    config.train.optimizer.learning_rate = 1e30
    config.train.schedule.warmup_epochs = 0
    run = RunFolder(tmp_path / "run")
    with pytest.raises(UserError, match=r"lower config.train.optimizer.learning_rate"):
        train(config, run)
    assert not list(run.checkpoints.glob("epoch-*"))  # nothing spoilt was saved


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"val": True, "best_metric": "APl"},
            r"best_metric: found APl, but .* has no true",
        ),
        ({"val": True, "best_metric": "ARl"}, r"figures it has: AP, AP50, .*voc_AP50"),
        ({"patience": 2}, "config.train.patience: found 2, but config.data.val is empty"),
    ],
)
def test_a_best_epoch_that_cannot_be(recipe, tmp_path, settings, message):
    """The drawn shapes are all smaller than COCO's large objects."""
    run = RunFolder(tmp_path / "run")
    with pytest.raises(UserError, match=message):
        train(recipe(**settings), run)
    assert not run.path.exists()


def test_patience_ends_the_training(recipe, tmp_path, monkeypatch, capsys):
    figures = iter([0.1, 0.5, 0.4, 0.3, 0.9])

    class Validator:
        first_batch = first_found = per_class = None

        def __init__(self, *_):
            pass

        def __call__(self):
            return {"AP": next(figures)}

    monkeypatch.setattr(validation, "Validator", Validator)
    monkeypatch.setattr(validation, "draw_validation", lambda *_: None)
    monkeypatch.setattr(validation, "write_image", lambda *_: None)
    config = recipe(epochs=6, val=True, patience=2)
    config.data.augment.off_epochs = 3  # a second part, which must not be begun
    run = RunFolder(tmp_path / "run")
    train(config, run)
    assert [row["AP"] for row in rows(run)] == ["0.1", "0.5", "0.4", "0.3"]
    assert "stopped: 2 evaluations without a better AP than 0.5000 of epoch 2" in (
        capsys.readouterr().out
    )
    assert checkpoint.find(run.checkpoints, "best").name == "epoch-0002"


def test_augmentation_ends_before_the_training_does(recipe, tmp_path, monkeypatch):
    seen = []
    dataset = training.pipeline.training_dataset

    def watch(*args, augment, start_step, **kwargs):
        seen.append((augment, start_step))
        return dataset(*args, augment=augment, start_step=start_step, **kwargs)

    monkeypatch.setattr(training.pipeline, "training_dataset", watch)
    config = recipe(epochs=2)
    config.data.augment.off_epochs = 1
    run = RunFolder(tmp_path / "run")
    train(config, run)
    assert seen == [(True, 0), (True, 0), (False, 3)]  # the first for the image
    assert last_state(run).step == 6


def test_mosaics_alone_end_before_the_training_does(recipe, tmp_path, monkeypatch):
    seen, traces = [], []
    dataset, split = training.pipeline.training_dataset, YoloHead.loss

    def watch(records, data, *args, augment, start_step, **kwargs):
        changes = data.augment
        seen.append((augment, start_step, changes.mosaic, changes.mixup, changes.jitter))
        return dataset(records, data, *args, augment=augment, start_step=start_step, **kwargs)

    def trace(self, targets, outputs):
        traces.append(self.input_size)
        return split(self, targets, outputs)

    monkeypatch.setattr(training.pipeline, "training_dataset", watch)
    monkeypatch.setattr(YoloHead, "loss", trace)
    config = recipe(epochs=2)
    config.data.augment = AugmentConfig(mosaic=0.5, mixup=0.3, off_epochs=1, off="mixing")
    train(config, RunFolder(tmp_path / "run"))
    first = (True, 0, 0.5, 0.3, 0.3)  # once for the image
    assert seen == [first, first, (True, 3, 0.0, 0.0, 0.3)]
    assert len(traces) == 1  # the same step goes on


def test_multi_scale_does_all_steps_of_an_execution(recipe, tmp_path):
    """Three steps an epoch: an execution of two, and the rest. Also when it is resumed."""
    runs = []
    for at_once, epochs in ((1, 2), (2, 1)):
        config = recipe(epochs=epochs, steps_per_execution=at_once)
        config.data.augment = AugmentConfig(sizes=(64, 128), sizes_every=1)
        config.train.schedule.name = "constant"
        runs.append(RunFolder(tmp_path / str(at_once)))
        train(config, runs[-1])
        assert last_state(runs[-1]).step == 3 * epochs
    resume(runs[1], epochs=2)
    assert last_state(runs[1]).step == 6
    weights = [load(run.path, "last").get_weights() for run in runs]
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_multi_scale_trains_a_head_for_each_size(recipe, tmp_path, monkeypatch):
    sizes = set()
    split = YoloHead.loss

    def watch(self, targets, outputs):
        sizes.add(self.input_size)
        assert outputs[32].shape[1:3] == tuple(side // 32 for side in self.input_size)
        return split(self, targets, outputs)

    monkeypatch.setattr(YoloHead, "loss", watch)
    config = recipe(epochs=3, val=True)
    config.data.augment = AugmentConfig(sizes=(64, 128), sizes_every=1, off_epochs=1)
    run = RunFolder(tmp_path / "run")
    train(config, run)
    assert sizes == {(64, 96), (128, 192)}
    assert last_state(run).step == 9
    assert all(np.isfinite(float(row["loss"])) for row in rows(run))
    assert load(run.path).detect_arrays(np.zeros((1, 40, 50, 3), np.uint8))[
        "num_detections"
    ].shape == (1,)


def test_first_epochs_have_their_own_head_also_when_resumed(recipe, tmp_path, monkeypatch):
    traced = []
    for name in ("atss", "task_aligned"):
        assign = getattr(tal_head, name)

        def watch(*args, name=name, assign=assign):
            traced.append(name)
            return assign(*args)

        monkeypatch.setattr(tal_head, name, watch)
    config = recipe(epochs=1)
    config.head = TalHeadConfig(strides=(16, 32), static_epochs=2)
    run = RunFolder(tmp_path / "run")
    train(config, run)
    assert set(traced) == {"atss"}
    traced.clear()
    resume(run, epochs=3)
    assert list(dict.fromkeys(traced)) == ["atss", "task_aligned"]
    traced.clear()
    resume(run, epochs=4)
    assert set(traced) == {"task_aligned"}
    assert all(np.isfinite(float(row["loss"])) for row in rows(run))


def test_a_size_that_the_network_does_not_take(recipe, tmp_path):
    config = recipe()
    config.data.augment.sizes = (64, 80)
    with pytest.raises(UserError, match=r"config\.data\.augment\.sizes: height 80 is not"):
        train(config, RunFolder(tmp_path / "run"))


@pytest.mark.parametrize(
    "precision", [pytest.param("mixed_float16", marks=pytest.mark.long), "mixed_bfloat16"]
)
def test_half_precision(recipe, tmp_path, capsys, precision):
    run = RunFolder(tmp_path / "run")
    config = recipe(epochs=1)
    config.train.precision = precision
    train(config, run)
    resume(run, epochs=4)
    assert capsys.readouterr().out.count(f"precision    {precision} (as config.train") == 2
    losses = [float(row["loss"]) for row in rows(run)]
    assert np.mean(losses[1:]) < losses[0]  # a single epoch of three steps may go up
    state = last_state(run)
    assert (state.epoch, state.step) == (4, 12)
    weights = load(run.path, "last").network.weights
    assert {weight.dtype.name for weight in weights} == {"float32"}
