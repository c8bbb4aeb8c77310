import collections
import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.data.records.made import NAMES, record, write
from yolo_tf.config import AugmentConfig, DataConfig
from yolo_tf.data.input.pipeline import evaluation_dataset, training_dataset
from yolo_tf.data.records.open_records import Records
from yolo_tf.errors import UserError
from yolo_tf.ops.resize import boxes_to_image

SIZE = (32, 64)
COUNTS = [0, 1, 5, 2, 0, 3, 1, 4, 2, 1]  # boxes of image i


@pytest.fixture
def data(tmp_path):
    """Ten images "0".."9" in three shards."""
    rng = np.random.default_rng(0)
    records = []
    for i, count in enumerate(COUNTS):
        corners = np.sort(rng.uniform(0, 1, (count, 2, 2)), axis=1).reshape(count, 4)
        records.append(record(str(i), corners, [j % 3 for j in range(count)], (20 + i, 30)))
    pattern = write(tmp_path, [records[:4], records[4:7], records[7:]])
    geometry = AugmentConfig(hue=0, saturation=1, exposure=1)  # colours only cost time here
    settings = {"max_boxes": 4, "shuffle_buffer": 5, "cache_dir": str(tmp_path / "cache")}
    return DataConfig(train=pattern, val=pattern, augment=geometry, **settings)


def opened(data):
    return Records.unchecked(data.train, NAMES, data.labels)


def train(data, batch=4, seed=1, **kwargs):
    return training_dataset(opened(data), data, SIZE, batch, seed, **kwargs)


def names(batch):
    return [name.decode() for name in batch["source_id"].numpy()]


def assert_same(first, second):
    tf.nest.map_structure(np.testing.assert_array_equal, first, second)


def test_a_batch_keeps_the_contract(data):
    spec = train(data).element_spec
    expected = {
        "image": ([4, *SIZE, 3], tf.float32),
        "boxes": ([4, 4, 4], tf.float32),
        "classes": ([4, 4], tf.int32),
        "difficult": ([4, 4], tf.bool),
        "crowd": ([4, 4], tf.bool),
        "area": ([4, 4], tf.float32),
        "source_id": ([4], tf.string),
        "original_size": ([4, 2], tf.int32),
        "placement": ([4, 4], tf.float32),
        "cut": ([4], tf.int32),
        "dropped": ([4], tf.int32),
    }
    assert {k: (v.shape.as_list(), v.dtype) for k, v in spec.items()} == expected
    for augment in (True, False):
        assert train(data, augment=augment).element_spec == spec


@pytest.mark.parametrize("augment", [True, False])
@pytest.mark.parametrize("cache", ["none", "memory", "disk"])
def test_every_epoch_has_each_image_once_in_a_new_order(data, cache, augment):
    stream = train(dataclasses.replace(data, cache=cache), batch=5, augment=augment)
    seen = [name for batch in stream.take(6) for name in names(batch)]
    epochs = [seen[:10], seen[10:20], seen[20:]]
    for epoch in epochs:
        assert sorted(epoch) == [str(i) for i in range(10)]
    assert epochs[0] != epochs[1] != epochs[2]


@pytest.mark.parametrize("cache", ["none", "memory"])
def test_a_seed_decides_everything(data, cache):
    data = dataclasses.replace(data, cache=cache)
    first, again, other = (list(train(data, seed=s).take(6)) for s in (1, 1, 2))
    assert_same(first, again)
    assert [names(b) for b in first] != [names(b) for b in other]


def test_the_same_dataset_iterated_twice_starts_anew(data):
    stream = train(data).take(4)
    assert_same(list(stream), list(stream))


@pytest.mark.parametrize("cache", ["none", "memory", "disk"])
def test_a_resumed_stream_goes_on_in_place(data, cache):
    data = dataclasses.replace(data, cache=cache)
    whole = list(train(data).take(11))
    for start in (1, 8):
        assert_same(list(train(data, start_step=start).take(3)), whole[start:][:3])


EVERYTHING = {
    "mosaic": 0.5, "mixup": 0.5, "rotate": 10, "erase": 0.5, "sizes": (32, 64), "sizes_every": 1,
}  # fmt: skip


