"""Darknet's .weights files (algorithms.md 6.3), for networks whose layers `models.blocks` made.

A file is a header and then, for each convolution in the order of the cfg, little-endian float32:
bias, or beta, gamma, moving mean and moving variance; then the kernel [filters, channels, rows,
columns]. It holds neither names nor shapes. So its length must be what the network needs, to the
byte, and nothing reaches the network before all of the file has been checked.
"""

import dataclasses
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tf_keras

from yolo_tf.darknet.weights_layout import (
    BOX_CHANNELS,
    Array,
    array_at,
    conv_ends,
    file_classes,
    layout_of,
    of_classes,
)
from yolo_tf.errors import UserError
from yolo_tf.files import replacing
from yolo_tf.text_files import check_file

_PARTIAL_NAME = re.compile(r".+\.conv\.\d+")
_VERSION = struct.Struct("<3i")
# Darknet marks files with transposed matrices by versions above 1000; no convolution needs that.
_MAX_VERSION = 1000
_MEND = "read it with the cfg, or the model and class count, that it was made with"


@dataclass(frozen=True)
class Header:
    """Start of a file (algorithms.md 6.3). The default is what Darknet writes today."""

    major: int = 0
    minor: int = 2
    revision: int = 5
    seen: int = 0  # images trained on

    @property
    def seen_format(self) -> struct.Struct:
        """Of `seen`: 8 bytes from version 0.2 on, 4 before."""
        return struct.Struct("<Q" if 10 * self.major + self.minor >= 2 else "<I")

    @property
    def size(self) -> int:
        """Bytes."""
        return _VERSION.size + self.seen_format.size


CURRENT = Header()


def read_arrays(
    path,
    network: tf_keras.Model,
    num_classes: int | None = None,
    partial: bool = False,
    skip: frozenset[int] = frozenset(),
    skip_scales: frozenset[int] = frozenset(),
    box_channels: int = BOX_CHANNELS,
) -> tuple[dict[str, np.ndarray], Header, int | None]:
    """Reads a file by the shapes of a network and leaves the network as it is.

    Args:
      path: a .weights file.
      network: a model of `models.zoo` or `darknet.network`.
      num_classes: of the network. If given, the file may be of another class count, which its
        length tells; None: the file must have the network's own length.
      partial: the file may hold the first convolutions only, at least one and each of them
        whole. Always so where the file's name ends in `.conv.N`.
      skip: numbers of convolutions that are not in the file (`dontload=1` in a cfg).
      skip_scales: those with a bias but no gamma, mean and variance there (`dontloadscales=1`).
      box_channels: of an output, for each anchor, beside the classes.

    Returns:
      ({key: float32 array}, header, class count of the file). Keys are the number of a
      convolution and the name of a weight, "conv_012/kernel"; arrays have TensorFlow's layout
      and, but for outputs of another class count, the shapes of the network's weights. A whole
      file of another class count gives that count; all others give `num_classes`.

    Raises:
      UserError: there is no such file, it is no weights file, it has the wrong length, or it
        holds numbers that no network has; or the network's outputs are not Darknet's.
    """
    path = Path(path)
    layout = layout_of(network, skip, skip_scales)
    with _opened(path) as file:
        header, floats = _read_header(path, file)
        classes = num_classes
        if partial or _PARTIAL_NAME.fullmatch(path.name):
            layout = _first_convolutions(path, layout, header, floats)
        else:
            if num_classes is not None:
                classes = file_classes(layout, num_classes, floats, box_channels) or num_classes
                layout = of_classes(layout, num_classes, classes, box_channels)
            _check_length(path, layout, header, floats)
        values = np.fromfile(file, "<f4", int(floats))
    arrays = _split(layout, values)
    _check_values(path, layout, arrays)
    return arrays, header, classes


def read_weights(
    path,
    network: tf_keras.Model,
    partial: bool = False,
    skip: frozenset[int] = frozenset(),
    skip_scales: frozenset[int] = frozenset(),
) -> tuple[Header, int]:
    """Sets the weights of a network to those of a file; see `read_arrays`.

    Returns:
      (header, number of convolutions read).

    Raises:
      UserError: as of `read_arrays`; the network is then as it was.
    """
    arrays, header, _ = read_arrays(path, network, None, partial, skip, skip_scales)
    for array in layout_of(network, skip, skip_scales):
        if array.key in arrays:
            array.variable.assign(arrays[array.key])
    return header, len({key.partition("/")[0] for key in arrays})


