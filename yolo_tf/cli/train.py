"""Trains a recipe into a run folder.

  scripts/train.py --config=configs/yolov3_tiny.py --workdir=runs/cells --data=images

--data is a folder of labelled images of any layout, see docs/data_formats.md; records of it are
built once, into the folder records beside the run. With --data the recipe may be left out: it is
then that of the network of --weights, or yolo_n, and batch size, anchors, epochs, evaluations,
mosaic, averages and an export are chosen for the data; a table tells each with its flag
(--fill_in, docs/training.md). Records that are there already:

  scripts/train.py --config=configs/yolov3_tiny.py --workdir=runs/cells \\
      --config.data.train='records/cells-train*' --config.data.val='records/cells-val*'

A recipe is a Python file that returns a config; --config takes its path, or the name of one that
came with the package. Any value can be changed: --config.train.epochs=50,
--config.input_size=320,320, --config.head.loss.iou_type=giou. All names, units and defaults are
in yolo_tf/config; the values of a run are in its config.yaml.

Before the first step the command prints the classes, the boxes and how well the anchors fit.
Each epoch writes WORKDIR/results.csv and results.png, checkpoints "last" and "best", TensorBoard
events and images: train_batch.jpg (what the network sees), val_predictions.jpg.

A Darknet cfg file becomes a recipe with --config=darknet --config.model.cfg=FILE; docs/darknet.md
tells what of it is used. Training starts from weights that exist, Darknet's or a run's, whatever
their class count, with --weights=NAME_OR_FILE_OR_RUN (`yolo-tf weights` lists the names, which are
downloaded once; --config.transfer.source is the same); --config.transfer.mode says what is
loaded and frozen: all, no_output, backbone, fine_tune (backbone frozen), frozen (all but the
outputs), none.

--dry_run builds all this, trains and evaluates one batch, prints parameters, FLOPs, memory and
seconds, and ends without writing anything.

--resume continues a run after its last checkpoint; --config.train.epochs=N may extend it:

  scripts/train.py --workdir=runs/cells --resume --config.train.epochs=150

Each epoch ends with a checkpoint. A training that gets SIGTERM saves at once, within its epoch,
and exits with 75; other exit codes: 0 finished, 1 a mistake that one line explains, 69 another
process of the training was lost (--resume continues), 130 stopped with Ctrl-C (after the last
checkpoint, from which --resume continues). docs/training.md tells more.
"""

from absl import flags

from yolo_tf.cli import common, data_flag, recipe
from yolo_tf.cli.default_recipe import default_recipe
from yolo_tf.errors import UserError, check_choice
from yolo_tf.export.names import FORMAT_NAMES

WORKDIR = flags.DEFINE_string("workdir", None, "Run folder to make, or to continue (--resume).")
RESUME = flags.DEFINE_bool("resume", False, "Continue the run in --workdir.")
DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Train one batch, print what that costs, write nothing, end."
)
DATA = flags.DEFINE_string(
    "data",
    "",
    "Labelled images of any layout, a folder or annotation file, in place of config.data.train and "
    "config.data.val.",
)
WEIGHTS = flags.DEFINE_string(
    "weights", None, "Weights to start from: a name of `yolo-tf weights`, a file or a run."
)
FILL_IN = flags.DEFINE_bool(
    "fill_in",
    False,
    "Choose batch size, anchors, epochs, mosaic, averages and export where they are not given; on "
    "where --data is given without --config.",
)
BATCH = flags.DEFINE_string("batch", "", "Images an update, or auto: by the memory that is free.")
KEEP_ANCHORS = flags.DEFINE_bool("keep_anchors", False, "Do not fit anchors to the data.")
CONFIG = common.define_config()
flags.adopt_module_key_flags(data_flag)

_SOURCE = "transfer.source"  # the setting that --weights is short for

# What may change when a run is resumed; anything else would make it another run.
_MAY_CHANGE = (
    "data.train",
    "data.val",
    "train.epochs",
    "train.patience",
    "train.evaluate_every",
    "train.report",
    "train.callbacks",
    "train.export",
    "train.tensorboard",
    "train.profile",
)


