"""What was found in one photo."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from yolo_tf.visualize.draw import draw_detections

_SHOWN = 5  # objects that `str` names


@dataclass(frozen=True, repr=False, eq=False)
class Detections:
    """Detections in one photo, by falling score.

    Attributes:
      photo: [H, W, 3] uint8 RGB.
      boxes: [N, 4] yxyx, 0 to 1 of the photo.
      scores: [N] 0 to 1.
      classes: [N] int, from 0.
      class_names: name of each class, in order.
    """

    photo: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    class_names: list[str]

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, rows) -> "Detections":
        """Some of them: by a slice, a mask [N], indices or one index."""
        rows = np.atleast_1d(rows) if not isinstance(rows, slice) else rows
        columns = (self.boxes[rows], self.scores[rows], self.classes[rows])
        return Detections(self.photo, *columns, self.class_names)

    def __repr__(self) -> str:
        height, width = self.photo.shape[:2]
        pairs = zip(self.names[:_SHOWN], self.scores, strict=False)
        shown = ", ".join(f"{name} {score:.2f}" for name, score in pairs)
        more = ", ..." if len(self) > _SHOWN else ""
        objects = f"{len(self)} object" + ("" if len(self) == 1 else "s")
        return f"<{objects} in a photo of {width}x{height}{': ' if shown else ''}{shown}{more}>"

    @property
    def names(self) -> list[str]:
        """[N] class names."""
        return [self.class_names[number] for number in self.classes]

    def pixels(self) -> np.ndarray:
        """[N, 4] float yxyx in pixels of the photo."""
        return self.boxes.astype(float) * (self.photo.shape[:2] * 2)

    def draw(self) -> Image.Image:
        """The photo with boxes, classes and scores, as a Pillow image."""
        columns = self.boxes, self.classes, self.scores
        return Image.fromarray(draw_detections(self.photo, *columns, self.class_names))

    def to_dict(self) -> dict:
        """What JSON can hold; boxes are yxyx, 0 to 1 of the photo."""
        height, width = self.photo.shape[:2]
        return {
            "height": height,
            "width": width,
            "num_detections": len(self),
            "detection_boxes": np.round(self.boxes.astype(float), 6).tolist(),
            "detection_scores": np.round(self.scores.astype(float), 6).tolist(),
            "detection_classes": self.classes.tolist(),
            "detection_class_names": self.names,
        }

    def to_coco(self, image_id: int, category_ids: list[int] | None = None) -> list[dict]:
        """Entries of a COCO results file.

        Args:
          image_id: COCO's number of the photo.
          category_ids: COCO's number of each class, in order; None: classes count from 1.

        Returns:
          An entry a detection: image_id, category_id, bbox (x, y, width, height in pixels), score.
        """
        ids = category_ids or range(1, len(self.class_names) + 1)
        entries = []
        for (top, left, bottom, right), score, number in zip(
            self.pixels().tolist(), self.scores.tolist(), self.classes.tolist(), strict=True
        ):
            bbox = [round(value, 3) for value in (left, top, right - left, bottom - top)]
            entries.append(
                {
                    "image_id": image_id,
                    "category_id": ids[number],
                    "bbox": bbox,
                    "score": round(score, 6),
                }
            )
        return entries
