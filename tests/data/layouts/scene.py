"""Four images with six boxes, which every layout of these tests writes in its own way."""

from dataclasses import dataclass
from pathlib import Path

from tests.data.folders import picture

NAMES = ["fox", "grey wolf"]


@dataclass(frozen=True)
class Shot:
    """One image: stem of its file, its size and its boxes (class name, corners in pixels)."""

    stem: str
    width: int
    height: int
    boxes: tuple[tuple[str, tuple[int, int, int, int]], ...]
    split: str = "train"

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
        seed = sum(map(ord, self.stem))
        path.write_bytes(picture(self.height, self.width, kind=kind, seed=seed))
        return path


SHOTS = (
    Shot("w0", 96, 64, (("fox", (8, 6, 40, 34)), ("grey wolf", (50, 20, 90, 60)))),
    Shot("w1", 64, 96, (("grey wolf", (10, 12, 44, 80)),)),
    Shot("w2", 80, 60, (("fox", (30, 10, 72, 50)), ("fox", (4, 30, 24, 56)))),
    Shot("w3", 96, 72, (("fox", (20, 18, 60, 66)),), "val"),
)


def write(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def images(root: Path, pattern: str = "images/{stem}.jpg", shots=SHOTS) -> None:
    for shot in shots:
        shot.write(root / pattern.format(stem=shot.stem, split=shot.split))


def of(split: str) -> tuple[Shot, ...]:
    return tuple(shot for shot in SHOTS if shot.split == split)


def boxes_of(sample, names) -> list:
    """(class name, corners rounded to pixels) of a sample, as `Shot.boxes` has them."""
    scale = [sample.height, sample.width] * 2
    rows = (sample.boxes * scale).round().astype(int).tolist()
    found = zip(sample.classes.tolist(), rows, strict=True)
    return sorted((names[c], (x1, y1, x2, y2)) for c, (y1, x1, y2, x2) in found)
