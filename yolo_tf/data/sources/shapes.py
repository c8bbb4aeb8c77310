"""Synthetic data set: five kinds of coloured shapes on noisy, cluttered backgrounds.

Made for demonstrations and tests: it needs no download, its boxes are exact, and a small network
learns it within minutes on a CPU. An image depends on seed, split name and number alone.
"""

import io
import math
import zlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from yolo_tf.data.checks import BadRecord, Issue
from yolo_tf.data.sample import Sample
from yolo_tf.data.sources.base import Options, RawBox, RawRecord, make_sample
from yolo_tf.errors import UserError

CLASSES = ("circle", "cross", "square", "star", "triangle")
EMPTY_SHARE = 0.05  # of the images, without any object
MAX_OBJECTS = 5
SIDES = (0.15, 0.45)  # diameter of a shape, as a share of the shorter image side
TILT = math.radians(20)  # largest turn from upright, either way
MAX_COVERED = 0.15  # of the smaller of two boxes, by their intersection
_FINE = 4  # drawn at this many times the size, then reduced: smooth edges, sub-pixel places


class ShapesSource:
    """Draws each image when it is read."""

    def __init__(self, options: Options):
        self.options = options
        height, width = options.size
        if not (32 <= height <= 2048 and 32 <= width <= 2048):
            raise UserError(f"size: found {height},{width}, expected 32 to 2048 pixels a side")
        if options.images < 1:
            raise UserError(f"images: found {options.images}, expected at least 1")
        if options.seed < 0:
            raise UserError(f"seed: found {options.seed}, expected 0 or more")
        self._split, self._seed = options.split, options.seed
        self._count, self._size = options.images, (height, width)
        self.class_names = list(options.class_names or CLASSES)
        self.issues: list[Issue] = []

    def files(self) -> list[str]:
        return []

    def ids(self) -> list[str]:
        return [f"{self._split}-{i:06d}" for i in range(self._count)]

    def read(self, source_id: str) -> tuple[Sample, list[Issue]]:
        position = source_id.removeprefix(f"{self._split}-")
        if not position.isdecimal() or int(position) >= self._count:
            raise BadRecord(source_id, "shapes", "id", repr(source_id), "an id of ids()")
        rng = np.random.default_rng([self._seed, zlib.crc32(self._split.encode()), int(position)])
        image, objects = draw_image(rng, *self._size)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=92)
        boxes = [
            RawBox(name, box, f"object {n}", str(box)) for n, (name, box) in enumerate(objects)
        ]
        name = f"{source_id}.jpg"
        raw = RawRecord(source_id, "shapes", name, buffer.getvalue(), self._size, boxes)
        return make_sample(raw, self.class_names)


def draw_image(rng: np.random.Generator, height: int, width: int):
    """One image: (PIL image, [(class name, (xmin, ymin, xmax, ymax) in pixels)])."""
    image = _background(rng, height, width)
    count = 0 if rng.random() < EMPTY_SHARE else int(rng.integers(1, MAX_OBJECTS + 1))
    objects = []
    for _ in range(count):
        name = CLASSES[rng.integers(len(CLASSES))]
        placed = _place(rng, name, height, width, [box for _, box in objects])
        if placed is not None:
            points, box = placed
            _draw(rng, image, points)
            objects.append((name, box))
    noise = rng.normal(0.0, rng.uniform(2.0, 10.0), (height, width, 3))
    pixels = np.clip(np.asarray(image, np.float64) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels), objects


def outline(name: str, angle: float) -> np.ndarray:
    """Corner points [P, 2] (x, y) of a class, within the unit circle, turned by `angle` radians."""
    if name == "cross":
        arm, width = 0.95, 0.3
        corner = [(arm, -width), (arm, width), (width, width)]
        points = [_turn(p, k * math.pi / 2) for k in range(4) for p in corner]
    else:
        count = {"circle": 64, "square": 4, "star": 10, "triangle": 3}[name]
        radii = [1.0 if name != "star" or i % 2 == 0 else 0.42 for i in range(count)]
        first = math.pi / 4 if name == "square" else -math.pi / 2  # upright at angle 0
        points = [
            _turn((radius, 0.0), 2 * math.pi * i / count + first) for i, radius in enumerate(radii)
        ]
    return np.asarray([_turn(p, angle) for p in points])


def _turn(point, angle):
    x, y = point
    sin, cos = math.sin(angle), math.cos(angle)
    return x * cos - y * sin, x * sin + y * cos


def _place(rng, name, height, width, others):
    """(points, box) of a shape that lies inside the image and leaves the others visible."""
    for _ in range(30):
        side = rng.uniform(*SIDES) * min(height, width)
        stretch = rng.uniform(0.75, 1.0)
        points = outline(name, rng.uniform(-TILT, TILT)) * side / 2
        points = points * ((stretch, 1.0) if rng.random() < 0.5 else (1.0, stretch))
        low, high = points.min(axis=0), points.max(axis=0)
        points = points + rng.uniform(1 - low, np.array([width, height]) - 1 - high)
        box = tuple(float(v) for v in (*points.min(axis=0), *points.max(axis=0)))
        if all(_covered(box, other) <= MAX_COVERED for other in others):
            return points, box
    return None


def _covered(a, b) -> float:
    """Intersection over the area of the smaller box."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / smaller


def _draw(rng, image, points):
    """Fills the shape with a colour that stands out from what is behind it."""
    low, high = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
    size = tuple(int(v) for v in high - low)
    mask = Image.new("L", (size[0] * _FINE, size[1] * _FINE))
    ImageDraw.Draw(mask).polygon([tuple(p) for p in (points - low) * _FINE - 0.5], fill=255)
    mask = mask.resize(size, Image.Resampling.BOX)
    weight = np.asarray(mask, np.float64)[..., None]
    region = (*low.tolist(), *high.tolist())
    behind = (np.asarray(image.crop(region)) * weight).sum(axis=(0, 1)) / max(weight.sum(), 1.0)
    colour = rng.uniform(0, 255, 3)
    for _ in range(20):
        if np.abs(colour - behind).max() >= 90:
            break
        colour = rng.uniform(0, 255, 3)
    image.paste(tuple(int(v) for v in colour), region, mask)


def _background(rng, height, width):
    """Soft blotches of two colours, a gradient, and clutter: thin lines and small dots."""
    base, other = rng.uniform(30, 225, 3), rng.uniform(30, 225, 3)
    cells = rng.uniform(0, 255, (rng.integers(2, 9), rng.integers(2, 9))).astype(np.uint8)
    blotches = Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)
    ramp = (
        np.linspace(0, 1, width)[None] if rng.random() < 0.5 else np.linspace(0, 1, height)[:, None]
    )
    mix = 0.6 * np.asarray(blotches, np.float64) / 255 + 0.4 * ramp
    pixels = base + (other - base) * rng.uniform(0.1, 0.8) * mix[..., None]
    image = Image.fromarray(pixels.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 12)):
        colour = tuple(int(v) for v in rng.uniform(0, 255, 3))
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        if rng.random() < 0.6:
            end = rng.uniform(0, width), rng.uniform(0, height)
            draw.line([(x, y), end], fill=colour, width=int(rng.integers(1, 3)))
        else:
            radius = rng.uniform(0.5, 2.5)
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.0, 1.2))))
