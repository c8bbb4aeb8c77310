"""Anchors of a recipe fitted to the boxes of records, and a recipe file that has them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yolo_tf.analysis.kmeans import UPDATES, fit_anchors
from yolo_tf.config import Anchors, Config, SsdHeadConfig, YoloHeadConfig
from yolo_tf.data.records import anchors as quality
from yolo_tf.data.records.bad_records import readable_errors
from yolo_tf.data.records.open_records import Records
from yolo_tf.data.records.statistics import record_statistics
from yolo_tf.errors import UserError
from yolo_tf.files import write_text


@dataclass(frozen=True)
class Fit:
    """What was fitted, and how well old and new anchors fit."""

    wh: np.ndarray  # [N, 2] float32 (width, height) of the boxes, input pixels
    empty: int  # boxes without area, not used
    old: dict[int, Anchors]
    new: dict[int, Anchors]  # stride -> (width, height) input pixels, by ascending area

    def figures(self, anchors: dict[int, Anchors]) -> dict[str, float]:
        """Average best IoU, best possible recall, and the share of boxes with IoU 0.5 or more."""
        sizes = flat(anchors)
        overlap = quality.best_iou(self.wh, sizes)
        return {
            "average best IoU": float(overlap.mean()),
            "best possible recall": quality.bpr(self.wh, sizes),
            "best IoU from 0.5 on": float((overlap >= 0.5).mean()),
        }


def flat(anchors: dict[int, Anchors]) -> np.ndarray:
    """[A, 2] of all levels, the finest first."""
    return np.concatenate([np.asarray(anchors[s], np.float64) for s in sorted(anchors)])


def fit(config: Config, pattern: str, seed: int = 0, restarts: int = 10, updates=UPDATES) -> Fit:
    """Fits as many anchors as the recipe has, at its input size and resize.

    They are spread over its strides by area, the smallest to the finest, each stride getting as
    many as it had. Crowd boxes are left out, as in training.

    Args:
      pattern: of TFRecord shards; their classes do not matter.
      seed, restarts, updates: of `fit_anchors`.

    Raises:
      UserError: the recipe has no anchors, or there are too few boxes.
    """
    old = _anchors(config)
    records = Records.unchecked(pattern)  # classes change no size
    with readable_errors(records):
        found = record_statistics(
            records, config.input_size, config.data.max_boxes, config.data.resize, progress=True
        )
    usable = (found.wh > 0).all(axis=1)
    wh, count = found.wh[usable], len(flat(old))
    print(f"{pattern}: {found.images:,} images, {found.boxes:,} boxes, {len(wh):,} to fit")
    distinct = len(np.unique(wh, axis=0))
    if distinct < count:
        raise UserError(
            f"{pattern}: found {len(wh)} boxes of {distinct} sizes, expected at least {count}"
            f" sizes for {count} anchors"
        )
    sizes = np.round(fit_anchors(wh, count, seed, restarts, updates, progress=True), 1)
    new, start = {}, 0
    for stride in sorted(old):
        rows = sizes[start : start + len(old[stride])]
        new[stride] = tuple((float(w), float(h)) for w, h in rows)
        start += len(rows)
    return Fit(wh, int((~usable).sum()), old, new)


def _anchors(config: Config) -> dict[int, Anchors]:
    head = config.head
    if isinstance(head, SsdHeadConfig):
        raise UserError(
            "config.head: found SsdHeadConfig, whose priors follow from scales and aspect ratios;"
            " expected a recipe with a list of anchors (YoloHeadConfig)"
        )
    if not isinstance(head, YoloHeadConfig):
        raise UserError(
            f"config.head: found {type(head).__name__}, which has no anchors to fit; expected a"
            " recipe with YoloHeadConfig"
        )
    if not head.anchors:
        raise UserError(
            "config.head.anchors is empty: expected a recipe with anchors; for a Darknet cfg give"
            " --config.model.cfg=FILE"
        )
    return dict(head.anchors)


def clusters(found: Fit) -> np.ndarray:
    """[N] int: the new anchor, counted over all levels, that each box overlaps most."""
    return quality.best_anchor(found.wh, flat(found.new))


def write_recipe(path: Path, found: Fit, config: Config, base: str, pattern: str, seed: int):
    """Writes a recipe: `base` (name or path) with these anchors and the input they are for."""
    height, width = config.input_size
    before, after = found.figures(found.old), found.figures(found.new)
    table = "".join(f"#   {key:<22}{before[key]:.4f} -> {after[key]:.4f}\n" for key in before)
    cfg_import = cfg_line = ""
    if config.model.cfg:
        cfg = str(Path(config.model.cfg).resolve())
        cfg_import = "from yolo_tf.darknet.recipe import apply_cfg\n"
        cfg_line = f"    apply_cfg(config, {cfg!r})\n"
    write_text(
        path,
        f'"""A recipe with anchors from fit_anchors: scripts/train.py --config=THIS_FILE."""\n'
        f"\n"
        f"from yolo_tf.config.recipes import find_recipe, load_recipe\n"
        f"from yolo_tf.config import Config\n"
        f"{cfg_import}"
        f"\n"
        f"# {len(found.wh)} boxes of {pattern!r}, seed {seed}. Before -> now:\n"
        f"{table}"
        f"ANCHORS = {{  # stride: (width, height) pixels at {width} x {height}\n"
        + "".join(f"    {stride}: {sizes},\n" for stride, sizes in found.new.items())
        + f"}}\n"
        f"\n"
        f"\n"
        f"def get_config() -> Config:\n"
        f"    config = load_recipe(find_recipe({base!r}))\n"
        f"{cfg_line}"
        f"    config.input_size = {tuple(config.input_size)}\n"
        f"    config.data.resize = {config.data.resize!r}\n"
        f"    config.head.anchors = ANCHORS\n"
        f"    return config\n",
    )
