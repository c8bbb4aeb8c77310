"""Darknet models in and out: cfg, weights and names to a model folder, and back.

  scripts/convert_darknet.py import --cfg=yolov4-tiny.cfg --weights=yolov4-tiny.weights \\
      --names=coco.names --output=models/yolov4-tiny
  scripts/convert_darknet.py export --model=runs/cells --output=darknet

import makes a folder that every command takes as a run: evaluate, detect and export by
--model=FOLDER, train by --config.transfer.source=FOLDER (any class count) or, with the same
classes, by --workdir=FOLDER --resume. Fields of the cfg without an effect here are listed.

export writes RUN.cfg, RUN.weights and RUN.names, which Darknet and OpenCV's DNN module read.
"""

from absl import flags

from yolo_tf.cli import common
from yolo_tf.errors import UserError

CFG = flags.DEFINE_string("cfg", None, "import: Darknet's cfg file.")
WEIGHTS = flags.DEFINE_string("weights", None, "import: the .weights file that belongs to it.")
NAMES = flags.DEFINE_string("names", None, "import: class-name file, a name a line.")
MODEL = flags.DEFINE_string("model", None, "export: run folder.")
CHECKPOINT = flags.DEFINE_enum("checkpoint", "best", ["best", "last"], "export: which one.")
OUTPUT = flags.DEFINE_string("output", None, "Folder to make.")

ACTIONS = ("import", "export")


def main(argv):
    action = argv[1] if len(argv) == 2 else None
    if action not in ACTIONS:
        found = f"found {' '.join(argv[1:])!r}" if argv[1:] else "found nothing"
        raise UserError(f"{found}, expected one action: import or export (--help explains them)")
    if action == "import":
        _import()
    else:
        _export()


def _import():
    common.require(cfg=CFG.value, weights=WEIGHTS.value, names=NAMES.value, output=OUTPUT.value)
    from yolo_tf.loading import import_darknet

    detector, remarks = import_darknet(CFG.value, WEIGHTS.value, NAMES.value, OUTPUT.value)
    for remark in remarks:
        print(f"{CFG.value}: {remark}")
    height, width = detector.input_size
    print(
        f"{detector.network.name}: {detector.network.count_params():,} parameters,"
        f" {len(detector.class_names)} classes, input {height}x{width} (height x width); written"
        f" to {OUTPUT.value}"
    )


def _export():
    common.require(model=MODEL.value, output=OUTPUT.value)
    from pathlib import Path

    from yolo_tf.loading import export_darknet

    common.make_folder("output", Path(OUTPUT.value))
    for path in export_darknet(MODEL.value, OUTPUT.value, CHECKPOINT.value):
        print(f"written {path}")


def entry():
    common.run(main, __doc__, arguments=True)


if __name__ == "__main__":
    entry()