@pytest.mark.parametrize("batch", [2, pytest.param(8, marks=pytest.mark.long)])
def test_a_resumed_stream_goes_on_in_place_with_everything_switched_on(data, batch):
    """Mosaics and sizes are of groups of eight images: also from within such a group."""
    data = dataclasses.replace(data, augment=dataclasses.replace(data.augment, **EVERYTHING))
    whole = list(train(data, batch=batch).take(12))
    for start in (1, 7):
        assert_same(list(train(data, batch=batch, start_step=start).take(5)), whole[start:][:5])
    other = train(data, batch=batch, seed=2).take(12)
    assert any(a["image"].shape != b["image"].shape for a, b in zip(whole, other, strict=True))


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_caches_change_no_image(data, cache):
    plain = dataclasses.replace(data, shuffle_buffer=10)
    cached = dataclasses.replace(plain, cache=cache)
    augmented, bare = (
        [
            {n: i for b in train(d, augment=a, batch=10).take(1) for n, i in _images(b)}
            for d in (plain, cached)
        ]
        for a in (True, False)
    )
    for name in map(str, range(10)):
        np.testing.assert_array_equal(bare[0][name], bare[1][name])
    if cache == "disk":  # memory reads the files in another order: other random numbers
        for name in map(str, range(10)):
            np.testing.assert_array_equal(augmented[0][name], augmented[1][name])


def _images(batch):
    return zip(names(batch), batch["image"].numpy(), strict=True)


def test_a_changed_record_misses_the_disk_cache(tmp_path):
    black, white = (tf.io.encode_png(np.full((4, 4, 3), v, np.uint8)).numpy() for v in (0, 255))
    for image, value in ((black, 0.0), (white, 1.0)):
        pattern = write(tmp_path, [[record("same name", size=(4, 4), image=image)]])
        data = DataConfig(train=pattern, cache="disk", cache_dir=str(tmp_path / "cache"))
        batch = next(iter(train(data, batch=1, augment=False)))
        assert np.all(np.abs(batch["image"] - value) < 1e-6)


@pytest.mark.parametrize("count", [0, 1, 4, 20])
def test_any_number_of_boxes_with_everything_switched_on(tmp_path, count):
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 0.5, (8, count, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.1, 0.5, (8, count, 2))], axis=-1)
    records = [record(str(i), boxes[i], [0] * count, (30 + i, 40)) for i in range(8)]
    settings = AugmentConfig(**{**EVERYTHING, "sizes": ()})
    data = DataConfig(train=write(tmp_path, [records]), max_boxes=4, augment=settings)
    for batch in train(data, batch=8).take(3):
        kept = np.sum(batch["classes"].numpy() >= 0, axis=1)
        assert np.all(kept <= min(4, 8 * count))
        assert np.all((batch["dropped"].numpy() > 0) <= (kept == 4))
        if count == 20:
            assert np.any(batch["dropped"].numpy() > 0)
        assert np.all(np.isfinite(batch["image"]))


def test_letterbox_and_its_inverse_return_the_box(data):
    data = dataclasses.replace(data, resize="letterbox")
    stretched = evaluation_dataset(
        opened(data), dataclasses.replace(data, resize="stretch"), SIZE, 10
    )
    truth = next(iter(stretched))["boxes"]
    batch = next(iter(evaluation_dataset(opened(data), data, SIZE, 10)))
    assert np.any(np.abs(batch["boxes"] - truth) > 0.01)
    np.testing.assert_allclose(boxes_to_image(batch["boxes"], batch["placement"]), truth, atol=1e-5)


def test_each_visit_of_an_image_is_augmented_anew(data):
    images = collections.defaultdict(list)
    for batch in train(data, batch=5).take(6):
        for name, image in zip(names(batch), batch["image"].numpy(), strict=True):
            images[name].append(image)
    for first, second, third in images.values():
        assert np.any(first != second)
        assert np.any(second != third)


