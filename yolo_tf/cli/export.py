"""Writes a trained run as a SavedModel: photos in, detections out.

  scripts/export.py --model=runs/cells --output=exports/cells

Resizing and non-maximum suppression are inside. Signature "serving_default" takes `images`
(uint8, [batch, height, width, 3], any size), "encoded" takes `encoded_images` (JPEG or PNG bytes).
Both return detection_boxes (ymin, xmin, ymax, xmax, 0 to 1 of the original image),
detection_scores, detection_classes and num_detections. The recipe and the class names lie in
assets.extra. Before the folder gets its name the export is loaded again and compared with the
model; a difference refuses it.
"""

from absl import flags

from yolo_tf.cli import common

MODEL = flags.DEFINE_string("model", None, "Run folder.")
OUTPUT = flags.DEFINE_string("output", None, "Folder of the SavedModel; an older one is replaced.")
CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which one of the run.")
SCORE_THRESHOLD = flags.DEFINE_float(
    "score_threshold", None, "Detections must score more; default: the run's, for evaluation.", 0, 1
)
IOU_THRESHOLD = flags.DEFINE_float(
    "iou_threshold", None, "Boxes of a class that overlap more are one; default: the run's.", 0, 1
)
MAX_DETECTIONS = flags.DEFINE_integer(
    "max_detections", None, "Most detections an image; default: the run's.", lower_bound=1
)


def main(argv):
    del argv
    common.require(model=MODEL.value, output=OUTPUT.value)
    from pathlib import Path

    from yolo_tf.export.saved_model import export
    from yolo_tf.loading import load_run

    detector, config = load_run(MODEL.value, CHECKPOINT.value)
    for flag in (SCORE_THRESHOLD, IOU_THRESHOLD, MAX_DETECTIONS):
        if flag.value is not None:
            setattr(config.nms, flag.name, flag.value)
    detector.nms = config.nms
    output = Path(OUTPUT.value)
    common.make_folder("output", output.parent)
    export(detector, config, output)
    print(f"SavedModel written to {output}; it detects as the run does")


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
