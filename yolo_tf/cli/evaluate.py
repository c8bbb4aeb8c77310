"""Scores a trained run or an export on records: COCO figures and VOC AP.

  scripts/evaluate.py --model=runs/cells --data='records/cells-test*' --output=runs/cells/test

Prints the 12 COCO figures, VOC AP at IoU 0.5 (11-point and area) and a table by class. OUTPUT gets
them as metrics.json and metrics.md, and report.html, one page with precision, recall and F1 by
class, their curves, the confusion matrix, and the images with most mistakes of each kind: missed,
wrong class, double, loose box, background. Crowd boxes are ignored, as are boxes marked difficult
in the VOC figures. A run is scored with its best checkpoint, or its last with --checkpoint=last.
"""

from absl import flags

from yolo_tf.cli import common, data_flag

MODEL = flags.DEFINE_string("model", None, "Run folder, export, or one file of it.")
DATA = flags.DEFINE_string(
    "data",
    None,
    "Pattern of the TFRecord shards, such as 'r/x-val*', or a folder of any layout.",
)
SPLIT = flags.DEFINE_string("split", "val", "With --data=FOLDER: the split to score, val or test.")
flags.adopt_module_key_flags(data_flag)
LABELS = flags.DEFINE_string(
    "labels",
    None,
    "What labels without text mean in records made elsewhere: one_based, coco91, a label map "
    "X.pbtxt or tfds:NAME; empty: they count from 0; default: as the run was trained.",
)
OUTPUT = flags.DEFINE_string("output", None, "Folder for the report.")
TRUST = flags.DEFINE_bool(
    "trust", False, "Load a SavedModel of any operations: it may run anything. See docs/export.md."
)
CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which one of a run.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Images at a time.", lower_bound=1)


def main(argv):
    del argv
    common.require(model=MODEL.value, data=DATA.value, output=OUTPUT.value)
    from pathlib import Path

    from yolo_tf.data.records.open_records import Records
    from yolo_tf.evaluate.report import metrics_table
    from yolo_tf.evaluate.report_folder import evaluate_and_report
    from yolo_tf.loading import data_settings, load

    detector = load(MODEL.value, CHECKPOINT.value, TRUST.value)
    output = Path(OUTPUT.value)
    common.make_folder("output", output)
    data = data_flag.record_pattern(DATA.value, SPLIT.value, MODEL.value)
    settings = data_settings(MODEL.value)
    if LABELS.value is not None:
        settings.labels = LABELS.value
    records = Records.open(data, settings, detector.class_names)
    metrics = evaluate_and_report(detector, MODEL.value, records, BATCH_SIZE.value, output)
    print(metrics_table(metrics))
    print(f"report written to {output / 'report.html'}")


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
