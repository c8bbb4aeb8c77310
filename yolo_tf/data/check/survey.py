"""All images of a split, read once: from readings to a `Split` with its findings."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from yolo_tf.data.anchors import reachable
from yolo_tf.data.check.album import Album
from yolo_tf.data.check.boxes import double_boxes
from yolo_tf.data.check.encoder import Encoder
from yolo_tf.data.check.facts import Facts, Finding, Reading
from yolo_tf.data.check.split import Split
from yolo_tf.data.window import boxes_to_input, photo_window


class Input(NamedTuple):
    """How photos come to the network; of a recipe."""

    size: tuple[int, int]  # (height, width) pixels
    resize: str  # a key of `ops.resize.RESIZES`
    min_size: float  # pixels; smaller boxes are noted
    anchors: np.ndarray | None  # [A, 2] (width, height) pixels; None: there are none


def survey(
    split: Split,
    readings: Iterable[Reading],
    class_names: list[str],
    network_input: Input,
    encoder: Encoder,
    album: Album,
) -> Split:
    """Fills `split` with all readings; the pictures worth showing go into `album`."""
    for facts, findings in readings:
        if facts is None:
            split.unusable += sum(finding.kind == "unusable_image" for finding in findings)
            split.findings.add(findings)
            continue
        window = photo_window(
            (facts.print.height, facts.print.width), network_input.size, network_input.resize
        )
        boxes = boxes_to_input(facts.boxes, window)
        wh = ((boxes[:, 2:] - boxes[:, :2]) * np.array(network_input.size))[:, ::-1]
        findings = [*findings, *_remarks(facts, wh, class_names, network_input)]
        split.findings.add(findings)
        split.add(facts, wh)
        album.add(facts, findings)
        encoder.add(split, facts, boxes)
    encoder.flush()
    return split


def _remarks(facts: Facts, wh, class_names: list[str], network_input: Input) -> list[Finding]:
    found = double_boxes(facts, class_names)
    if not len(facts.classes):
        found.append(facts.find("unlabelled_image", "no usable box"))
    small = wh.min(axis=1, initial=np.inf) < network_input.min_size
    poor = np.zeros_like(small)
    if network_input.anchors is not None:
        poor = ~reachable(wh, network_input.anchors) & ~facts.crowd
    for kind, wanted in (("crowd_box", facts.crowd), ("small_box", small), ("poor_anchor", poor)):
        for n in np.flatnonzero(wanted):
            text = f"{class_names[facts.classes[n]]} at {facts.pixels(facts.boxes[n])}"
            if kind != "crowd_box":
                text += f", {wh[n, 0]:.1f} x {wh[n, 1]:.1f} input pixels"
            found.append(facts.find_box(kind, text, n))
    return found
