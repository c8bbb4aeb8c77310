"""What a training prints before its first step: most failed trainings are visible here."""

import numpy as np

from yolo_tf.config import Config
from yolo_tf.darknet import published
from yolo_tf.data.records import anchors as anchor_quality
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.statistics import Statistics, record_statistics
from yolo_tf.errors import UserError

_FEW_IMAGES = 2000  # below this random weights cost much of what could be reached
_POOR_RECALL = 0.98  # below this some boxes have no anchor that fits


def read_statistics(config: Config, records: dict[str, Records]) -> dict[str, Statistics]:
    """Counts of each split, by its name.

    Raises:
      UserError: a split has no records, or training has no boxes at all.
    """
    data, found = config.data, {}
    for split, opened in records.items():
        found[split] = record_statistics(opened, config.input_size, data.max_boxes, data.resize)
        if found[split].images == 0 or found[split].boxes == 0:
            count = f"{found[split].images} images and {found[split].boxes} boxes"
            raise UserError(
                f"config.data.{split}={opened.pattern}: {count}, expected at least one of each"
            )
    return found


def print_overview(config: Config, detector, statistics: dict[str, Statistics], workdir) -> None:
    """Data paths, class table, anchor recall and parameters."""
    print(f"run folder   {workdir}")
    for split, counts in statistics.items():
        pattern = getattr(config.data, split)
        print(f"{split:<12} {pattern}: {counts.images} images, {counts.boxes} boxes")
        _print_remarks(counts, config.data.max_boxes)
    _print_classes(detector.class_names, statistics)
    _print_anchors(detector.head.anchor_sizes(), statistics["train"])
    network = detector.network
    trained = _count(network.trainable_weights)
    frozen = _count(weight for weight in network.weights if weight.trainable) - trained
    others = network.count_params() - trained - frozen
    print(
        f"network      {config.model.name}, input {config.input_size[0]}x{config.input_size[1]}"
        f" (height x width), {network.count_params():,} parameters: {trained:,} trained,"
        f" {frozen:,} frozen, {others:,} statistics of batch norm"
    )


def print_random_start(config: Config, statistics: dict[str, Statistics]) -> None:
    """Says where weights to start from would help: with few images."""
    images, model = statistics["train"].images, config.model
    if images >= _FEW_IMAGES or (model.backbone and model.backbone_weights != "none"):
        return
    fitting = [weights.name for weights in published.for_network(model.name)]
    how = f"--weights={fitting[0]}" if fitting else "--weights=NAME, a .weights file or a run"
    print(
        f"weights      random; {images} images are few to learn from alone, trained weights help"
        f" much: {how} (yolo-tf weights lists names)"
    )


def _count(weights) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


def _print_remarks(counts: Statistics, max_boxes: int) -> None:
    if counts.images_without_boxes:
        print(f"{'':12} {counts.images_without_boxes} images without boxes")
    if counts.crowd_boxes:
        print(f"{'':12} {counts.crowd_boxes} crowd boxes, not trained and ignored in scoring")
    if counts.images_over_max_boxes:
        print(
            f"{'':12} warning: {counts.images_over_max_boxes} images have more than"
            f" {max_boxes} boxes (up to {counts.most_boxes}); training leaves out the rest:"
            f" raise config.data.max_boxes"
        )


def _print_classes(names: list[str], statistics: dict[str, Statistics]) -> None:
    width = max(12, *(len(name) for name in names))
    print("class".ljust(width + 4) + "".join(f"{split + ' boxes':>14}" for split in statistics))
    for index, name in enumerate(names):
        counts = "".join(f"{s.boxes_per_class[index]:>14,}" for s in statistics.values())
        missing = (
            "  (no box to learn from)" if not statistics["train"].boxes_per_class[index] else ""
        )
        print(f"{index:>3} {name.ljust(width)}{counts}{missing}")


def _print_anchors(sizes: np.ndarray | None, counts: Statistics) -> None:
    if sizes is None:  # a head without anchors
        return
    recall = anchor_quality.bpr(counts.wh, sizes)
    overlap = anchor_quality.avg_best_iou(counts.wh, sizes)
    print(
        f"anchors      {len(sizes)}, best possible recall {recall:.4f}, mean best IoU {overlap:.3f}"
    )
    if recall < _POOR_RECALL:
        print(
            f"{'':12} warning: {1 - recall:.1%} of the boxes are more than 4 times larger or"
            " smaller than every anchor; others, set in config.head, would fit better"
        )
