"""Finds objects in images and videos with a trained run or an export.

  scripts/detect.py --model=runs/cells --input=images --output=found
  scripts/detect.py --model=exports/cells --input='images/*.jpg' --output=found --formats=coco,crops
  scripts/detect.py --model=runs/cells --input=rtsp://camera/1 --output=found --max_frames=1000

--input is an image, a folder of images, a pattern, a text file with a path a line (relative to
it), a video, or several of these with commas; or a camera's number or address. Of images
OUTPUT gets, by --formats:
  drawn  a copy of each with its boxes
  json   detections.json, an entry an image: detection_boxes (ymin, xmin, ymax, xmax, 0 to 1 of
         the image), detection_scores, detection_classes and their names
  coco   coco_results.json as COCO's evaluation reads it, coco_images.json with the ids' meaning
  csv    detections.csv: image, class, score, xmin, ymin, xmax, ymax in pixels; a name that begins
         with = + - @ has a quote in front, so that no spreadsheet runs it
  yolo   labels/NAME.txt: class number, centre x and y, width, height (0 to 1), score
  crops  crops/CLASS/NAME-n.jpg
Of a video or camera it gets NAME.mp4 (drawn) and NAME.jsonl, a line a frame (json). What cannot be
read is reported, the others are still processed, and the exit code is 1.
"""

import sys
import time

from absl import flags

from yolo_tf.cli import common

MODEL = flags.DEFINE_string("model", None, "Run folder, export, or one file of it.")
INPUT = flags.DEFINE_string("input", None, "Images, videos or a camera; see above.")
OUTPUT = flags.DEFINE_string("output", "detections", "Folder for what is written.")
FORMATS = flags.DEFINE_list("formats", "drawn,json", "What is written; see above.")
TRUST = flags.DEFINE_bool(
    "trust", False, "Load a SavedModel of any operations: it may run anything. See docs/export.md."
)
CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which one of a run.")
SCORE_THRESHOLD = flags.DEFINE_float(
    "score_threshold", 0.25, "Detections must score at least this.", 0, 1
)
CLASSES = flags.DEFINE_string("classes", "", "Names of the classes to look for; default: all.")
IOU_THRESHOLD = flags.DEFINE_float(
    "iou_threshold", None, "Boxes of a class that overlap more are one; default: the run's.", 0, 1
)
MAX_DETECTIONS = flags.DEFINE_integer(
    "max_detections", None, "Most detections an image; default: the run's.", lower_bound=1
)
TILE = flags.DEFINE_integer(
    "tile", None, "Pixels: look also at squares of this side in larger images.", lower_bound=32
)
OVERLAP = flags.DEFINE_float("overlap", 0.2, "Share of a tile that the next one covers.", 0, 0.9)
BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 1, "Images or tiles detected together.", lower_bound=1
)
MAX_FRAMES = flags.DEFINE_integer(
    "max_frames", None, "Most frames of a video or camera; default: all.", lower_bound=1
)


def main(argv):
    del argv
    common.require(model=MODEL.value, input=INPUT.value, output=OUTPUT.value, formats=FORMATS.value)
    from pathlib import Path

    import numpy as np

    from yolo_tf.detect.formats import check_formats, make_formats
    from yolo_tf.detect.inputs import find_inputs
    from yolo_tf.detect.results import detect_files, make_finder, wanted_classes
    from yolo_tf.detect.tiles import make_tiled_finder
    from yolo_tf.detect.video import detect_videos, import_opencv, video_names

    images, videos = find_inputs(INPUT.value)
    check_formats(FORMATS.value, videos)
    if videos:
        import_opencv()
    detector = _load_detector()
    classes = wanted_classes(CLASSES.value, detector.class_names)
    output = Path(OUTPUT.value)
    common.make_folder("output", output)
    formats = make_formats(FORMATS.value, output, detector.class_names, images)
    names = video_names(videos, output)
    find = make_finder(detector, SCORE_THRESHOLD.value, classes, BATCH_SIZE.value)
    if TILE.value:
        find = make_tiled_finder(find, TILE.value, OVERLAP.value, detector.nms, BATCH_SIZE.value)
    find([np.zeros((32, 32, 3), np.uint8)])  # the first call takes seconds and tells nothing
    start = time.perf_counter()
    done, problems = detect_files(find, images, formats, BATCH_SIZE.value)
    named = dict(zip(names, videos, strict=True))
    of_videos, more = detect_videos(
        find, named, FORMATS.value, output, BATCH_SIZE.value, MAX_FRAMES.value
    )
    return _report(done, of_videos, time.perf_counter() - start, problems + more)


def _load_detector():
    """The detector with the settings of its suppression."""

    from yolo_tf.errors import UserError
    from yolo_tf.loading import load

    detector = load(MODEL.value, CHECKPOINT.value, TRUST.value)
    given = [flag for flag in (IOU_THRESHOLD, MAX_DETECTIONS) if flag.value is not None]
    if given and detector.fixed_nms:
        raise UserError(
            f"--{given[0].name}: {MODEL.value} has its suppression inside; give this flag to"
            " scripts/export.py, or the run folder as --model"
        )
    for flag in given:
        setattr(detector.nms, flag.name, flag.value)
    return detector


def _report(images, frames, seconds: float, problems: list[str]) -> int:
    """Prints the counts (images, objects) and the problems; returns the exit code."""
    both = (images.images, "image"), (frames.images, "frame")
    counts = [_count(*one) for one in both if one[0]] or ["0 images"]
    found = _count(images.objects + frames.objects, "object")
    print(
        f"{found} in {' and '.join(counts)}; written to"
        f" {OUTPUT.value}; {(images.images + frames.images) / seconds:.1f} images/s"
    )
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
