"""Training and evaluation straight from a data set of TensorFlow Datasets."""

from tests.data.folders import NAMES
from tests.data.tfds_builder import ToyFlags, prepare, tfds
from yolo_tf.config import AugmentConfig, DataConfig
from yolo_tf.data.input.pipeline import evaluation_dataset, training_dataset
from yolo_tf.data.records.open_records import Records


def test_the_same_as_tfds_reads(tmp_path):
    folder = prepare(ToyFlags, tmp_path)
    pattern = f"tfds:{folder}:train"
    data = DataConfig(train=pattern, augment=AugmentConfig(), shuffle_buffer=4)
    decoders = {"image": tfds.decode.SkipDecoding()}
    expected = tfds.builder_from_directory(folder).as_dataset(
        split="train", decoders=decoders, shuffle_files=False
    )
    expected = {e["image/filename"]: e for e in expected.as_numpy_iterator()}
    batches = evaluation_dataset(Records.open(pattern, data, NAMES), data, (32, 32), 2)
    found = [image for batch in batches for image in images_of(batch)]
    assert {image["source_id"] for image in found} == set(expected)
    for image in found:
        theirs = expected[image["source_id"]]["objects"]
        count = len(theirs["label"])
        assert image["boxes"][:count].tolist() == theirs["bbox"].tolist()
        assert image["classes"].tolist() == theirs["label"].tolist() + [-1] * (
            len(image["classes"]) - count
        )
        for ours, name in (("difficult", "is_difficult"), ("crowd", "is_crowd"), ("area", "area")):
            assert image[ours][:count].tolist() == theirs[name].tolist()
    batch = next(
        iter(training_dataset(Records.open(data.train, data, NAMES), data, (32, 32), 5, 0))
    )
    assert set(batch["source_id"].numpy()) == set(expected)


def images_of(batch):
    batch = {key: value.numpy() for key, value in batch.items()}
    return [{key: value[i] for key, value in batch.items()} for i in range(len(batch["source_id"]))]
