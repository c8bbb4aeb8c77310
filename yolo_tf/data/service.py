"""Batches prepared by the workers of a tf.data service, for accelerators that one machine starves.

A dispatcher hands the epochs of the stream to its workers, an epoch each, and every worker reads
the records by the same paths and does everything up to the targets. Over the epochs every record
comes as often as any other. But:
  - batches come in the order in which workers deliver them, so runs with several workers do not
    repeat each other, and several epochs may be under way at the same time;
  - when a run is resumed, whole epochs are skipped exactly; of the rest, every worker skips as
    many examples of the first epoch that it takes.
Start it with tf.data.experimental.service.{DispatchServer, WorkerServer}: docs/augmentation.md.
"""

import socket

import tensorflow as tf

from yolo_tf.errors import UserError

_PREFIX = "grpc://"
_TIMEOUT = 10.0  # seconds


def distribute(batches: tf.data.Dataset, address: str) -> tf.data.Dataset:
    """The same batches, prepared by the workers of the dispatcher at grpc://host:port."""
    service = tf.data.experimental.service
    return batches.apply(
        service.distribute(processing_mode=service.ShardingPolicy.DYNAMIC, service=address)
    )


def check_service(address: str) -> None:
    """Raises `UserError` unless a dispatcher, or something, answers at the address."""
    host, colon, port = address.removeprefix(_PREFIX).rpartition(":")
    if not address.startswith(_PREFIX) or not host or not colon or not port.isdigit():
        raise UserError(
            f"data.service is {address!r}: expected the address of a dispatcher, grpc://host:port"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _TIMEOUT).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"data.service={address}: no dispatcher answers ({error}); start one, or leave"
            " data.service empty"
        ) from None
