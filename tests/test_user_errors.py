"""A user's mistakes, through the commands: one clear line, exit code 1, no traceback."""

import io
import shutil

import pytest
import tensorflow as tf
from PIL import Image

from tests.data.records.made import record, write

BOX = ([[0.1, 0.1, 0.6, 0.6]], [0])
NAMES = "red\ngreen\nblue\n"  # of tests.data.records.made


@pytest.fixture
def train(command, tmp_path):
    """Function (pattern, *flags) -> the error line of a training that cannot begin."""

    def run(pattern, *flags):
        done = command(
            "train", "--config=shapes", f"--workdir={tmp_path}/run", "--config.train.batch_size=2",
            f"--config.data.train={pattern}", *flags,
        )  # fmt: skip
        return done.error()

    return run


@pytest.fixture
def evaluate(command, tiny_run, tmp_path):
    def run(pattern, model=tiny_run):
        return command(
            "evaluate", f"--model={model}", f"--data={pattern}", f"--output={tmp_path}/scores"
        ).error()

    return run


@pytest.fixture
def names(tmp_path):
    (tmp_path / "toy.names").write_text(NAMES)
    return f"--config.data.names={tmp_path}/toy.names"


def jpeg(cut=None):
    buffer = io.BytesIO()
    Image.effect_noise((40, 30), 60).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()[:cut]


def test_a_model_that_is_not_there(command, evaluate, tmp_path):
    expected = f"{tmp_path}/none: not found; expected a run folder or an export"
    assert evaluate("x*", model=f"{tmp_path}/none") == expected
    for name in ("export", "detect"):
        flags = [f"--model={tmp_path}/none", f"--output={tmp_path}/out"]
        if name == "detect":
            Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
            flags.append(f"--input={tmp_path}/a.png")
        assert command(name, *flags).error() == expected
    assert not (tmp_path / "out").exists()


def test_records_that_are_not_there(train, evaluate, names, tmp_path):
    pattern = f"{tmp_path}/none-*"
    for error in (train(pattern, names), evaluate(pattern)):
        assert error == f"{pattern}: no file matches this pattern of TFRecord shards"


def test_records_without_a_list_of_classes(train, tmp_path):
    pattern = write(tmp_path, [[record("a", *BOX)]])
    assert "no data set card NAME.json beside these shards; expected one, or" in train(pattern)


def test_images_that_are_not_there(command, tiny_run, tmp_path):
    (tmp_path / "empty").mkdir()
    for name, problem in (("none", "no such file or folder"), ("empty", "no image (.jpg")):
        flags = [f"--model={tiny_run}", f"--input={tmp_path}/{name}", f"--output={tmp_path}/out"]
        error = command("detect", *flags).error()
        assert error.startswith(f"--input={tmp_path}/{name}: {problem}")


def test_a_truncated_record(train, evaluate, shapes_records, tmp_path):
    folder = shutil.copytree(shapes_records.folder, tmp_path / "cut")
    for split in ("train", "val"):
        path = folder / f"shapes-{split}.tfrecord-00001-of-00002"
        path.write_bytes(path.read_bytes()[:-100])
    problem = "missing, truncated or corrupted; build the records again or copy the file"
    expected = f"{folder}/shapes-train.tfrecord-00001-of-00002: record 12: {problem}"
    assert train(f"{folder}/shapes-train*") == expected
    expected = f"{folder}/shapes-val.tfrecord-00001-of-00002: record 4: {problem}"
    assert evaluate(f"{folder}/shapes-val*") == expected


def test_a_record_with_a_changed_byte(train, evaluate, shapes_records, tmp_path):
    """As long as before, so that the card does not tell; the checksum does."""
    folder = shutil.copytree(shapes_records.folder, tmp_path / "changed")
    for split in ("train", "val"):
        path = folder / f"shapes-{split}.tfrecord-00000-of-00002"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(data)
    for split, run in (("train", train), ("val", evaluate)):
        error = run(f"{folder}/shapes-{split}*")
        assert error.startswith(f"{folder}/shapes-{split}.tfrecord-00000-of-00002: record ")
        assert error.endswith(
            "missing, truncated or corrupted; build the records again or copy the file"
        )


def test_a_broken_jpeg_in_a_record(train, names, tmp_path):
    records = [record("whole", *BOX, image=jpeg()), record("torn", *BOX, image=jpeg(cut=-300))]
    pattern = write(tmp_path, [records])
    error = train(pattern, names)
    assert error.startswith(f"{tmp_path}/toy-train.tfrecord-00000-of-00001: record 2: image 'torn'")
    assert "cannot be decoded" in error


