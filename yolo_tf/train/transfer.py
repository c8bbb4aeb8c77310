"""Training from weights that exist: which are loaded, which start anew, which stay as they are.

Weights come from a Darknet `.weights` file, a run folder or one of its checkpoints. They are
matched by the number of their convolution in the network and by shape, so another class count
costs the outputs alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
import tf_keras

from yolo_tf.config import TransferConfig
from yolo_tf.darknet.weights import read_arrays
from yolo_tf.darknet.weights_layout import Array, layout_of
from yolo_tf.errors import UserError
from yolo_tf.models.blocks import PARTS, conv_layers
from yolo_tf.runs.folder import RunFolder

_INNER = ("backbone", "neck")
# mode -> (parts that are loaded, parts that are frozen)
MODES = {
    "none": ((), ()),
    "backbone": (("backbone",), ()),
    "no_output": (_INNER, ()),
    "fine_tune": (PARTS, ("backbone",)),
    "frozen": (PARTS, _INNER),
    "all": (PARTS, ()),
}
_MOST_REASONS = 6  # convolutions whose reason is printed


@dataclass
class Source:
    """Weights by the number of their convolution: `arrays["conv_012/kernel"]`."""

    name: str
    num_classes: int | None
    arrays: dict[str, np.ndarray]
    others: dict[str, list[np.ndarray]] = field(default_factory=dict)  # by layer; a run's alone


@dataclass
class Row:
    """What became of the convolutions of one part of the network."""

    part: str
    loaded: int = 0
    anew: int = 0
    frozen: int = 0


@dataclass
class Report:
    """What `transfer` did, for the table."""

    source: str
    mode: str
    rows: list[Row]
    reasons: dict[str, str]  # convolution that starts anew -> why
    skipped: int  # convolutions of the source without a use

    def table(self) -> str:
        lines = [f"weights      {self.source}, mode {self.mode}"]
        head = ("part", "convolutions", "loaded", "re-initialised", "frozen")
        lines.append(f"{'':12} {head[0]:<10}" + "".join(f"{name:>16}" for name in head[1:]))
        for row in self.rows:
            counts = (row.loaded + row.anew, row.loaded, row.anew, row.frozen)
            lines.append(f"{'':12} {row.part:<10}" + "".join(f"{count:>16}" for count in counts))
        names = list(self.reasons)
        for name in names[:_MOST_REASONS]:
            lines.append(f"{'':12} {name} re-initialised: {self.reasons[name]}")
        if len(names) > _MOST_REASONS:
            lines.append(f"{'':12} ... and {len(names) - _MOST_REASONS} more")
        if self.skipped:
            lines.append(f"{'':12} {self.skipped} convolutions of the source skipped")
        return "\n".join(lines)


def transfer(
    config: TransferConfig,
    network: tf_keras.Model,
    num_classes: int,
    box_channels: int = 5,
    pretrained: frozenset[str] = frozenset(),
) -> Report | None:
    """Loads what the mode says and fits, and freezes what the mode says.

    Args:
      config: source and mode.
      network: a model of `models.zoo` or `darknet.network`; changed in place.
      num_classes: of the network.
      box_channels: of its outputs, for each anchor, beside the classes.
      pretrained: parts that have weights already; a mode may freeze them without a source.

    Returns:
      What was done; None if no source is named.

    Raises:
      UserError: the mode is unknown, the source is none or damaged, or nothing of it fits.
    """
    loaded_parts, frozen_parts = _mode(config)
    if not config.source:
        if not pretrained.issuperset(frozen_parts):
            raise UserError(
                f"config.transfer.mode={config.mode}: would freeze random weights; name those to"
                " start from: --config.transfer.source=FILE_OR_RUN"
            )
        freeze(config, network)
        return None
    source = None
    if loaded_parts:
        source = read_source(config.source, network, num_classes, box_channels)
    name = source.name if source else f"{config.source} (not read)"
    report = Report(name, config.mode, [Row(part) for part in PARTS], {}, 0)
    rows = {row.part: row for row in report.rows}
    used = set()
    for layer, arrays in _by_convolution(layout_of(network)):
        part = layer.partition("_")[0]
        reason = _reason(arrays, source, part in loaded_parts, num_classes)
        if reason:
            rows[part].anew += 1
            report.reasons[layer] = reason
        else:
            for array in arrays:
                array.variable.assign(source.arrays[array.key])
            rows[part].loaded += 1
            used.add(arrays[0].number)
    for layer in _others(network):
        weights = source.others.get(layer.name) if source else None
        fits = weights and [w.shape for w in weights] == [tuple(w.shape) for w in layer.weights]
        if fits and _part(layer) in loaded_parts:
            layer.set_weights(weights)
    if source:
        report.skipped = len({key.partition("/")[0] for key in source.arrays}) - len(used)
        if not used:
            raise UserError(
                f"config.transfer.source={config.source}: none of its weights fits"
                f" {network.name}: {next(iter(report.reasons.values()))}"
            )
    for part, count in freeze(config, network).items():
        rows[part].frozen = count
    return report


def freeze(config: TransferConfig, network: tf_keras.Model) -> dict[str, int]:
    """Freezes what the mode says; frozen batch norm uses its moving statistics.

    Returns:
      part -> number of convolutions frozen.
    """
    frozen = dict.fromkeys(_mode(config)[1], 0)
    for conv, norm in conv_layers(network):
        part = _part(conv)
        if part in frozen:
            frozen[part] += 1
            for layer in filter(None, (conv, norm)):
                layer.trainable = False
    for layer in _others(network):
        layer.trainable = _part(layer) not in frozen
    return frozen


def unfreeze(network: tf_keras.Model) -> None:
    """All of the network is trained from here on."""
    for layer in network.layers:
        layer.trainable = True


def read_source(
    source: str, network: tf_keras.Model, num_classes: int, box_channels: int
) -> Source:
    """The weights of a `.weights` file (read by the shapes of `network`), a run or a checkpoint.

    Raises:
      UserError: nothing of that kind is there, or it is damaged.
    """
    path = Path(source)
    if path.is_dir():
        return _run_source(path)
    if not path.exists():
        raise UserError(
            f"config.transfer.source={source}: not found; expected a .weights file, a run folder or"
            " one of its checkpoints"
        )
    arrays, _, classes = read_arrays(path, network, num_classes, box_channels=box_channels)
    whole = len(arrays) == len(layout_of(network))
    kind = f"Darknet weights, {classes} classes" if whole else "Darknet weights, first layers"
    return Source(f"{path} ({kind})", classes if whole else None, arrays)


def _run_source(path: Path) -> Source:
    checkpoint = path if (path / "variables.index").exists() else None
    run = RunFolder(path.parent.parent if checkpoint else path)
    if not run.config.exists():
        raise UserError(
            f"config.transfer.source={path}: neither a run folder (config.yaml) nor a checkpoint"
            " inside one"
        )
    detector, _ = run.load_detector(checkpoint)
    arrays = {array.key: array.variable.numpy() for array in layout_of(detector.network)}
    classes = len(detector.class_names)
    others = {layer.name: layer.get_weights() for layer in _others(detector.network)}
    return Source(f"{path} ({detector.network.name}, {classes} classes)", classes, arrays, others)


def _part(layer: tf_keras.layers.Layer) -> str:
    return layer.name.partition("_")[0]


def _others(network: tf_keras.Model) -> list[tf_keras.layers.Layer]:
    """Layers with weights that Darknet does not have, such as SSD's scale of its first level."""
    known = {layer.name for pair in conv_layers(network) for layer in pair if layer}
    return [layer for layer in network.layers if layer.weights and layer.name not in known]


def _mode(config: TransferConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if config.mode not in MODES:
        raise UserError(
            f"config.transfer.mode: found {config.mode!r}, expected one of {', '.join(MODES)}"
        )
    return MODES[config.mode]


def _by_convolution(layout: list[Array]) -> Iterable[tuple[str, list[Array]]]:
    for layer, arrays in groupby(layout, key=lambda array: array.layer):
        yield layer, list(arrays)


def _reason(arrays: list[Array], source: Source | None, wanted: bool, num_classes: int) -> str:
    """Why a convolution is not loaded; empty if it is."""
    if source is None or not wanted:
        return "not asked for by the mode"
    for array in arrays:
        if array.key not in source.arrays:
            return f"the source has no {array.key}"
        there, here = source.arrays[array.key].shape, tuple(array.variable.shape)
        if there != here:
            if array.layer.startswith("output") and source.num_classes not in (None, num_classes):
                return f"{source.num_classes} classes there, {num_classes} here"
            return f"{array.name} has shape {there} there, {here} here"
    return ""
