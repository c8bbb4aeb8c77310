"""Trains a recipe into a run folder.

  scripts/train.py --config=configs/yolov3_tiny.py --workdir=runs/cells \\
      --config.data.train='records/cells-train*' --config.data.val='records/cells-val*'

A recipe is a Python file that returns a config; --config takes its path, or the name of one that
came with the package. Any value can be changed: --config.train.epochs=50,
--config.input_size=320,320, --config.head.loss.iou_type=giou. All names, units and defaults are
in yolo_tf/config.py; the values of a run are in its config.yaml.

Before the first step the command prints the classes, the boxes and how well the anchors fit.
Each epoch writes WORKDIR/results.csv and results.png, checkpoints "last" and "best", TensorBoard
events and pictures: train_batch.jpg (what the network sees), val_predictions.jpg.

A Darknet cfg file becomes a recipe with --config=darknet --config.model.cfg=FILE; docs/darknet.md
tells what of it is used. Training starts from weights that exist, Darknet's or a run's, whatever
their class count, with --config.transfer.source=FILE_OR_RUN; --config.transfer.mode says what is
loaded and frozen: all, no_output, backbone, fine_tune (backbone frozen), frozen (all but the
outputs), none.

--resume continues a run after its last whole epoch; --config.train.epochs=N may extend it:

  scripts/train.py --workdir=runs/cells --resume --config.train.epochs=150
"""

from absl import flags

from yolo_tf.cli import common, recipe
from yolo_tf.errors import UserError

WORKDIR = flags.DEFINE_string("workdir", None, "Run folder to make, or to continue (--resume).")
RESUME = flags.DEFINE_bool("resume", False, "Continue the run in --workdir.")
CONFIG = common.define_config()

# What may change when a run goes on; anything else would make it another run.
_MAY_CHANGE = (
    "data.train",
    "data.val",
    "train.epochs",
    "train.patience",
    "train.evaluate_every",
    "train.tensorboard",
)


def main(argv):
    del argv
    if not WORKDIR.value:
        raise UserError("--workdir is missing: name the run folder, for example runs/cells")
    if not RESUME.value:
        config = _new_config(common.config_value(CONFIG))
        if not config.data.train:
            raise UserError(
                "--config.data.train is missing: the pattern of the training shards, for example"
                " 'records/cells-train*' (scripts/build_tfrecords.py makes them)"
            )
    from yolo_tf.train.interruption import EXIT_CODE, Interrupted
    from yolo_tf.train.loop import train
    from yolo_tf.train.run_folder import RunFolder

    run = RunFolder(WORKDIR.value)
    if RESUME.value:
        config = _resumed_config(run.read_recipe()[0])
    try:
        train(config, run, resume=RESUME.value)
    except Interrupted as interrupted:
        print(interrupted)
        return EXIT_CODE


def _new_config(config):
    """The recipe; a Darknet cfg named by a flag goes over it, and the other flags over that."""
    changes = common.config_overrides()
    if not changes.get("model.cfg"):
        return config
    from yolo_tf.darknet.recipe import apply_cfg

    for remark in apply_cfg(config, config.model.cfg):
        print(f"{config.model.cfg}: {remark}")
    for name, value in changes.items():
        recipe.set_value(config, name, value)
    return config


def _resumed_config(config):
    """The run's own recipe with what may change; a value given again as it is does no harm."""
    for name, value in common.config_overrides().items():
        if name in _MAY_CHANGE:
            recipe.set_value(config, name, value)
        elif recipe.get_value(config, name) != value:
            raise UserError(
                f"--config.{name}: cannot change in a resumed run, only"
                f" {', '.join(_MAY_CHANGE)} can; the run has {recipe.get_value(config, name)!r}"
            )
    if common.config_given():
        print("--resume: the run goes on with its own recipe; the file of --config is not used")
    return config


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