@pytest.mark.parametrize("sizes", [(), (32, 64)])
def test_two_pipelines_have_together_the_batches_of_one_process(data, sizes):
    """The same images with the same random numbers, in three epochs, also after a break."""
    augment = dataclasses.replace(data.augment, sizes=sizes, sizes_every=1)
    data = dataclasses.replace(data, augment=augment)
    whole = list(train(data).take(7))
    contexts = [tf.distribute.InputContext(2, i, num_replicas_in_sync=2) for i in range(2)]
    for start in (0, 3):
        halves = zip(
            *[train(data, input_context=c, start_step=start) for c in contexts], strict=False
        )
        for expected, pair in zip(whole[start:], halves, strict=False):
            both = tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *pair)
            assert_same(both, expected)


def test_pipelines_that_share_files(data):
    """Shards of 4, 3 and 3 records: two and one."""
    data = dataclasses.replace(data, shard="files")
    seen = []
    for index, images in enumerate((7, 3)):
        context = tf.distribute.InputContext(2, index, num_replicas_in_sync=2)
        batches = list(train(data, batch=2, input_context=context).take(2 * images))
        seen += [name for batch in batches[:images] for name in names(batch)]
        assert len({batch["image"].numpy().tobytes() for batch in batches}) == 2 * images
    assert sorted(seen) == [str(i) for i in range(10)]


def test_replicas_of_one_pipeline_split_the_global_batch(data):
    context = tf.distribute.InputContext(1, 0, num_replicas_in_sync=2)
    whole = [name for batch in train(data, batch=4).take(4) for name in names(batch)]
    halves = list(train(data, batch=4, input_context=context).take(8))
    assert {len(names(b)) for b in halves} == {2}
    assert [name for batch in halves for name in names(batch)] == whole
    resumed = list(train(data, batch=4, input_context=context, start_step=1).take(6))
    assert_same(resumed, halves[2:])
    with pytest.raises(UserError, match=r"batch_size is 3: expected a multiple .* 2"):
        train(data, batch=3, input_context=context)


def test_under_a_strategy(data):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    batches = strategy.distribute_datasets_from_function(
        lambda context: train(data, input_context=context)
    )
    assert_same(next(iter(batches)), next(iter(train(data))))


def test_boxes_beyond_the_limit_are_counted(data):
    data = dataclasses.replace(data, max_boxes=2)
    for batch in train(data, batch=5, augment=False).take(2):
        for i, name in enumerate(names(batch)):
            count = COUNTS[int(name)]
            assert batch["dropped"][i] == max(0, count - 2)
            assert np.sum(batch["classes"][i] >= 0) == min(count, 2)
            empty = batch["classes"][i] < 0
            assert not np.any(batch["boxes"][i][empty])


def test_augmented_boxes_are_all_accounted_for(data):
    for batch in train(data, batch=5).take(4):
        kept = np.sum(batch["classes"].numpy() >= 0, axis=1)
        total = kept + batch["cut"].numpy() + batch["dropped"].numpy()
        assert total.tolist() == [COUNTS[int(name)] for name in names(batch)]
        assert np.all((batch["boxes"] >= 0) & (batch["boxes"] <= 1))


@pytest.mark.parametrize("resize", ["stretch", "letterbox"])
def test_evaluation_has_each_image_once_in_order_with_all_boxes(data, resize):
    data = dataclasses.replace(data, resize=resize)
    batches = list(evaluation_dataset(opened(data), data, SIZE, 4))
    assert [len(names(b)) for b in batches] == [4, 4, 2]
    assert [n for b in batches for n in names(b)] == [str(i) for i in range(10)]
    for start, batch in zip((0, 4, 8), batches, strict=True):
        counts = COUNTS[start : start + 4]
        assert batch["boxes"].shape[1] == max(counts)
        assert np.sum(batch["classes"].numpy() >= 0, axis=1).tolist() == counts
        assert not np.any(batch["dropped"])
        heights = [20 + start + i for i in range(len(counts))]
        assert batch["original_size"].numpy().tolist() == [[h, 30] for h in heights]
        placement = batch["placement"].numpy()
        assert np.all(placement == [0, 0, 1, 1]) == (resize == "stretch")
    assert batches[0]["classes"].numpy()[2].tolist() == [0, 1, 2, 0, 1]


def test_evaluation_with_a_fixed_number_of_boxes(data):
    batches = list(evaluation_dataset(opened(data), data, SIZE, 10, max_boxes=3))
    assert batches[0]["boxes"].shape == (10, 3, 4)
    assert batches[0]["dropped"].numpy().tolist() == [max(0, c - 3) for c in COUNTS]


