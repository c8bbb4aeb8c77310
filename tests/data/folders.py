"""Tiny VOC and COCO folders for tests."""

import io
import json
import zlib

import numpy as np
from PIL import Image

from yolo_tf.data.sources.base import Options

NAMES = ["cat", "dog"]


def picture(height=40, width=60, mode="RGB", kind="JPEG", seed=0) -> bytes:
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    buffer = io.BytesIO()
    Image.frombytes(mode, (width, height), pixels.tobytes()).save(buffer, kind)
    return buffer.getvalue()


def giant_png(height, width) -> bytes:
    """A PNG of a few bytes whose header promises that many pixels."""
    header = picture(1, 1, "L", "PNG")
    at = header.index(b"IHDR")
    fields = width.to_bytes(4, "big") + height.to_bytes(4, "big") + header[at + 12 : at + 17]
    crc = zlib.crc32(b"IHDR" + fields).to_bytes(4, "big")
    return header[: at + 4] + fields + crc + header[at + 21 :]


def voc_object(name="cat", corners=(10, 5, 30, 25), extra="") -> str:
    box = "".join(
        f"<{key}>{value}</{key}>"
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    )
    return f"<object><name>{name}</name>{extra}<bndbox>{box}</bndbox></object>"


def voc_xml(source_id, objects="", size=(40, 60), filename=None) -> str:
    filename = f"{source_id}.jpg" if filename is None else filename
    return (
        f"<annotation><filename>{filename}</filename>"
        f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"
        f"{objects}</annotation>"
    )


def write_voc(root, count=5, split="train"):
    """Images "a0", "a1", ...; image i has i % 3 boxes, "cat" then "dog"."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    ids = [f"a{i}" for i in range(count)]
    for i, source_id in enumerate(ids):
        objects = "".join(voc_object(name) for name in NAMES[: i % 3])
        (root / f"Annotations/{source_id}.xml").write_text(voc_xml(source_id, objects))
        (root / f"JPEGImages/{source_id}.jpg").write_bytes(picture(seed=i))
    (root / f"ImageSets/Main/{split}.txt").write_text("\n".join(ids) + "\n")
    return root


def voc_options(root, split="train", **kwargs):
    return Options(split=split, input=str(root), **kwargs)


def coco_content():
    """Two images, three boxes; the category ids are sparse and out of order."""
    box = {"image_id": 7, "category_id": 18, "bbox": [10, 5, 20, 20], "iscrowd": 0, "area": 250.5}
    return {
        "images": [
            {"id": 7, "file_name": "7.jpg", "height": 40, "width": 60},
            {"id": 3, "file_name": "3.png", "height": 30, "width": 20},
        ],
        "annotations": [
            {**box, "id": 1},
            {**box, "id": 2, "category_id": 5, "bbox": [0, 0, 60.0, 40.0], "iscrowd": 1},
            {**box, "id": 3, "category_id": 5, "bbox": [1.5, 2.5, 3, 4]},
        ],
        "categories": [{"id": 18, "name": "dog"}, {"id": 5, "name": "cat"}],
    }


def write_coco(root, content=None, split="train2017", images="images/train2017"):
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / images).mkdir(parents=True, exist_ok=True)
    (root / images / "7.jpg").write_bytes(picture())
    (root / images / "3.png").write_bytes(picture(30, 20, "L", "PNG"))
    text = json.dumps(coco_content() if content is None else content)
    (root / f"annotations/instances_{split}.json").write_text(text)
    return root


def check_message(error) -> None:
    """An error that a user sees is one line that says what was found."""
    text = str(error)
    assert "\n" not in text
    assert "found" in text or "not readable" in text