def write_weights(path, network: tf_keras.Model, header: Header = CURRENT) -> None:
    """Writes all weights of a network; the file is whole or not there."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(_VERSION.pack(header.major, header.minor, header.revision))
        file.write(header.seen_format.pack(header.seen))
        for array in layout_of(network):
            values = array.variable.numpy().transpose(np.argsort(array.axes))
            file.write(values.astype("<f4").tobytes())


def class_count(
    path,
    network: tf_keras.Model,
    num_classes: int,
    skip: frozenset[int] = frozenset(),
    skip_scales: frozenset[int] = frozenset(),
) -> int | None:
    """The class count of a whole file, from its length.

    Args:
      path: a .weights file.
      network: the same network, its outputs for `num_classes` classes.
      num_classes: of the network.
      skip: as of `read_arrays`.
      skip_scales: as of `read_arrays`.

    Returns:
      The count, 1 or more; None where no count gives that length.

    Raises:
      UserError: there is no such file, it is no weights file, or the network's outputs are not
        Darknet's.
    """
    path = Path(path)
    with _opened(path) as file:
        _, floats = _read_header(path, file)
    return file_classes(layout_of(network, skip, skip_scales), num_classes, floats)


def _opened(path: Path):
    check_file(path, "a Darknet weights file")
    try:
        return open(path, "rb")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; a Darknet weights file expected") from error


def _read_header(path: Path, file) -> tuple[Header, float]:
    """The header and the number of floats that follow; a fraction where bytes are odd."""
    size = os.fstat(file.fileno()).st_size
    start = file.read(_VERSION.size)
    if len(start) < _VERSION.size:
        raise UserError(
            f"{path}: {size} bytes found, not a Darknet weights file; its header alone has"
            f" {CURRENT.size} bytes"
        )
    header = Header(*_VERSION.unpack(start))
    version = (header.major, header.minor, header.revision)
    if min(version) < 0 or max(version) > _MAX_VERSION:
        raise UserError(
            f"{path}: not a Darknet weights file; the version in its header reads"
            f" {'.'.join(map(str, version))}, 0.1.0 or 0.2.5 is usual"
        )
    seen = file.read(header.seen_format.size)
    if len(seen) < header.seen_format.size:
        raise UserError(
            f"{path}: {size} bytes found, not a Darknet weights file; a header of version"
            f" {header.major}.{header.minor} has {header.size} bytes"
        )
    header = dataclasses.replace(header, seen=header.seen_format.unpack(seen)[0])
    return header, (size - header.size) / 4


def _check_length(path: Path, layout: list[Array], header: Header, floats: float) -> None:
    total = sum(array.size for array in layout)
    if floats == total:
        return
    found, expected = header.size + round(4 * floats), header.size + 4 * total
    convolutions = len({array.number for array in layout})
    start = f"{path}: {found} bytes found, {expected} expected for {convolutions} convolutions;"
    if floats > total:
        raise UserError(f"{start} {found - expected} bytes are left over; {_MEND}")
    ends = list(conv_ends(layout))
    if floats in ends:
        raise UserError(
            f"{start} it holds the first {ends.index(floats) + 1} whole; {_MEND}, or as a partial"
            " file, named NAME.conv.N"
        )
    raise UserError(f"{start} it ends in {array_at(layout, floats)}; {_MEND}")


def _first_convolutions(
    path: Path, layout: list[Array], header: Header, floats: float
) -> list[Array]:
    """The layout up to the convolution with which a partial file ends."""
    ends = conv_ends(layout)
    if floats > max(ends, default=0):
        _check_length(path, layout, header, floats)
    if floats not in ends:
        raise UserError(
            f"{path}: {header.size + round(4 * floats)} bytes found; a partial file must end with"
            f" a convolution, this one ends in {array_at(layout, floats)}; {_MEND}"
        )
    return layout[: ends[floats]]


def _split(layout: list[Array], values: np.ndarray) -> dict[str, np.ndarray]:
    """Views of the file's numbers by key, in TensorFlow's layout."""
    arrays, start = {}, 0
    for array in layout:
        part = values[start : start + array.size].reshape(array.shape)
        arrays[array.key] = part.transpose(array.axes)
        start += array.size
    return arrays


def _check_values(path: Path, layout: list[Array], arrays: dict[str, np.ndarray]) -> None:
    """Refuses what no training leaves behind; a file of another network mostly shows so."""
    for array in layout:
        values = arrays[array.key]
        wrong = ~np.isfinite(values)
        if array.name == "moving_variance":
            wrong |= values < 0
        if wrong.any():
            raise UserError(
                f"{path}: {values[wrong][0]} found in {array}, where"
                f" {'0 or more' if array.name == 'moving_variance' else 'a finite number'} is"
                f" expected; the file is damaged or of another network: {_MEND}"
            )
