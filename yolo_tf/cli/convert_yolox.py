"""Published weights of YOLOX (nano, tiny, s) to a run folder.

  scripts/convert_yolox.py --config=configs/yolox_nano.py --weights=yolox_nano.npz \\
      --names=data/coco.names --output=models/yolox_nano

The folder is one that every command takes as a run: evaluate, detect and export by
--model=FOLDER, train by --config.transfer.source=FOLDER (any class count). YOLOX-Tiny is
--config=configs/yolox_nano.py --config.model.name=yolox_tiny_csp.

The .npz file holds the arrays of the published weights by their names there. docs/models.md has
the three lines of PyTorch that make it.
"""

from absl import flags

from yolo_tf.cli import common, recipe

CONFIG = common.define_config()
WEIGHTS = flags.DEFINE_string("weights", None, "The published arrays: NAME.npz.")
NAMES = flags.DEFINE_string("names", None, "Class-name file, a name a line.")
OUTPUT = flags.DEFINE_string("output", None, "Folder to make.")


def main(argv):
    del argv
    config = common.config_value(CONFIG)
    recipe.apply_changes(config, common.config_overrides())
    common.require(weights=WEIGHTS.value, names=NAMES.value, output=OUTPUT.value)
    from yolo_tf.config.check import check_config
    from yolo_tf.loading import import_yolox

    check_config(config)
    detector = import_yolox(config, WEIGHTS.value, NAMES.value, OUTPUT.value)
    height, width = detector.input_size
    print(
        f"{detector.network.name}: {detector.network.count_params():,} parameters,"
        f" {len(detector.class_names)} classes, input {height}x{width} (height x width); written"
        f" to {OUTPUT.value}"
    )


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
