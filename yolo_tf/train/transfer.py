"""Training from weights that exist: which are loaded, which start anew, which stay as they are.

Weights come from a Darknet `.weights` file, published ones by their name, a run folder or one of
its checkpoints. They are matched by the number of their convolution in the network and by shape;
in the outputs, the channels of a class by its name (`class_channels`), so another class list costs
the channels of new classes alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
import tf_keras

from yolo_tf.config import TransferConfig
from yolo_tf.darknet import published
from yolo_tf.darknet.weights import read_arrays
from yolo_tf.darknet.weights_layout import Array, layout_of
from yolo_tf.data.records.label_map import read_names
from yolo_tf.detector.detector import Detector
from yolo_tf.errors import UserError, check_choice
from yolo_tf.models.blocks import PARTS, conv_layers
from yolo_tf.models.zoo import MODELS
from yolo_tf.runs.folder import RunFolder
from yolo_tf.runs.recipe_files import run_of
from yolo_tf.train.class_channels import ByName, Outputs

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
class SourceWeights:
    """Weights by the number of their convolution: `arrays["conv_012/kernel"]`."""

    name: str
    outputs: Outputs | None  # None: the source ends before them
    arrays: dict[str, np.ndarray]
    others: dict[str, list[np.ndarray]] = field(default_factory=dict)  # by layer; a run's alone


@dataclass
class TransferRow:
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
    rows: list[TransferRow]
    reasons: dict[str, str]  # convolution that starts anew -> why
    skipped: int  # convolutions of the source without a use
    classes: list[str] = field(default_factory=list)  # which were loaded, in lines

    def table(self) -> str:
        lines = [f"weights      {self.source}, mode {self.mode}"]
        head = ("part", "convolutions", "loaded", "re-initialised", "frozen")
        lines.append(f"{'':12} {head[0]:<10}" + "".join(f"{name:>16}" for name in head[1:]))
        for row in self.rows:
            counts = (row.loaded + row.anew, row.loaded, row.anew, row.frozen)
            lines.append(f"{'':12} {row.part:<10}" + "".join(f"{count:>16}" for count in counts))
        lines += [f"{'':12} {line}" for line in self.classes]
        names = list(self.reasons)
        for name in names[:_MOST_REASONS]:
            lines.append(f"{'':12} {name} re-initialised: {self.reasons[name]}")
        if len(names) > _MOST_REASONS:
            lines.append(f"{'':12} ... and {len(names) - _MOST_REASONS} more")
        if self.skipped:
            lines.append(f"{'':12} {self.skipped} convolutions of the source skipped")
        return "\n".join(lines)


def transfer(
    config: TransferConfig, detector: Detector, pretrained: frozenset[str] = frozenset()
) -> Report | None:
    """Loads what the mode says and fits, and freezes what the mode says.

    Args:
      config: source and mode.
      detector: its network, of `models.zoo` or `darknet.network`, is changed in place.
      pretrained: parts that have weights already; a mode may freeze them without a source.

    Returns:
      What was done; None if no source is named.

    Raises:
      UserError: the mode is unknown, the source is none or damaged, or nothing of it fits.
    """
    if isinstance(pretrained, int):  # called as before: network, number of classes
        detector, pretrained = Detector.of(detector), frozenset()
    loaded_parts, frozen_parts = _mode(config)
    if not config.source:
        if not pretrained.issuperset(frozen_parts):
            raise UserError(
                f"config.transfer.mode={config.mode}: would freeze random weights; name those to"
                " start from: --config.transfer.source=FILE_OR_RUN"
            )
        freeze(config, detector.network)
        return None
    network = detector.network
    source = read_source(config.source, detector) if loaded_parts else None
    name = source.name if source else f"{config.source} (not read)"
    report = Report(name, config.mode, [TransferRow(part) for part in PARTS], {}, 0)
    used = _load_convolutions(source, detector, loaded_parts, report)
    for layer in _others(network):
        weights = source.others.get(layer.name) if source else None
        fits = weights and [w.shape for w in weights] == [tuple(w.shape) for w in layer.weights]
        if fits and _part(layer) in loaded_parts:
            layer.set_weights(weights)
    if source:
        report.skipped = len({key.partition("/")[0] for key in source.arrays}) - used
        if not used:
            raise UserError(
                f"config.transfer.source={config.source}: none of its weights fits"
                f" {network.name}: {next(iter(report.reasons.values()))}"
            )
    frozen = freeze(config, network)
    for row in report.rows:
        row.frozen = frozen.get(row.part, 0)
    return report


def _load_convolutions(
    source: SourceWeights | None, detector: Detector, parts: tuple[str, ...], report: Report
) -> int:
    """Loads those of some parts that fit, and tells the report; returns how many."""
    rows, used = {row.part: row for row in report.rows}, 0
    by_name = _by_name(source, detector)
    for layer, arrays in _by_convolution(layout_of(detector.network)):
        part = layer.partition("_")[0]
        channels, reason = None, _reason(arrays, source, part in parts)
        if not reason and by_name and layer in by_name.here.classes:
            channels, reason = by_name.source_of(layer)
        reason = reason or _misfit(arrays, source, channels)
        if reason:
            rows[part].anew += 1
            report.reasons[layer] = reason
            continue
        for array in arrays:
            _load(array.variable, source.arrays[array.key], channels)
        if channels is not None:
            report.classes = by_name.lines()
        rows[part].loaded += 1
        used += 1
    return used


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


def read_source(source: str, detector: Detector) -> SourceWeights:
    """The weights of a `.weights` file (read by the shapes of `detector`), a run or a checkpoint.

    A name of `darknet.published` is the file that was published under it. The names of a file's
    classes are those of NAME.names beside NAME.weights.

    Raises:
      UserError: nothing of that kind is there, it is damaged, or the names are of another number.
    """
    network, head = detector.network, detector.head
    path = Path(published.resolve(source, network.name, MODELS))
    if path.is_dir():
        return _run_source(path)
    arrays, _, classes = read_arrays(
        path, network, head.num_classes, box_channels=head.box_channels
    )
    if len(arrays) < len(layout_of(network)):
        return SourceWeights(f"{path} (Darknet weights, first layers)", None, arrays)
    outputs = Outputs.of_file(detector, classes, _names_beside(path, classes))
    return SourceWeights(f"{path} (Darknet weights, {classes} classes)", outputs, arrays)


def _names_beside(path: Path, classes: int) -> list[str] | None:
    beside = path.with_suffix(".names")
    if not beside.exists():
        return None
    names = read_names(beside)
    if len(names) != classes:
        raise UserError(
            f"{beside}: found {len(names)} names, expected {classes}, one for each class of"
            f" {path.name}; mend it, or move it away to do without names"
        )
    return names


def _run_source(path: Path) -> SourceWeights:
    run = run_of(path, "config.transfer.source")
    detector, _ = RunFolder(run).load_detector(path if path != run else None)
    arrays = {array.key: array.variable.numpy() for array in layout_of(detector.network)}
    network, classes = detector.network, len(detector.class_names)
    others = {layer.name: layer.get_weights() for layer in _others(network)}
    outputs = Outputs.of(detector)
    return SourceWeights(f"{path} ({network.name}, {classes} classes)", outputs, arrays, others)


def _by_name(source: SourceWeights | None, detector: Detector) -> ByName | None:
    if source is None or source.outputs is None:
        return None
    return ByName(source.outputs, Outputs.of(detector))


def _load(variable, values: np.ndarray, channels: np.ndarray | None) -> None:
    """All of a variable; or of its last axis the `channels` of `values`, -1: as they are."""
    if channels is not None:
        known, taken = channels >= 0, values
        values = variable.numpy()
        values[..., known] = taken[..., channels[known]]
    variable.assign(values)


def _part(layer: tf_keras.layers.Layer) -> str:
    return layer.name.partition("_")[0]


def _others(network: tf_keras.Model) -> list[tf_keras.layers.Layer]:
    """Layers with weights that Darknet does not have, such as SSD's scale of its first level."""
    known = {layer.name for pair in conv_layers(network) for layer in pair if layer}
    return [layer for layer in network.layers if layer.weights and layer.name not in known]


def _mode(config: TransferConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    check_choice("config.transfer.mode", config.mode, MODES)
    return MODES[config.mode]


def _by_convolution(layout: list[Array]) -> Iterable[tuple[str, list[Array]]]:
    for layer, arrays in groupby(layout, key=lambda array: array.layer):
        yield layer, list(arrays)


def _reason(arrays: list[Array], source: SourceWeights | None, wanted: bool) -> str:
    """Why a convolution is not loaded, whatever its shape; empty if it is."""
    if source is None or not wanted:
        return "not asked for by the mode"
    missing = [array.key for array in arrays if array.key not in source.arrays]
    return f"the source has no {missing[0]}" if missing else ""


def _misfit(arrays: list[Array], source: SourceWeights, channels: np.ndarray | None) -> str:
    """Which of a convolution's arrays has another shape in the source; empty if none."""
    for array in arrays:
        there, here = source.arrays[array.key].shape, tuple(array.variable.shape)
        if there != here and (channels is None or there[:-1] != here[:-1]):
            return f"{array.name} has shape {there} there, {here} here"
    return ""
