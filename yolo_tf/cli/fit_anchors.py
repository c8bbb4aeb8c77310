"""Fits the anchors of a recipe to the boxes of a data set, by k-means.

  scripts/fit_anchors.py --config=yolov3_tiny --data='records/cells-train*' \\
      --output=recipes/cells.py

Takes the training boxes as the recipe's input size and resize show them, and as many anchors as
the recipe has. Prints how well the recipe's own and the fitted anchors fit, and writes a recipe
that is the old one with the new anchors:

  scripts/train.py --config=recipes/cells.py ...

and cells.png beside it, the boxes in their clusters. Of changes by flags it takes over
--config.input_size and --config.data.resize, which anchors depend on; at another input size fit
them anew. Weights trained with other anchors do not fit: their outputs have to be learnt again.

Average best IoU: mean over boxes of the overlap with the best anchor, laid on one centre. Best
possible recall: share of boxes with an anchor at most 4 times larger or smaller in both sides.
"""

from absl import flags

from yolo_tf.cli import common, data_flag
from yolo_tf.errors import UserError

DATA = flags.DEFINE_string(
    "data", None, "Pattern of the training shards, such as 'r/x-train*', or a folder of any layout."
)
flags.adopt_module_key_flags(data_flag)
OUTPUT = flags.DEFINE_string("output", None, "Recipe file to write, FILE.py; an image FILE.png.")
SEED = flags.DEFINE_integer("seed", 0, "Of the random starts.", lower_bound=0)
RESTARTS = flags.DEFINE_integer(
    "restarts", 10, "Random starts, the best of which is taken.", lower_bound=1
)
UPDATE = flags.DEFINE_enum(
    "update",
    "best",
    ["best", "mean", "median"],
    "What of its boxes becomes a cluster's centre; best: whichever fits better.",
)
CONFIG = common.define_config()


def main(argv):
    del argv
    from pathlib import Path

    common.config_value(CONFIG)  # a wrong --config is said first
    common.require(data=DATA.value, output=OUTPUT.value)
    output = Path(OUTPUT.value)
    if output.suffix != ".py" or output.is_dir():
        raise UserError(f"--output: found {OUTPUT.value!r}, expected a file to write, NAME.py")

    from yolo_tf.analysis.fit_anchors import clusters, fit, flat, write_recipe
    from yolo_tf.cli.common import recipe_or_default
    from yolo_tf.visualize.dataset_plots import plot_anchors

    config, base = recipe_or_default(CONFIG)
    if output.resolve() == Path(base).resolve():
        raise UserError(f"--output: {output} is the recipe itself, expected another file")
    common.make_parent("output", output)
    data = data_flag.record_pattern(DATA.value, "train", str(output))
    updates = ("mean", "median") if UPDATE.value == "best" else (UPDATE.value,)
    found = fit(config, data, SEED.value, RESTARTS.value, updates)
    _print(found, config)
    write_recipe(output, found, config, base, data, SEED.value)
    image = output.with_suffix(".png")
    sizes = flat(found.old), flat(found.new)
    plot_anchors(found.wh, clusters(found), *sizes, config.input_size, image)
    print(f"written to {output} (train.py --config={output}) and {image}")


def _print(found, config) -> None:
    if found.empty:
        print(f"warning: {found.empty} boxes without area are left out")
    height, width = config.input_size
    print(f"anchors at {width} x {height} input pixels, width x height ({config.data.resize})")
    for stride in found.new:
        for name, anchors in (("recipe", found.old), ("fitted", found.new)):
            sizes = ", ".join(f"{w:g} x {h:g}" for w, h in anchors[stride])
            print(f"  stride {stride:<4}{name}  {sizes}")
    before, after = found.figures(found.old), found.figures(found.new)
    print(f"{'':24}{'recipe':>8}{'fitted':>8}")
    for name, value in before.items():
        print(f"{name:<24}{value:>8.4f}{after[name]:>8.4f}")
    if after["average best IoU"] <= before["average best IoU"]:
        print("the recipe's anchors fit as well: there is no need to change them")


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
