"""Writes a trained run in the formats that programs and devices run, and checks each of them.

  scripts/export.py --model=runs/cells --output=exports/cells --data='records/cells-val*'
  scripts/export.py --model=runs/cells --output=exports/phone --formats=tflite,tflite_int8 \\
      --data='records/cells-val*' --calibration='records/cells-train*' --score_threshold=0.25

  saved_model            SavedModel in float32: images or JPEG bytes in, detections out; resizing
                         and non-maximum suppression inside. For TensorFlow Serving and Python.
  saved_model_bfloat16   the same in bfloat16: faster on CPUs with AVX512-BF16 or AMX, GPUs, TPUs.
  tflite                 TensorFlow Lite in float32: one resized image in, detections out.
  tflite_float16         its weights in float16: half the size.
  tflite_int8            its weights and activations in 8 bits, with ranges from --calibration.
  onnx                   ONNX, any batch of resized images in, detections out; needs yolo_tf[onnx].
  darknet                cfg, weights and names, for Darknet and OpenCV.
  keras                  weights for the network that config.yaml builds.

OUTPUT gets a file or folder for each, config.yaml and classes.txt, and export.md, the table that is
printed: each format is run again on images of --data and compared with the model. A format is
refused, and the command ends with 1, when AP50 falls by more than 0.001 (float32), 0.005 (bfloat16,
float16) or 0.03 (int8), or a detection in float32 moves by more than rounding. docs/export.md tells
what goes in and out.
"""

import sys

from absl import flags

from yolo_tf.cli import common
from yolo_tf.errors import UserError
from yolo_tf.export.names import FORMAT_NAMES
from yolo_tf.files import shown

MODEL = flags.DEFINE_string("model", None, "Run folder, or NAME.weights beside its cfg and names.")
OUTPUT = flags.DEFINE_string("output", None, "Folder of the export; an older one is replaced.")
FORMATS = flags.DEFINE_list("formats", ["saved_model"], "Formats, commas between; or all.")
CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which one of the run.")
DATA = flags.DEFINE_string(
    "data",
    None,
    "Records with boxes for the check; default: the run's validation data, where they still are.",
)
CALIBRATION = flags.DEFINE_string(
    "calibration", None, "tflite_int8: records; default: the run's training data, then --data."
)
MAX_IMAGES = flags.DEFINE_integer(
    "max_images", 500, "Images for the check, and at most 100 for int8.", lower_bound=1
)
NMS = flags.DEFINE_bool(
    "nms", True, "TFLite, ONNX: suppression inside; --nonms gives all boxes and their scores."
)
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
    formats = _formats()
    from dataclasses import replace
    from pathlib import Path

    from yolo_tf.export.export import calibration_images, export_model, found_records, table
    from yolo_tf.loading import load_trained

    output = Path(OUTPUT.value)
    common.make_parent("output", output.parent / "file")
    if output.is_file():
        raise UserError(f"--output={shown(output)}: cannot be written: a file is there")
    trained = load_trained(MODEL.value, CHECKPOINT.value)
    for flag in (SCORE_THRESHOLD, IOU_THRESHOLD, MAX_DETECTIONS):
        if flag.value is not None:
            setattr(trained.config.nms, flag.name, flag.value)
    trained.detector.nms = trained.config.nms
    data = DATA.value or found_records(trained.config.data.val)
    calibration = CALIBRATION.value or found_records(trained.config.data.train) or data
    images = calibration and calibration_images(trained, calibration)
    trained = replace(trained, nms=NMS.value, calibration=images or None)
    rows, ap50 = export_model(trained, output, formats, data, MAX_IMAGES.value)
    print(table(rows, ap50))
    if not data:
        print("no records with boxes: AP50 was not compared (--data)")
    problems = [row for row in rows if row.problem]
    for row in problems:
        print(f"error: {row.format} refused: {row.problem}", file=sys.stderr)
    print(f"written to {output}")
    return 1 if problems else 0


def _formats() -> list[str]:
    if FORMATS.value == ["all"]:
        return list(FORMAT_NAMES)
    for name in FORMATS.value:
        if name not in FORMAT_NAMES:
            known = ", ".join(FORMAT_NAMES)
            raise UserError(f"--formats: found {name!r}, expected all or some of {known}")
    if not FORMATS.value or len(set(FORMATS.value)) < len(FORMATS.value):
        raise UserError(f"--formats: found {FORMATS.value}, expected each format once")
    return FORMATS.value


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
