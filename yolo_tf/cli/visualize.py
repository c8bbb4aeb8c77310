"""Draws what the network will see in training, after the whole pipeline.

  scripts/visualize.py --config=configs/yolov3_tiny.py --data='records/cells-train*' \\
      --output=seen.png --config.data.augment.mosaic=0.5

draws the first 16 images of that training with their boxes and class names: decoded, cropped,
mixed, coloured and resized as the recipe says. Its seed decides them, so these are the images of
step 0; --step=500 shows those of step 500. --noaugment shows the images of the last epochs,
without augmentation (config.data.augment.off_epochs), which are those of evaluation too.

Boxes of which too little can be seen are left out; the command prints how many.
docs/augmentation.md explains the rule and every setting. Look at the images before a long
training: classes that you cannot tell from each other, or boxes that you would not draw, will not
be learnt either.
"""

from absl import flags

from yolo_tf.cli import common, data_flag
from yolo_tf.errors import UserError

DATA = flags.DEFINE_string(
    "data",
    "",
    "Pattern of TFRecord shards, tfds:NAME:SPLIT, or a folder of any layout; "
    "default: config.data.train.",
)
flags.adopt_module_key_flags(data_flag)
OUTPUT = flags.DEFINE_string("output", None, "JPEG or PNG file to write.")
IMAGES = flags.DEFINE_integer("images", 16, "How many images.", lower_bound=1, upper_bound=400)
STEP = flags.DEFINE_integer("step", 0, "The training step to begin with.", lower_bound=0)
AUGMENT = flags.DEFINE_bool("augment", True, "With augmentation.")
CONFIG = common.define_config()

_ENDINGS = (".png", ".jpg", ".jpeg")


def main(argv):
    del argv
    from pathlib import Path

    from yolo_tf.cli.common import recipe_or_default

    common.require(output=OUTPUT.value)
    output = Path(OUTPUT.value)
    if output.suffix.lower() not in _ENDINGS:
        raise UserError(f"--output: found {OUTPUT.value!r}, expected a name ending in .png or .jpg")
    config, name = recipe_or_default(CONFIG)
    data = data_flag.record_pattern(DATA.value, "train", str(output))
    config.data.train = data or config.data.train
    common.require(data=config.data.train)
    common.make_parent("output", output)
    from yolo_tf.analysis.visualize_data import visualize_data

    found = visualize_data(config, output, IMAGES.value, STEP.value, AUGMENT.value)
    sizes = ", ".join(f"{height}x{width}" for height, width in found["sizes"])
    last = STEP.value + found["steps"] - 1
    steps = f"step {last}" if found["steps"] == 1 else f"steps {STEP.value} to {last}"
    print(
        f"{config.data.train}, recipe {name}: {found['images']} images of {steps}, {sizes}"
        " (height x width)"
    )
    print(f"{found['boxes']} boxes; {found['cut']} left out as cut by a border", end="")
    print(f", {found['dropped']} beyond data.max_boxes={config.data.max_boxes}")
    print(f"written to {output}")


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
