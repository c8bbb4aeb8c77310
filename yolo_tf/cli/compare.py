"""Puts runs side by side: one table and one image.

  scripts/compare.py runs/a runs/b runs/c --output=compared

The table has a row for each run folder: the best epoch by the run's own figure, AP50 and AP there
and at the end, images a second, minutes; and then every setting in which the recipes differ. OUTPUT
gets it as compare.md, and compare.png with average precision and losses over the epochs.
"""

from absl import flags

from yolo_tf.cli import common

OUTPUT = flags.DEFINE_string("output", "compared", "Folder for compare.md and compare.png.")


def main(argv):
    from pathlib import Path

    from yolo_tf.errors import UserError
    from yolo_tf.runs.compare import compare

    if len(argv) < 2:
        raise UserError("no run is named; for example: scripts/compare.py runs/a runs/b")
    output = Path(OUTPUT.value)
    common.make_folder("output", output)
    print(compare(argv[1:], output))
    print(f"written to {output / 'compare.md'} and {output / 'compare.png'}")


def entry():
    common.run(main, __doc__, arguments=True)


if __name__ == "__main__":
    entry()
