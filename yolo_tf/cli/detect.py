"""Finds objects in pictures with a trained run or an exported SavedModel.

  scripts/detect.py --model=runs/cells --input=photos --output=found
  scripts/detect.py --model=exports/cells --input='photos/*.jpg' --output=found

--input is a picture, a folder of pictures or a pattern. OUTPUT gets a drawn copy of each picture
and detections.json, a list with one entry a picture: detection_boxes (ymin, xmin, ymax, xmax, 0 to
1 of the picture), detection_scores, detection_classes and their names. A picture that cannot be
read is reported, the rest goes on, and the exit code is 1.
"""

import sys

from absl import flags

from yolo_tf.cli import common

MODEL = flags.DEFINE_string("model", None, "Run folder or exported SavedModel.")
INPUT = flags.DEFINE_string("input", None, "Picture, folder or pattern.")
OUTPUT = flags.DEFINE_string("output", None, "Folder for the drawn pictures and detections.json.")
CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which one of a run.")
SCORE_THRESHOLD = flags.DEFINE_float(
    "score_threshold", 0.25, "Detections must score at least this.", 0, 1
)


def main(argv):
    del argv
    common.require(model=MODEL.value, input=INPUT.value, output=OUTPUT.value)
    from pathlib import Path

    from yolo_tf.detect import detect_pictures, find_pictures
    from yolo_tf.loading import load

    paths = find_pictures(INPUT.value)
    detector = load(MODEL.value, CHECKPOINT.value)
    output = Path(OUTPUT.value)
    common.make_folder("output", output)
    results, problems = detect_pictures(detector, paths, output, SCORE_THRESHOLD.value)
    objects = sum(result["num_detections"] for result in results)
    print(f"{objects} objects in {len(results)} pictures; written to {output}")
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
