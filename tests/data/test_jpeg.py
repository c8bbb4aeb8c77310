import io
import random

import pytest
import tensorflow as tf
from PIL import Image

from tests.data.folders import picture
from yolo_tf.data.images import DECODE_ERRORS, check_jpeg

KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 3},
    "no subsampling": {"subsampling": 0},
    "optimised": {"optimize": True, "quality": 30},
    "with a comment": {"comment": b"\xff\xd9 no end \xff\xda"},
}


def photo(mode="RGB", **settings) -> bytes:
    """Smooth, as images are: noise would fill the file with pixels alone."""
    pixels = Image.open(io.BytesIO(picture(6, 8, kind="PNG"))).resize((80, 60))
    buffer = io.BytesIO()
    pixels.convert(mode).save(buffer, "JPEG", **settings)
    return buffer.getvalue()


IMAGES = [photo(**settings) for settings in KINDS.values()] + [photo("L")]


def passes(check, data) -> bool:
    try:
        check(data)
    except (*DECODE_ERRORS, tf.errors.InvalidArgumentError):
        return False
    return True


def decoded_by_pillow(data):
    Image.open(io.BytesIO(data)).load()


@pytest.mark.parametrize("data", IMAGES)
def test_whole_images_pass_and_cut_ones_fail(data):
    check_jpeg(data)
    check_jpeg(data + b"more after the end")
    for length in (*range(2, 30), len(data) // 2, len(data) - 3, len(data) - 2, len(data) - 1):
        assert not passes(check_jpeg, data[:length])


@pytest.mark.parametrize("seed", range(6))
def test_what_passes_can_be_decoded(seed):
    """It refuses all that TensorFlow or Pillow does, and beyond that only what has no end."""
    rng = random.Random(seed)
    counts = {True: 0, False: 0}
    for _ in range(100):
        data = rng.choice(IMAGES)
        for _ in range(rng.randint(1, 3)):
            data = spoiled(data, rng)
        found = passes(check_jpeg, data)
        counts[found] += 1
        if found:
            decoded_by_pillow(data)
            tf.io.decode_image(data, channels=3, expand_animations=False)
        elif b"\xff\xd9" in data[2:]:
            assert not passes(tf.io.decode_image, data) or not passes(decoded_by_pillow, data)
    assert min(counts.values()) > 15


def spoiled(data, rng) -> bytes:
    """One of the ways in which files go wrong."""
    if len(data) < 10:
        return data
    at, size = rng.randrange(len(data)), rng.randrange(1, 300)
    header = rng.randrange(min(600, len(data)))
    byte = bytes([rng.randrange(256)])
    return rng.choice(
        [
            data[:at],
            data[:at] + b"\xff\xd9",
            data[:at] + byte + data[at + 1 :],
            data[:header] + byte + data[header + 1 :],
            data[:at] + b"\xff" + byte + data[at + 2 :],
            data[:at] + bytes(size) + data[at:],
            data[:at] + data[at + size :],
            data[:at] + bytes(len(data) - at),
        ]
    )
