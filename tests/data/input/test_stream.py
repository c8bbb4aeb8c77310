import itertools

import pytest
import tensorflow as tf

from yolo_tf.data.input.stream import InputShard, choose_shard, shuffled_records
from yolo_tf.data.records.files import count_records
from yolo_tf.errors import UserError


def shards(folder, *sizes):
    paths, number = [], 0
    for i, size in enumerate(sizes):
        paths.append(str(folder / f"{i}.tfrecord"))
        with tf.io.TFRecordWriter(paths[-1]) as writer:
            for _ in range(size):
                writer.write(str(number).encode() * (1 + number % 5))
                number += 1
    return paths


@pytest.mark.parametrize("sizes", [(0,), (1,), (3, 0, 5), (7, 7)])
def test_records_are_counted_without_reading_them(tmp_path, sizes):
    assert count_records(shards(tmp_path, *sizes)) == sum(sizes)


def test_a_shuffle_reaches_across_files_and_records(tmp_path):
    paths = shards(tmp_path, 50, 50)
    stream = shuffled_records(paths, lambda r: r, seed=0, buffer=100)
    order = [r for _, r in stream.take(100).as_numpy_iterator()]
    written = [r.numpy() for r in tf.data.TFRecordDataset(paths)]
    assert sorted(order) == sorted(written)
    assert len(set(itertools.pairwise(order)) & set(itertools.pairwise(written))) < 15


def test_the_running_index_goes_on_over_epochs_and_breaks(tmp_path):
    paths = shards(tmp_path, 3)
    stream = shuffled_records(paths, lambda r: r, seed=0, buffer=3, done=7)
    assert [int(i) for i, _ in stream.take(4)] == [7, 8, 9, 10]


def test_skipped_records_are_not_decoded(tmp_path):
    paths = shards(tmp_path, 10)
    decoded = tf.Variable(0)

    def decode(record):
        decoded.assign_add(1)
        return record

    next(iter(shuffled_records(paths, decode, seed=0, buffer=1, done=5000).take(1)))
    assert int(decoded) < 50


def stream_of(paths, index, pipelines, shard, done=0, parse=lambda r: r):
    context = tf.distribute.InputContext(pipelines, index, num_replicas_in_sync=2 * pipelines)
    share = InputShard.of(context, 4 * pipelines, shard, paths)
    assert (share.images, share.replicas) == (4, 2)
    return shuffled_records(paths, parse, seed=0, buffer=8, done=done, input_shard=share)


def pairs(stream, count):
    return [(int(place), record) for place, record in stream.take(count).as_numpy_iterator()]


@pytest.mark.parametrize("pipelines", [2, 3])
def test_pipelines_that_share_data_have_together_what_one_has(tmp_path, pipelines):
    """Of each batch every one has successive places; over epochs, and resumed."""
    paths = shards(tmp_path, 5, 6)
    one = pairs(shuffled_records(paths, lambda r: r, seed=0, buffer=8), 12 * pipelines)
    shares = [pairs(stream_of(paths, i, pipelines, "data"), 12) for i in range(pipelines)]
    together = [share[4 * step : 4 * step + 4] for step in range(3) for share in shares]
    assert list(itertools.chain(*together)) == one
    assert pairs(stream_of(paths, 1, pipelines, "data", done=8), 4) == shares[1][8:]


def test_pipelines_that_share_files_read_their_own(tmp_path):
    paths = shards(tmp_path, 8, 4)
    shares = [pairs(stream_of(paths, i, 2, "files"), 8) for i in range(2)]
    for path, share in zip(paths, shares, strict=True):
        assert {r for _, r in share} == {r.numpy() for r in tf.data.TFRecordDataset(path)}
    # No two have one place, so no two have the same random numbers.
    assert sorted(place for share in shares for place, _ in share) == list(range(16))


def test_what_others_take_is_not_parsed(tmp_path):
    paths = shards(tmp_path, 400)
    parsed = tf.Variable(0)

    def parse(records):
        parsed.assign_add(tf.size(records))
        return records

    assert len(pairs(stream_of(paths, 1, 4, "data", parse=parse), 64)) == 64
    assert int(parsed) < 150  # some are ahead; of all four it would be more than 256


def test_how_to_share():
    near, far = ["a", "b"], ["gs://b/a", "gs://b/b"]
    assert choose_shard("auto", near, 2)[0] == "data"
    assert choose_shard("auto", far, 2)[0] == "files"
    kind, reason = choose_shard("auto", far, 4)
    assert kind == "data"
    assert "2 files for 4 input pipelines" in reason
    assert choose_shard("data", far, 2)[0] == "data"
    with pytest.raises(UserError, match="is 2 files for 4 input pipelines: expected at least one"):
        choose_shard("files", near, 4)
    with pytest.raises(
        UserError, match=r"data\.shard: found 'file', expected one of auto, files, data"
    ):
        choose_shard("file", near, 1)
    with pytest.raises(UserError, match=r"batch_size is 3: expected a multiple of .* 2"):
        InputShard.of(tf.distribute.InputContext(1, 0, num_replicas_in_sync=2), 3)


def test_the_global_seed_has_no_say(tmp_path):
    paths = shards(tmp_path, 20)

    def order():
        stream = shuffled_records(paths, lambda r: r, seed=0, buffer=20)
        return [r for _, r in stream.take(40).as_numpy_iterator()]

    before = order()
    try:
        for seed in (0, 5):
            tf.random.set_seed(seed)
            assert order() == before
    finally:
        tf.random.set_seed(None)
