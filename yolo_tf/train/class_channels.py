"""Outputs of two class lists: the channels of a class find each other by its name."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from yolo_tf.detector.detector import Detector
from yolo_tf.models.blocks import output_layers

_MOST_NAMES = 6  # printed of a list


@dataclass(frozen=True)
class Outputs:
    """The last convolutions of a network's levels, and what their channels are of."""

    num_classes: int
    names: list[str] | None  # of the classes, in order; None: not known
    # name of a convolution -> [channels] int, the class of each channel; -1: of no class
    classes: dict[str, np.ndarray]

    @classmethod
    def of(cls, detector: Detector) -> "Outputs":
        """Those of a detector."""
        network, head, classes = detector.network, detector.head, {}
        for stride in head.strides:
            convs = output_layers(network, stride)
            ends = np.cumsum([conv.filters for conv in convs])
            parts = np.split(head.channel_classes(stride), ends[:-1])
            classes |= {conv.name: part for conv, part in zip(convs, parts, strict=True)}
        return cls(head.num_classes, list(detector.class_names), classes)

    @classmethod
    def of_file(cls, detector: Detector, num_classes: int, names: list[str] | None) -> "Outputs":
        """Those of a Darknet file of this detector's network, but for its class count.

        Args:
          detector: whose levels each end in one convolution.
          num_classes: in the file.
          names: of these, None: not known.
        """
        network, head = detector.network, detector.head
        there = type(head)(head.config, num_classes, head.input_size)
        convs = {stride: output_layers(network, stride)[0].name for stride in head.strides}
        classes = {name: there.channel_classes(stride) for stride, name in convs.items()}
        return cls(num_classes, names, classes)


@dataclass(frozen=True)
class ByName:
    """How the outputs of `there` go into those of `here`."""

    there: Outputs
    here: Outputs

    @property
    def common(self) -> list[str]:
        """The classes that both have, in the order of `here`."""
        known = set(self._names_there())
        return [name for name in self.here.names if name in known]

    def source_of(self, layer: str) -> tuple[np.ndarray, str]:
        """Where the channels of a convolution come from.

        Returns:
          [channels] int, the channel of `there` that a channel gets, -1: it begins anew; and why
          all of them begin anew, "" if they do not.
        """
        here = self.here.classes[layer]
        anew = np.full(len(here), -1)
        if layer not in self.there.classes:
            return anew, "no output in the source"
        there = self.there.classes[layer]
        rest_there, rest_here = np.flatnonzero(there < 0), np.flatnonzero(here < 0)
        of_there = np.flatnonzero(there >= 0).reshape(-1, self.there.num_classes)
        of_here = np.flatnonzero(here >= 0).reshape(-1, self.here.num_classes)
        if len(rest_there) != len(rest_here) or len(of_there) != len(of_here):
            return anew, f"{len(there)} channels of another kind there, {len(here)} here"
        if len(of_here) and not self.common:
            return anew, self._nothing_common()
        place = {name: index for index, name in enumerate(self._names_there())}
        source = anew.copy()
        source[rest_here] = rest_there
        for index, name in enumerate(self.here.names):
            if name in place:
                source[of_here[:, index]] = of_there[:, place[name]]
        return source, ""

    def lines(self) -> list[str]:
        """What becomes of the classes, for people."""
        here = self.here.names
        if self.there.names is None:
            if not self.common:
                return []
            return [
                f"classes: the source does not name its {len(here)}: taken in their order, as"
                f" {listed(here)}"
            ]
        common = self.common
        new = [name for name in here if name not in common]
        unused = [name for name in self.there.names if name not in common]
        if not new and not unused:
            same = "in the same order" if here == self.there.names else "in another order"
            return [f"classes: all {len(here)} loaded by name, {same} there"]
        lists = (
            ("loaded by name", common),
            ("re-initialised", new),
            ("of the source, without a use", unused),
        )
        return [f"classes {what} ({len(names)}): {listed(names)}" for what, names in lists if names]

    def _names_there(self) -> list[str]:
        if self.there.names is not None:
            return self.there.names
        # Nobody says what they are: as many must be the same ones.
        return self.here.names if self.there.num_classes == self.here.num_classes else []

    def _nothing_common(self) -> str:
        there, here = self.there, self.here
        if there.names is None:
            return f"{there.num_classes} classes there, {here.num_classes} here"
        return f"no class in common: {listed(there.names)} there, {listed(here.names)} here"


def listed(names: Iterable[str]) -> str:
    """The first names of a list."""
    names = list(names)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