def test_a_class_that_the_model_does_not_know(evaluate, tmp_path):
    error = evaluate(write(tmp_path, [[record("a", *BOX)]]))
    assert error.startswith(f"{tmp_path}/toy-train.tfrecord-00000-of-00001: record 1: ")
    assert "found 'red', expected one of the 5 classes circle, cross, square, star" in error


def test_a_class_that_the_names_do_not_have(train, tmp_path):
    pattern = write(tmp_path, [[record("a", *BOX)]])
    (tmp_path / "toy.names").write_text("rad\ngreen\n")
    error = train(pattern, f"--config.data.names={tmp_path}/toy.names")
    assert "record 1: image/object/class/text: found 'red', expected one of the 2 classes" in error


def test_a_checkpoint_of_another_number_of_classes(evaluate, run_copy, shapes_records):
    (run_copy / "classes.txt").write_text("circle\ncross\nsquare\nstar\ntriangle\nhexagon\n")
    error = evaluate(shapes_records.val, model=run_copy)
    assert error.startswith(f"{run_copy}/checkpoints/epoch-000")
    assert error.endswith("its network is one with another number of classes or anchors")


def test_a_number_of_classes_that_the_data_has_not(train, shapes_records):
    error = train(shapes_records.train, "--config.model.num_classes=80")
    assert error.startswith("config.model.num_classes: found 80, but the data has 5 classes")


def test_an_input_size_that_the_strides_do_not_divide(train, shapes_records, tmp_path):
    error = train(shapes_records.train, "--config.input_size=64,100")
    assert error.startswith("config.input_size: width 100 is not a multiple of")
    assert error.endswith("32; the nearest: 96 and 128")
    assert not (tmp_path / "run").exists()


def test_a_split_without_boxes(train, evaluate, names, shapes_records, tmp_path):
    pattern = write(tmp_path, [[record("a"), record("b")]])
    expected = f"config.data.train={pattern}: 2 images and 0 boxes, expected at least one of each"
    assert train(pattern, names) == expected
    assert "the data set has 2 images and not one true box" in evaluate(pattern)
    with tf.io.TFRecordWriter(str(tmp_path / "toy-none.tfrecord-00000-of-00001")):
        pass
    pattern = f"{tmp_path}/toy-none*"
    expected = f"config.data.train={pattern}: 0 images and 0 boxes, expected at least one of each"
    assert train(pattern, names) == expected
    assert "the data set has 0 images" in evaluate(pattern)


def test_an_unknown_setting(train, shapes_records):
    error = train(shapes_records.train, "--config.train.epocs=3")
    assert error == "--config.train.epocs: config.train has no 'epocs'; did you mean 'epochs'?"


def test_a_setting_of_the_wrong_type(train, shapes_records):
    error = train(shapes_records.train, "--config.train.schedule.steps_at=late")
    assert error.startswith("config.train.schedule.steps_at[0]: found 'late', expected a finite")


def test_a_run_is_not_overwritten(command, tiny_run, shapes_records):
    before = (tiny_run / "config.yaml").read_bytes()
    error = command(
        "train", "--config=shapes", f"--workdir={tiny_run}",
        f"--config.data.train={shapes_records.train}",
    ).error()  # fmt: skip
    assert error.startswith(f"--workdir={tiny_run}: holds a run already; continue it with --resume")
    assert (tiny_run / "config.yaml").read_bytes() == before


def test_an_output_that_cannot_be_written_to(command, tiny_run, shapes_records, tmp_path):
    (tmp_path / "file").write_text("precious")
    model = f"--model={tiny_run}"
    for output in (tmp_path / "file", tmp_path / "file" / "deeper"):
        error = command(
            "evaluate", model, f"--data={shapes_records.val}", f"--output={output}"
        ).error()
        assert error.startswith(f"--output={output}: cannot be ")
        error = command("export", model, f"--output={output}").error()
        assert error.startswith("--output")
        assert str(tmp_path / "file") in error
    assert (tmp_path / "file").read_text() == "precious"


def test_a_broken_image_among_good_ones(command, tiny_run, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(jpeg())
    (photos / "b.jpg").write_bytes(jpeg(cut=-300))
    flags = [f"--model={tiny_run}", f"--input={photos}", f"--output={tmp_path}/out"]
    done = command("detect", *flags)
    assert done.error().startswith(f"{photos}/b.jpg: damaged image: ")
    assert "in 1 image; written to" in done.out
    assert (tmp_path / "out" / "a.jpg").exists()
