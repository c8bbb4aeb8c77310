"""The files that tell what was found; a class a format.

Each is given one image after the other with `add` and writes what tells of all of them in
`finish`. Every file is whole or not there.
"""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np

from yolo_tf.detect.detections import Detections
from yolo_tf.errors import UserError, unknown_name
from yolo_tf.files import csv_text, write_lines, write_text
from yolo_tf.visualize.draw import write_image


class DetectionFormat:
    """One kind of output.

    Args:
      output: an existing folder.
      paths: all images.
      class_names: name of each class.

    Raises:
      UserError: one of the images would be overwritten, or labels that lie beside them.
    """

    def __init__(self, output: Path, paths: list[Path], class_names: list[str]):
        self.output, self.paths, self.class_names = output, paths, class_names

    def add(self, number: int, result: Detections) -> None:
        """Takes in the result of `paths[number]`."""
        raise NotImplementedError

    def finish(self) -> None:
        """Called once, after the last image."""


class Drawn(DetectionFormat):
    """A copy of each image with its boxes."""

    def __init__(self, *args):
        super().__init__(*args)
        self.names = drawn_names(self.paths)
        images = {path.resolve() for path in self.paths}
        for name in self.names:
            if (self.output / name).resolve() in images:
                raise UserError(
                    f"--output={self.output}: would overwrite the image {self.output / name};"
                    " name another folder"
                )

    def add(self, number, result):
        write_image(self.output / self.names[number], np.asarray(result.draw()))


class Json(DetectionFormat):
    """detections.json: an entry an image; boxes yxyx, 0 to 1 of the image.

    `drawn` tells whether drawn copies are written too, whose names the entries then have.
    """

    def __init__(self, *args, drawn: bool):
        super().__init__(*args)
        self.names = drawn_names(self.paths) if drawn else None
        self.entries = []

    def add(self, number, result):
        drawn = {"drawn": self.names[number]} if self.names else {}
        entry = {"image": str(self.paths[number])} | drawn | result.to_dict()
        self.entries.append(entry)

    def finish(self):
        write_text(self.output / "detections.json", json.dumps(self.entries, indent=1) + "\n")


class Coco(DetectionFormat):
    """coco_results.json, as COCO's evaluation reads it, and coco_images.json, what its ids mean.

    Images whose names are numbers, as COCO's are, have these as ids; otherwise images count
    from 1, as classes do.
    """

    def __init__(self, *args):
        super().__init__(*args)
        stems = [path.stem for path in self.paths]
        # int() of "١" would be 1 too.
        ids = [int(stem) for stem in stems if stem.isascii() and stem.isdigit()]
        numbered = len(set(ids)) == len(stems)
        self.ids = ids if numbered else list(range(1, len(stems) + 1))
        self.images, self.rows = [], []

    def add(self, number, result):
        height, width = result.image.shape[:2]
        image = {"id": self.ids[number], "file_name": str(self.paths[number])}
        self.images.append({**image, "height": height, "width": width})
        self.rows += result.to_coco(self.ids[number])

    def finish(self):
        categories = [{"id": n, "name": name} for n, name in enumerate(self.class_names, 1)]
        meaning = {"images": self.images, "categories": categories}
        write_text(self.output / "coco_images.json", json.dumps(meaning, indent=1) + "\n")
        write_text(self.output / "coco_results.json", json.dumps(self.rows, indent=1) + "\n")


class Csv(DetectionFormat):
    """detections.csv: image, class, score, xmin, ymin, xmax, ymax in pixels; a row a detection.

    Of a path or name that a spreadsheet would run as a formula see `files.csv_text`.
    """

    def __init__(self, *args):
        super().__init__(*args)
        self.text = io.StringIO()
        self.writer = csv.writer(self.text, lineterminator="\n")
        self.writer.writerow(("image", "class", "score", "xmin", "ymin", "xmax", "ymax"))

    def add(self, number, result):
        for one in result:
            ymin, xmin, ymax, xmax = (f"{value:.2f}" for value in one.pixels)
            texts = csv_text(self.paths[number]), csv_text(one.class_name)
            self.writer.writerow((*texts, f"{one.score:.6f}", xmin, ymin, xmax, ymax))

    def finish(self):
        write_text(self.output / "detections.csv", self.text.getvalue())


