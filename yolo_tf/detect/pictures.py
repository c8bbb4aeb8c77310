"""Images from the disk to files that tell what was found in them."""

from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from yolo_tf.detect.formats import DetectionFormat
from yolo_tf.detect.inputs import read_image
from yolo_tf.detect.results import DetectionCounts, find_in_batches
from yolo_tf.errors import UserError


def detect_files(
    find, paths: list[Path], formats: Iterable[DetectionFormat], batch_size: int = 1
) -> tuple[DetectionCounts, list[str]]:
    """Looks for objects in images and hands what it finds to the formats.

    Args:
      find: see `results.make_finder`.
      paths: the images; the formats know them by their number.
      formats: made for these images.
      batch_size: images detected together; does not change what is found.

    Returns:
      The images that could be read, counted, and a line for each that could not.
    """
    counts, problems = DetectionCounts(), []

    def images(progress):
        for number, path in enumerate(progress):
            try:
                yield number, read_image(path)
            except UserError as error:
                problems.append(str(error))

    with tqdm(paths, unit="image", disable=None if paths else True) as progress:
        for number, result in find_in_batches(find, images(progress), batch_size):
            for one in formats:
                one.add(number, result)
            counts.add(result)
    for one in formats:
        one.finish()
    return counts, problems
