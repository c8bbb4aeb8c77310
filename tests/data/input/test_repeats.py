"""Repeat-factor sampling: factors, order, resuming, several processes."""

import collections
import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.data.input.test_stream import shards
from tests.data.records.made import NAMES, record, write
from yolo_tf.data.input.repeats import repeat_factors
from yolo_tf.data.input.stream import InputShard, shuffled_records
from yolo_tf.data.records.open_records import Records

COUNT = 12
FACTORS = np.array([1.0] * 10 + [4.0, 2.5])


def stream(paths, take, done=0, context=None, shard="data", decode=None):
    input_shard = InputShard.of(context, 4, shard, paths) if context else None
    settings = {"seed": 3, "buffer": 8, "done": done, "input_shard": input_shard, "decode": decode}
    pairs = shuffled_records(paths, lambda r: r, repeats=FACTORS, **settings).take(take)
    return [(int(place), int(text)) for place, text in pairs.as_numpy_iterator()]


@pytest.fixture
def paths(tmp_path):
    return shards(tmp_path, 5, 4, 3)


def test_factors_are_those_of_the_paper(tmp_path):
    box = [0.1, 0.1, 0.5, 0.5]
    classes = [[0], [0, 0], [0], [0, 1], [], [2, 0], [2], [0]]
    records = [record(str(i), [box] * len(c), c) for i, c in enumerate(classes)]
    opened = Records.unchecked(write(tmp_path, [records[:3], records[3:]]), NAMES)
    rare, less = np.sqrt(0.5 / (1 / 8)), np.sqrt(0.5 / (2 / 8))
    expected = [1, 1, 1, rare, 1, less, less, 1]
    np.testing.assert_allclose(repeat_factors(opened, 0.5), expected)


@pytest.mark.parametrize("decode", [None, lambda r: r])
def test_records_come_as_often_as_their_factors_say(paths, decode):
    epochs = 60
    seen = stream(paths, COUNT * epochs, decode=decode)
    assert [place for place, _ in seen] == list(range(COUNT * epochs))
    counts = collections.Counter(text for _, text in seen)
    written = [int(r.numpy()) for r in tf.data.TFRecordDataset(paths)]
    expected = FACTORS / FACTORS.sum() * COUNT * epochs
    np.testing.assert_allclose([counts[text] for text in written], expected, rtol=0.2)
    assert len({tuple(seen[i : i + COUNT]) for i in range(0, len(seen), COUNT)}) == epochs


def test_a_resumed_stream_goes_on_with_the_same_records(paths):
    whole = stream(paths, 60)
    assert stream(paths, 60 - 17, done=17) == whole[17:]


def test_processes_have_together_what_one_has(paths):
    one = stream(paths, 24)
    contexts = [tf.distribute.InputContext(2, i, num_replicas_in_sync=2) for i in range(2)]
    both = [stream(paths, 12, context=context) for context in contexts]
    assert sorted(itertools.chain(*both)) == one


def test_processes_with_files_of_their_own_take_the_factors_of_these(paths):
    context = tf.distribute.InputContext(2, 0, num_replicas_in_sync=2)
    own = [int(r.numpy()) for r in tf.data.TFRecordDataset([paths[0], paths[2]])]
    seen = collections.Counter(t for _, t in stream(paths, 8 * 40, context=context, shard="files"))
    assert set(seen) == set(own)
    expected = np.array([1, 1, 1, 1, 1, 1, 4, 2.5]) / 12.5 * 8 * 40
    np.testing.assert_allclose([seen[text] for text in own], expected, rtol=0.2)
