"""Scores a trained run or an exported SavedModel on records: COCO figures and VOC AP.

  scripts/evaluate.py --model=runs/cells --data='records/cells-test*' --output=runs/cells/test

Prints the 12 COCO figures, VOC AP at IoU 0.5 (11-point and area) and a table by class, and writes
them to OUTPUT/metrics.json. Crowd boxes are ignored, as are boxes marked difficult in the VOC
figures. A run is scored with its best checkpoint, or its last with --checkpoint=last.
"""

from absl import flags

from yolo_tf.cli import common

MODEL = flags.DEFINE_string("model", None, "Run folder or exported SavedModel.")
DATA = flags.DEFINE_string("data", None, "Pattern of the TFRecord shards, for example 'r/x-val*'.")
LABELS = flags.DEFINE_string(
    "labels",
    "",
    "What labels without text mean in records made elsewhere: one_based, coco91, a label map "
    "X.pbtxt or tfds:NAME; empty: they count from 0.",
)
OUTPUT = flags.DEFINE_string("output", None, "Folder for metrics.json.")
CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "Which one of a run.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Images at a time.", lower_bound=1)


def main(argv):
    del argv
    common.require(model=MODEL.value, data=DATA.value, output=OUTPUT.value)
    from pathlib import Path

    from yolo_tf.evaluate.report import metrics_table, write_metrics
    from yolo_tf.evaluate.run import evaluate_records
    from yolo_tf.loading import load

    detector = load(MODEL.value, CHECKPOINT.value)
    path = Path(OUTPUT.value) / "metrics.json"
    common.make_folder("output", path.parent)
    metrics = evaluate_records(detector, DATA.value, BATCH_SIZE.value, LABELS.value)
    write_metrics(metrics, path)
    print(metrics_table(metrics))
    print(f"written to {path}")


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
