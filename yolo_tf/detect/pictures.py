"""Pictures from the disk to files that tell what was found in them."""

from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from yolo_tf.detect.formats import Format
from yolo_tf.detect.inputs import read_picture
from yolo_tf.detect.results import Counts, find_in_batches
from yolo_tf.errors import UserError


def detect_pictures(
    find, paths: list[Path], formats: Iterable[Format], batch_size: int = 1
) -> tuple[Counts, list[str]]:
    """Looks for objects in pictures and hands what it finds to the formats.

    Args:
      find: see `results.make_finder`.
      paths: the pictures; the formats know them by their number.
      formats: made for these pictures.
      batch_size: pictures detected together; does not change what is found.

    Returns:
      The pictures that could be read, counted, and a line for each that could not.
    """
    counts, problems = Counts(), []

    def photos(progress):
        for number, path in enumerate(progress):
            try:
                yield number, read_picture(path)
            except UserError as error:
                problems.append(str(error))

    with tqdm(paths, unit="picture", disable=None if paths else True) as progress:
        for number, result in find_in_batches(find, photos(progress), batch_size):
            for one in formats:
                one.add(number, result)
            counts.add(result)
    for one in formats:
        one.finish()
    return counts, problems