@pytest.mark.parametrize(("pipelines", "replicas"), [(1, 2), (2, 2), (2, 4), (4, 4)])
def test_replicas_share_an_evaluation_out(data, pipelines, replicas):
    whole = list(evaluation_dataset(opened(data), data, SIZE, 4))
    parts = []
    for index in range(pipelines):
        context = tf.distribute.InputContext(pipelines, index, replicas)
        dataset = evaluation_dataset(opened(data), data, SIZE, 4, input_context=context)
        assert dataset.element_spec["image"].shape == (4 // replicas, *SIZE, 3)
        batches = iter(dataset)
        # One batch for each replica of a process, step by step.
        local = replicas // pipelines
        parts.append([[next(batches) for _ in range(local)] for _ in whole])
        assert next(batches, None) is None
    for step, batch in enumerate(whole):
        shares = [share for part in parts for share in part[step]]
        gathered = {name: np.concatenate([s[name] for s in shares]) for name in shares[0]}
        real = gathered.pop("real")
        assert len(real) == 4
        assert_same({name: value[real] for name, value in gathered.items()}, dict(batch))


def test_one_batch_of_an_evaluation_is_the_first_with_a_box(data):
    (batch,) = evaluation_dataset(opened(data), data, SIZE, 1, one_batch=True)
    assert names(batch) == ["1"]


def test_targets_come_from_encode_and_never_see_crowds(tmp_path):
    boxes = [[0.1, 0.1, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]]
    pattern = write(tmp_path, [[record("a", boxes, [1, 2], crowd=[False, True])]])
    data = DataConfig(train=pattern, max_boxes=3, augment=AugmentConfig(jitter=0, flip=0))

    def encode(boxes, classes):
        return {"boxes": boxes, "classes": classes}

    streams = (
        train(data, batch=1, encode=encode).take(1),
        evaluation_dataset(opened(data), data, SIZE, 1, max_boxes=3, encode=encode),
    )
    for batch in itertools.chain(*streams):
        assert batch["classes"].numpy().tolist() == [[1, 2, -1]]
        assert batch["crowd"].numpy().tolist() == [[False, True, False]]
        assert batch["targets"]["classes"].numpy().tolist() == [[1, -1, -1]]
        assert not np.any(batch["targets"]["boxes"][0, 1:])
        np.testing.assert_allclose(batch["targets"]["boxes"][0, 0], boxes[0], atol=1e-6)


def test_an_unknown_class_does_not_enter(tmp_path):
    pattern = write(tmp_path, [[record("a", [[0, 0, 1, 1]], [7])]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="class not in the list"):
        next(iter(train(DataConfig(train=pattern), batch=1)))


def test_mistakes_are_named(data, tmp_path):
    with pytest.raises(UserError, match=r"nothing-here.*no file matches"):
        train(dataclasses.replace(data, train=str(tmp_path / "nothing-here*")))
    with pytest.raises(UserError, match=r"data\.resize: found 'crop', expected one of stretch"):
        train(dataclasses.replace(data, resize="crop"))
    with pytest.raises(
        UserError, match=r"data\.cache: found 'ram', expected one of none, memory, disk"
    ):
        train(dataclasses.replace(data, cache="ram"))
    with pytest.raises(UserError, match=r"data\.augment\.sizes\[0\]: found 0"):
        train(dataclasses.replace(data, augment=AugmentConfig(sizes=(0,))), batch=1)
    with pytest.raises(UserError, match=r"data\.max_boxes: found 0, expected at least 1"):
        train(dataclasses.replace(data, max_boxes=0))
    with pytest.raises(UserError, match=r"data\.augment\.flip"):
        train(dataclasses.replace(data, augment=AugmentConfig(flip=2)))
    with pytest.raises(UserError, match="batch_size is 0"):
        train(data, batch=0)


def test_shards_without_records_are_an_error_and_not_an_endless_wait(tmp_path):
    pattern = write(tmp_path, [[]])
    with pytest.raises(UserError, match="no records"):
        train(DataConfig(train=pattern))
