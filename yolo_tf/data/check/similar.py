"""Pictures that look alike among many, without comparing each with each.

The hash is the difference hash: a bit for every two neighbours in a row of the tiny grey copy,
set where the right one is brighter (N. Krawetz 2013). It survives another size, another JPEG
quality and small changes of colour. Hashes that differ in at most 3 of 64 bits agree in one of
four parts of 16 bits, so only pictures with an equal part are compared.
"""

from collections.abc import Iterator

import numpy as np

MAX_BITS = 3
MAX_DIFFERENCE = 3.0  # mean absolute difference of the grey copies, 0..255, without their means
MIN_CONTRAST = 4.0  # standard deviation; below, a picture is plain and looks like every other
_NEIGHBOURS = 64  # pictures with an equal part that each is compared with, at most


def similar(grey: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (later, earlier) of pictures that look alike, the earliest for each later one.

    Args:
      grey: [N, rows, cols] uint8, the copies of `fingerprint`.
    """
    if len(grey) < 2:
        return []
    values = grey.astype(np.float32)
    values -= values.mean(axis=(1, 2), keepdims=True)
    usable = values.std(axis=(1, 2)) >= MIN_CONTRAST
    bits = np.packbits((grey[:, :, 1:] > grey[:, :, :-1]).reshape(len(grey), -1), axis=1)
    earliest = {}
    for later, earlier in _candidates(bits, usable):
        apart = np.unpackbits(bits[later] ^ bits[earlier], axis=1).sum(axis=1)
        difference = np.abs(values[later] - values[earlier]).mean(axis=(1, 2))
        alike = (apart <= MAX_BITS) & (difference <= MAX_DIFFERENCE)
        for a, b in zip(later[alike].tolist(), earlier[alike].tolist(), strict=True):
            earliest[a] = min(b, earliest.get(a, b))
    return sorted(earliest.items())


def _candidates(bits: np.ndarray, usable: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of indices (later, earlier), many at a time; some more than once."""
    rows = np.flatnonzero(usable)
    for part in np.ascontiguousarray(bits[rows]).view(np.uint16).T:
        order = np.argsort(part, kind="stable")
        keys, members = part[order], rows[order]
        for distance in range(1, min(_NEIGHBOURS, len(rows) - 1) + 1):
            equal = keys[distance:] == keys[:-distance]
            if not equal.any():
                break
            yield members[distance:][equal], members[:-distance][equal]
