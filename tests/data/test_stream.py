import itertools

import pytest
import tensorflow as tf

from yolo_tf.data.stream import Share, count_records, endless_stream


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
    stream = endless_stream(paths, lambda r: r, seed=0, buffer=100)
    order = [r for _, r in stream.take(100).as_numpy_iterator()]
    written = [r.numpy() for r in tf.data.TFRecordDataset(paths)]
    assert sorted(order) == sorted(written)
    assert len(set(itertools.pairwise(order)) & set(itertools.pairwise(written))) < 15


def test_the_running_index_goes_on_over_epochs_and_breaks(tmp_path):
    paths = shards(tmp_path, 3)
    stream = endless_stream(paths, lambda r: r, seed=0, buffer=3, done=7)
    assert [int(i) for i, _ in stream.take(4)] == [7, 8, 9, 10]


def test_skipped_records_are_not_decoded(tmp_path):
    paths = shards(tmp_path, 10)
    decoded = tf.Variable(0)

    def decode(record):
        decoded.assign_add(1)
        return record

    next(iter(endless_stream(paths, decode, seed=0, buffer=1, done=5000).take(1)))
    assert int(decoded) < 50


def test_shares_of_a_batch():
    context = tf.distribute.InputContext(2, 1, num_replicas_in_sync=8)
    share = Share.of(context)
    assert share == Share(pipelines=2, index=1, replicas=4)
    assert share.per_replica(32) == 4
    assert Share.of(None).per_replica(3) == 3


def test_the_global_seed_has_no_say(tmp_path):
    paths = shards(tmp_path, 20)

    def order():
        stream = endless_stream(paths, lambda r: r, seed=0, buffer=20)
        return [r for _, r in stream.take(40).as_numpy_iterator()]

    before = order()
    try:
        for seed in (0, 5):
            tf.random.set_seed(seed)
            assert order() == before
    finally:
        tf.random.set_seed(None)
