import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.data.records.made import NAMES, record, write
from yolo_tf.config import AugmentConfig, DataConfig
from yolo_tf.data.input.pipeline import training_dataset
from yolo_tf.data.input.stream import check_service
from yolo_tf.data.records.open_records import Records
from yolo_tf.errors import UserError

IMAGES = 8


@pytest.fixture(scope="module")
def address():
    """Of a dispatcher with one worker, in this process."""
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer(service.DispatcherConfig(port=0))
    name = dispatcher.target.split("://")[1]
    worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=name))
    yield dispatcher.target
    del worker, dispatcher


@pytest.fixture
def data(tmp_path):
    records = [record(str(i), [[0.1, 0.1, 0.6, 0.7]], [i % 3]) for i in range(IMAGES)]
    augment = AugmentConfig(mosaic=0.5)
    return DataConfig(
        train=write(tmp_path, [records]), max_boxes=6, shuffle_buffer=8, augment=augment
    )


def batches(data, count, **settings):
    stream = training_dataset(
        Records.unchecked(data.train, NAMES), data, (32, 32), 4, 1, **settings
    )
    return list(stream.take(count).as_numpy_iterator())


def keys(batch):
    return [image.tobytes() for image in batch["image"]]


def encode(boxes, classes):
    return {"sum": tf.reduce_sum(boxes), "classes": classes}


def test_one_worker_gives_the_batches_of_the_pipeline(address, data):
    here = batches(data, 40, encode=encode)
    there = batches(dataclasses.replace(data, service=address), 6, encode=encode)
    # A worker may have several epochs under way: the same images, perhaps in another order.
    same = {key for batch in here for key in keys(batch)}
    for batch in there:
        assert batch["image"].shape == here[0]["image"].shape
        assert set(batch) == set(here[0])
        assert set(keys(batch)) <= same
    found = list(itertools.chain(*map(keys, there)))
    assert len(set(found)) == len(found)  # each epoch is drawn anew


def test_multi_scale_through_the_service(address, data):
    augment = dataclasses.replace(data.augment, sizes=(32, 64), sizes_every=1)
    data = dataclasses.replace(data, service=address, augment=augment)
    encoders = {
        size: lambda boxes, _, size=size: {"size": tf.fill([4], size[0])}
        for size in ((32, 32), (64, 64))
    }
    found = batches(data, 12, encode=encoders)
    for batch in found:
        assert np.all(batch["targets"]["size"] == batch["image"].shape[1])
    assert {batch["image"].shape[1] for batch in found} == {32, 64}


@pytest.mark.parametrize("address", ["localhost:5000", "grpc://localhost", "grpc://:5000", "x"])
def test_an_address_that_is_none(address):
    with pytest.raises(UserError, match=r"data\.service is .*expected the address of a dispatcher"):
        check_service(address)


def test_an_address_where_nobody_answers(data):
    data = dataclasses.replace(data, service="grpc://localhost:1")
    with pytest.raises(UserError, match=r"no dispatcher answers .*; start one"):
        batches(data, 1)
