"""Pictures from the disk to drawn pictures and a list of detections."""

import glob
import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from yolo_tf.data.pictures import read_picture
from yolo_tf.errors import UserError
from yolo_tf.files import write_text
from yolo_tf.visualize.draw import draw_detections, write_picture

_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def find_pictures(pattern: str) -> list[Path]:
    """The pictures that a path, a folder or a pattern names, in order.

    Raises:
      UserError: there is none.
    """
    path = Path(pattern)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in _ENDINGS]
        expected = f"no picture ({', '.join(_ENDINGS)}) in this folder"
    else:
        found = [Path(p) for p in glob.glob(pattern, recursive=True) if Path(p).is_file()]
        expected = "no such file or folder, and no file matches it as a pattern"
    if not found:
        raise UserError(f"--input={pattern}: {expected}")
    return sorted(found)


def detect_pictures(
    detector, paths: list[Path], output: Path, score_threshold: float
) -> tuple[list[dict], list[str]]:
    """Draws what the detector finds and writes OUTPUT/detections.json.

    Args:
      detector: see `yolo_tf.load`.
      paths: the pictures.
      output: an existing folder.
      score_threshold: detections below are left out.

    Returns:
      An entry for each picture, as in the file, and a line for each that could not be read.

    Raises:
      UserError: a drawn copy would overwrite one of the pictures.
    """
    names = _output_names(paths)
    pictures = {path.resolve() for path in paths}
    for name in names:
        if (output / name).resolve() in pictures:
            raise UserError(
                f"--output={output}: would overwrite the picture {output / name}; name another"
                " folder"
            )
    results, problems = [], []
    for path, name in zip(tqdm(paths, unit="picture", disable=None), names, strict=True):
        try:
            photo = read_picture(path)
        except UserError as error:
            problems.append(str(error))
            continue
        found = {key: value[0] for key, value in detector.detect(photo).items()}
        kept = (found["detection_scores"] >= score_threshold) & (found["detection_classes"] >= 0)
        boxes, scores, classes = (
            found[f"detection_{key}"][kept] for key in ("boxes", "scores", "classes")
        )
        drawn = draw_detections(photo, boxes, classes, scores, detector.class_names)
        write_picture(output / name, drawn)
        results.append(
            {
                "image": str(path),
                "drawn": name,
                "height": photo.shape[0],
                "width": photo.shape[1],
                "num_detections": int(kept.sum()),
                "detection_boxes": np.round(boxes.astype(float), 6).tolist(),
                "detection_scores": np.round(scores.astype(float), 6).tolist(),
                "detection_classes": classes.tolist(),
                "detection_class_names": [detector.class_names[c] for c in classes],
            }
        )
    write_text(output / "detections.json", json.dumps(results, indent=1) + "\n")
    return results, problems


def _output_names(paths: list[Path]) -> list[str]:
    """A JPEG or PNG name for each picture; pictures of one name get a number."""
    names, taken = [], set()
    for path in paths:
        ending = path.suffix.lower() if path.suffix.lower() in (".jpg", ".jpeg", ".png") else ".png"
        name, number = path.stem + ending, 2
        while name in taken:
            name, number = f"{path.stem}-{number}{ending}", number + 1
        taken.add(name)
        names.append(name)
    return names
