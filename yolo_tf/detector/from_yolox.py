"""A detector from the published weights of YOLOX, exported as arrays by name (NAME.npz).

The authors publish pickles, which run code when they are opened: the user opens them, and we read
the arrays alone (docs/models.md). Their networks take BGR in 0..255 and join the pixels of the
Focus stem in another order. All of this goes into the kernel of the first convolution.
"""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from yolo_tf.config import Config, YoloxHeadConfig
from yolo_tf.darknet.weights_layout import layout_of
from yolo_tf.data.records.label_map import read_names
from yolo_tf.detector.build import build_detector
from yolo_tf.detector.detector import Detector
from yolo_tf.errors import UserError
from yolo_tf.models.yolox_csp import SIZES, Size

BN_EPSILON = 1e-3  # of the published networks
_LEVELS = (0, 1, 2)  # strides 8, 16 and 32
_VECTORS = {
    "beta": "bn.bias",
    "gamma": "bn.weight",
    "moving_mean": "bn.running_mean",
    "moving_variance": "bn.running_var",
    "kernel": "conv.weight",
}
# Batches that PyTorch's batch normalisation saw: not part of the network.
_IGNORED = ".num_batches_tracked"
_CLASSES = "head.cls_preds.0.bias"
_MAX_HEADER = 10_000  # bytes
_MAX_BYTES = 1 << 28  # of an array; the largest of the published networks has 59 million


def read_yolox(config: Config, weights_path, names_path) -> Detector:
    """The detector of published weights, predicting what the published network predicts.

    Args:
      config: recipe of the network; its `bn_epsilon` becomes the published one.
      weights_path: .npz file of the arrays of the published state dict, by their names there.
      names_path: class-name file, a name a line.

    Raises:
      UserError: the recipe is of another network, a file is missing or damaged, or an array is
        missing, unknown or of another shape.
    """
    name = config.model.name
    if name not in SIZES or not isinstance(config.head, YoloxHeadConfig):
        raise UserError(
            f"--config: found the network {name!r} with {type(config.head).__name__}, expected one"
            f" of {', '.join(SIZES)} with YoloxHeadConfig: name one of their recipes"
        )
    for setting in ("attention", "backbone", "cfg"):
        if value := getattr(config.model, setting):
            raise UserError(
                f"config.model.{setting}: found {value!r}, expected nothing: published networks"
                " have none"
            )
    config.model.bn_epsilon = BN_EPSILON
    class_names = read_names(names_path)
    detector = build_detector(config, class_names)
    layout = layout_of(detector.network)
    by_layer = zip(
        dict.fromkeys(array.layer for array in layout), conv_names(SIZES[name]), strict=True
    )
    published = dict(by_layer)
    names = [_name(array, published[array.layer]) for array in layout]
    shapes = {key: array.shape for key, array in zip(names, layout, strict=True)}
    classes = f"{names_path} has {len(class_names)} names"
    arrays = read_arrays(Path(weights_path), shapes, name, classes)
    for key, array in zip(names, layout, strict=True):
        value = arrays[key].transpose(array.axes)
        first = array.number == 0 and array.name == "kernel"
        array.variable.assign(_for_unit_rgb(value) if first else value)
    return detector


def conv_names(size: Size) -> Iterator[str]:
    """Published name of each convolution of a network, in the order of `models.yolox_csp`."""

    def unit(name):
        return [f"{name}.dconv", f"{name}.pconv"] if size.depthwise else [name]

    def csp_layer(name, blocks):
        yield from (f"{name}.conv1", f"{name}.conv2")
        for block in range(size.blocks(blocks)):
            yield f"{name}.m.{block}.conv1"
            yield from unit(f"{name}.m.{block}.conv2")
        yield f"{name}.conv3"

    backbone = "backbone.backbone"
    yield f"{backbone}.stem.conv"
    for stage, blocks in (("dark2", 3), ("dark3", 9), ("dark4", 9)):
        yield from unit(f"{backbone}.{stage}.0")
        yield from csp_layer(f"{backbone}.{stage}.1", blocks)
    yield from unit(f"{backbone}.dark5.0")
    yield from (f"{backbone}.dark5.1.conv1", f"{backbone}.dark5.1.conv2")
    yield from csp_layer(f"{backbone}.dark5.2", 3)
    for lateral, layer in (("lateral_conv0", "C3_p4"), ("reduce_conv1", "C3_p3")):
        yield f"backbone.{lateral}"
        yield from csp_layer(f"backbone.{layer}", 3)
    for down, layer in (("bu_conv2", "C3_n3"), ("bu_conv1", "C3_n4")):
        yield from unit(f"backbone.{down}")
        yield from csp_layer(f"backbone.{layer}", 3)
    for level in _LEVELS:
        yield f"head.stems.{level}"
        for tower in ("cls_convs", "reg_convs"):
            for number in (0, 1):
                yield from unit(f"head.{tower}.{level}.{number}")
        yield from (f"head.{part}_preds.{level}" for part in ("reg", "obj", "cls"))