def main(argv):
    del argv
    if not WORKDIR.value:
        raise UserError("--workdir is missing: name the run folder, for example runs/cells")
    if RESUME.value and DRY_RUN.value:
        raise UserError("--resume and --dry_run exclude each other: a dry run begins anew")
    if not RESUME.value:
        config = common.config_value(CONFIG)
        for remark in recipe.apply_changes(config, _overrides()):
            print(remark)
        if DATA.value:
            _take_data(config)
        if not config.data.train:
            raise UserError(
                "--config.data.train is missing: the pattern of the training shards, for example"
                " 'records/cells-train*' (scripts/build_tfrecords.py makes them); or give"
                " --data=FOLDER, the labelled images themselves"
            )
        _choose(config)
        _check_export(config)
    from yolo_tf.cli.finish import finish, lacks_export
    from yolo_tf.runs.folder import RunFolder
    from yolo_tf.train.interruption import Stopped
    from yolo_tf.train.loop import dry_run, train

    run = RunFolder(WORKDIR.value)
    if DRY_RUN.value:
        dry_run(config, run)
        return
    if RESUME.value:
        config = _resumed_config(run.read_recipe()[0])
        if lacks_export(config, run):
            print(f"{run.path}: its training is done; its export is missing")
            finish(config, run.path)
            return
    try:
        writes = train(config, run, resume=RESUME.value)
    except Stopped as stopped:
        print(stopped)
        return stopped.exit_code
    if writes:
        finish(config, run.path)


def _take_data(config) -> None:
    """Sets the records of --data, built where they are not there yet."""
    if given := [n for n in ("data.train", "data.val") if n in common.config_overrides()]:
        raise UserError(f"--data: found with --config.{given[0]}, expected one of the two")
    if not common.is_data(DATA.value):
        raise UserError(
            f"--data: found {DATA.value!r}, expected a folder of labelled images or an annotation "
            "file; a pattern of records is given as --config.data.train"
        )
    records = data_flag.data_records(DATA.value, WORKDIR.value)
    config.data.train, config.data.val = records.pattern("train"), records.pattern("val")


def _choose(config) -> None:
    """Sets the batch size of --batch and, with --fill_in, whatever else is not given."""
    given = set(_overrides())
    if not BATCH.value and not FILL_IN.value:
        return
    from yolo_tf.cli.fill_in import fill_in, set_batch

    if BATCH.value:
        if "train.batch_size" in given:
            raise UserError("--batch and --config.train.batch_size: give one of them")
        if line := set_batch(config, BATCH.value):
            print(line)
        given.add("train.batch_size")
    if FILL_IN.value and (chosen := fill_in(config, given, KEEP_ANCHORS.value)):
        print(chosen)


def _check_export(config) -> None:
    """Raises `UserError` before a training whose export would fail after it."""
    for name in config.train.export:
        check_choice("config.train.export", name, FORMAT_NAMES)


def _overrides() -> dict:
    """The values given on the command line, --weights among them."""
    values = dict(common.config_overrides())
    if WEIGHTS.value is not None:
        given = values.setdefault(_SOURCE, WEIGHTS.value)
        if given != WEIGHTS.value:
            raise UserError(
                f"--weights={WEIGHTS.value} and --config.{_SOURCE}={given}: give one of them"
            )
    return values


def _resumed_config(config):
    """The run's own recipe with what may change; a value given again as it is does no harm."""
    given = _overrides()
    for name, value in given.items():
        if name in _MAY_CHANGE:
            recipe.set_value(config, name, value)
        elif recipe.get_value(config, name) != value:
            raise UserError(
                f"--config.{name}: cannot change in a resumed run, only"
                f" {', '.join(_MAY_CHANGE)} can; the run has {recipe.get_value(config, name)!r}"
            )
    from yolo_tf.train.own_callbacks import check_resumed

    check_resumed(config.train.callbacks, "train.callbacks" in given)
    _check_export(config)
    if common.config_given():
        print("--resume: the run keeps its own recipe; the file of --config is not used")
    return config


def entry():
    common.run(main, __doc__, default_recipe=default_recipe)


if __name__ == "__main__":
    entry()
