"""What was found in one image."""

import io
import itertools
import numbers
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from yolo_tf.errors import UserError, unknown_name
from yolo_tf.text_files import MAX_CLASSES
from yolo_tf.visualize.draw import draw_detections

_NAMED = 10  # objects that the text form names


class Detection(NamedTuple):
    """One object.

    Attributes:
      class_name, label: its class and the number of it, from 0.
      score: 0 to 1.
      box: (ymin, xmin, ymax, xmax), 0 to 1 of the image.
      pixels: the same in pixels of the image, float.
    """

    class_name: str
    label: int
    score: float
    box: tuple[float, float, float, float]
    pixels: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False, repr=False)
class Detections:
    """The objects found in one image, by falling score.

    `len(found)` counts them, a loop gives each as a `Detection`, as does `found[0]`; a slice or a
    mask (`found[:3]`, `found[found.scores > 0.5]`) gives the `Detections` that it picks.

    Attributes:
      image: [H, W, 3] uint8 RGB, upright.
      boxes: [N, 4] float32 yxyx, 0 to 1 of the image.
      scores: [N] float32, 0 to 1.
      classes: [N] int, from 0.
      class_names: name of each class that the detector knows.
    """

    image: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    class_names: Sequence[str]

    @property
    def photo(self) -> np.ndarray:
        """`image`, by its former name."""
        return self.image

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, which) -> "Detection | Detections":
        if isinstance(which, (int, np.integer)):
            label = int(self.classes[which])
            boxes = (self.boxes[which].tolist(), self.pixels()[which].tolist())
            return Detection(
                self.class_names[label], label, float(self.scores[which]), *map(tuple, boxes)
            )
        parts = {name: getattr(self, name)[which] for name in ("boxes", "scores", "classes")}
        return replace(self, **parts)

    def __iter__(self) -> Iterator[Detection]:
        return (self[n] for n in range(len(self)))

    def __repr__(self) -> str:
        if not len(self):
            return "no objects"
        named = [f"{one.class_name} {one.score:.2f}" for one in self[:_NAMED]]
        more = [f"{len(self) - _NAMED} more"] if len(self) > _NAMED else []
        plural = "s" if len(self) > 1 else ""
        return f"{len(self)} object{plural}: {', '.join(named + more)}"

    def pixels(self) -> np.ndarray:
        """[N, 4] float yxyx in pixels of the image."""
        return self.boxes.astype(float) * (self.image.shape[:2] * 2)

    def only(self, score_threshold: float = 0.0, classes: Sequence[str] | None = None):
        """Those that score at least this and are of one of the named classes; None: of any.

        Raises:
          UserError: a name is no class of the detector, or the threshold is not 0 to 1.
        """
        check_threshold(score_threshold)
        kept = self.scores >= score_threshold
        classes = known_classes(classes, self.class_names)
        if classes is not None:
            kept &= np.isin(self.classes, [self.class_names.index(name) for name in classes])
        return self[kept]

    def draw(self) -> Image.Image:
        """A copy of the image with boxes, class names and scores; a notebook shows it as it is."""
        return Image.fromarray(
            draw_detections(self.image, self.boxes, self.classes, self.scores, self.class_names)
        )

    def _repr_png_(self) -> bytes:
        """The drawn image, for notebooks."""
        file = io.BytesIO()
        self.draw().save(file, "PNG")
        return file.getvalue()

    def to_supervision(self):
        """The same as a `supervision.Detections`, for its trackers, zones and annotators.

        Raises:
          UserError: supervision is not installed.
        """
        try:
            import supervision
        except ImportError:
            raise UserError("to_supervision: needs supervision: pip install supervision") from None
        names = np.array([self.class_names[label] for label in self.classes], dtype=np.str_)
        return supervision.Detections(
            xyxy=self.pixels()[:, [1, 0, 3, 2]].astype(np.float32),
            confidence=self.scores.astype(np.float32),
            class_id=self.classes.astype(int),
            data={"class_name": names},
        )

    def to_dict(self) -> dict:
        """Numbers, texts and lists alone, for JSON; boxes are yxyx, 0 to 1 of the image."""
        return {
            "height": self.image.shape[0],
            "width": self.image.shape[1],
            "num_detections": len(self),
            "detection_boxes": np.round(self.boxes.astype(float), 6).tolist(),
            "detection_scores": np.round(self.scores.astype(float), 6).tolist(),
            "detection_classes": self.classes.tolist(),
            "detection_class_names": [self.class_names[c] for c in self.classes],
        }

    def to_coco(self, image_id: int, category_ids: Sequence[int] | None = None) -> list[dict]:
        """COCO's results, an entry an object; "bbox" is x, y, width, height in pixels.

        Args:
          image_id: what the entries say.
          category_ids: id of each class; default: classes count from 1.
        """
        ids = range(1, len(self.class_names) + 1) if category_ids is None else category_ids
        return [
            {
                "image_id": image_id,
                "category_id": int(ids[label]),
                "bbox": [round(float(v), 3) for v in (xmin, ymin, xmax - xmin, ymax - ymin)],
                "score": round(float(score), 6),
            }
            for (ymin, xmin, ymax, xmax), score, label in zip(
                self.pixels(), self.scores, self.classes, strict=True
            )
        ]


def check_threshold(score_threshold) -> None:
    """Raises `UserError` unless a threshold is a number from 0 to 1."""
    is_number = isinstance(score_threshold, numbers.Real) and not isinstance(score_threshold, bool)
    if not is_number or not 0 <= score_threshold <= 1:  # NaN is not
        raise UserError(
            f"score_threshold: found {score_threshold!r:.60}, expected a number from 0 to 1"
        )


def known_classes(classes, class_names: Sequence[str]) -> list[str] | None:
    """The names that an iterable gives, read once; None for None.

    Raises:
      UserError: it is a text or no iterable, it is empty, or a name is no class.
    """
    if classes is None:
        return None
    if isinstance(classes, (str, bytes)) or not isinstance(classes, Iterable):
        kind = "the text" if isinstance(classes, str) else type(classes).__name__
        raise UserError(f"classes: found {kind} {classes!r:.60}, expected a list of names")
    names = list(itertools.islice(classes, MAX_CLASSES + 1))
    if not names:
        raise UserError("classes: found no name, expected at least one; None looks for all classes")
    for name in names:
        if name not in class_names:
            raise UserError(f"classes: {unknown_name(name, class_names)}")
    return names