def _name(array, convolution: str) -> str:
    """Published name of an array of a convolution."""
    if "_preds." in convolution:
        return f"{convolution}.{'bias' if array.name == 'bias' else 'weight'}"
    return f"{convolution}.{_VECTORS[array.name]}"


def _for_unit_rgb(kernel: np.ndarray) -> np.ndarray:
    """The first kernel [3, 3, 12, filters], which saw BGR in 0..255, for RGB in 0..1.

    Its input channels are (column, row, colour) of a block of 2 x 2 pixels there, and (row,
    column, colour) here.
    """
    parts = kernel.reshape(3, 3, 2, 2, 3, -1).transpose(0, 1, 3, 2, 4, 5)[..., ::-1, :]
    return 255.0 * parts.reshape(kernel.shape)


def read_arrays(path: Path, shapes: dict[str, tuple], network: str, classes: str) -> dict:
    """The arrays of a .npz file; nothing is read that has not the expected shape.

    Args:
      path: the file.
      shapes: name -> shape of each array that it must have; there must be no others.
      network: name of the network, for messages.
      classes: where the class count comes from, for messages.

    Returns:
      name -> float32 array.

    Raises:
      UserError: the file is missing or damaged, or not of these arrays.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = {name.removesuffix(".npy") for name in archive.namelist()}
            _check_names(path, found, shapes, network)
            return {name: _array(path, archive, name, shapes, classes) for name in shapes}
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; the .npz of YOLOX weights expected") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise UserError(
            f"{path}: found no .npz file ({error}), expected the arrays of the published weights:"
            " docs/models.md tells how to export them"
        ) from error


def _check_names(path: Path, found: set[str], shapes: dict, network: str) -> None:
    unknown = sorted(name for name in found - shapes.keys() if not name.endswith(_IGNORED))
    missing = [name for name in shapes if name not in found]
    if missing or unknown:
        parts = {"missing": missing, "unknown": unknown}
        listed = "; ".join(
            f"{len(names)} {kind}: {', '.join(names[:3])}{', ...' * (len(names) > 3)}"
            for kind, names in parts.items()
            if names
        )
        raise UserError(f"{path}: not the arrays of {network}, expected {len(shapes)}: {listed}")


def _array(path: Path, archive, name: str, shapes: dict, classes: str) -> np.ndarray:
    size = archive.getinfo(f"{name}.npy").file_size
    try:
        if size > _MAX_BYTES:
            raise ValueError(f"{size} bytes, at most {_MAX_BYTES} expected")
        with archive.open(f"{name}.npy") as file:
            shape, _, dtype = _header(file)
    except ValueError as error:
        raise UserError(f"{path}: {name}: not the array expected: {error}") from error
    if shape != shapes[name]:
        hint = f"; {classes}" if "cls_preds" in name else ""
        raise UserError(f"{path}: {name}: found shape {shape}, expected {shapes[name]}{hint}")
    if dtype.kind != "f":
        raise UserError(f"{path}: {name}: found {dtype} values, expected float32")
    with archive.open(f"{name}.npy") as file:
        values = np.lib.format.read_array(file, allow_pickle=False).astype(np.float32)
    least = 0 if name.endswith("running_var") else -np.inf
    wrong = ~np.isfinite(values) | (values < least)
    if wrong.any():
        kind = "finite numbers" + " of 0 or more" * (least == 0)
        raise UserError(f"{path}: {name}: found {values[wrong][0]}, expected {kind}")
    return values


def _header(file):
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"version {version} of the format")
    return read(file, max_header_size=_MAX_HEADER)