class Yolo(DetectionFormat):
    """labels/NAME.txt: class, centre x, centre y, width, height (0 to 1), score; a line each."""

    def __init__(self, *args):
        super().__init__(*args)
        self.folder = self.output / "labels"
        self.names = _unique([path.stem for path in self.paths])
        if not any(self.output.resolve() in path.resolve().parents for path in self.paths):
            return
        # The images' own labels would lie there: YOLO data sets have images/ and labels/.
        for name in self.names:
            if (self.folder / f"{name}.txt").exists():
                raise UserError(
                    f"--output={self.output}: would overwrite {self.folder / name}.txt, which may"
                    " be the true labels of the images; name another folder"
                )

    def add(self, number, result):
        ymin, xmin, ymax, xmax = result.boxes.astype(float).T
        columns = ((xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin, result.scores)
        lines = [
            " ".join([str(label), *(f"{value:.6f}" for value in values)])
            for label, values in zip(result.classes, np.stack(columns, axis=-1), strict=True)
        ]
        self.folder.mkdir(exist_ok=True)
        write_lines(self.folder / f"{self.names[number]}.txt", lines)


class Crops(DetectionFormat):
    """crops/CLASS/NAME-n.jpg: what each box holds."""

    def __init__(self, *args):
        super().__init__(*args)
        self.folder = self.output / "crops"
        self.names = _unique([path.stem for path in self.paths])
        for path in self.paths:
            if self.folder.resolve() in path.resolve().parents:
                raise UserError(
                    f"--output={self.output}: might overwrite the image {path}; name another folder"
                )

    def add(self, number, result):
        height, width = result.image.shape[:2]
        for n, (box, label) in enumerate(zip(result.pixels(), result.classes, strict=True), 1):
            # All pixels that the box touches, at least one.
            top, left = min(int(box[0]), height - 1), min(int(box[1]), width - 1)
            bottom, right = max(top + 1, int(np.ceil(box[2]))), max(left + 1, int(np.ceil(box[3])))
            folder = self.folder / _folder_name(self.class_names[label])
            folder.mkdir(parents=True, exist_ok=True)
            crop = np.ascontiguousarray(result.image[top:bottom, left:right])
            write_image(folder / f"{self.names[number]}-{n}.jpg", crop)


FORMATS = {"drawn": Drawn, "json": Json, "coco": Coco, "csv": Csv, "yolo": Yolo, "crops": Crops}


_OF_VIDEOS = ("drawn", "json")


def check_formats(names: list[str], videos: list[str]) -> None:
    """Raises `UserError` for a name that is no format, or one that a video cannot have."""
    for name in names:
        if name not in FORMATS:
            raise UserError(f"--formats: {unknown_name(name, FORMATS)}")
        if videos and name not in _OF_VIDEOS:
            raise UserError(
                f"--formats={name}: the input {videos[0]} is a video, which can have"
                f" {' and '.join(_OF_VIDEOS)}"
            )


def make_formats(
    names: list[str], output: Path, class_names: list[str], paths: list[Path]
) -> list[DetectionFormat]:
    """The formats of some names (keys of `FORMATS`) for some images; see `DetectionFormat`."""
    formats = []
    for name in dict.fromkeys(names) if paths else ():
        more = {"drawn": "drawn" in names} if name == "json" else {}
        formats.append(FORMATS[name](output, paths, class_names, **more))
    return formats


def drawn_names(paths: list[Path]) -> list[str]:
    """A JPEG or PNG name for each image; images of one name get a number."""
    endings = (".jpg", ".jpeg", ".png")
    kinds = [p.suffix.lower() if p.suffix.lower() in endings else ".png" for p in paths]
    return _unique([path.stem for path in paths], kinds)


def _unique(stems: list[str], endings: list[str] | None = None) -> list[str]:
    names, taken = [], set()
    for stem, ending in zip(stems, endings or [""] * len(stems), strict=True):
        name, number = stem + ending, 2
        while name in taken:
            name, number = f"{stem}-{number}{ending}", number + 1
        taken.add(name)
        names.append(name)
    return names


def _folder_name(class_name: str) -> str:
    """A class's name as that of a folder: "a/b" and ".." are none."""
    return re.sub(r"[^\w .+-]", "_", class_name).strip(" .") or "_"
