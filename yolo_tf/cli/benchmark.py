"""Measures speeds on this machine: images a second of the parts of training.

  scripts/benchmark.py --what=pipeline,encode,step --output=benchmark.json

  pipeline  the whole input pipeline at 416x416 (reading, decoding, augmentation, targets): without
            augmentation, with mosaic, affine and HSV, with everything, and as the recipe has it; in
            turns with decoding and resizing alone, and as a share of that, the bound: of time and
            of processor time. Records of --data='records/x-train*', or images drawn for it.
  encode    boxes to targets alone, 100 padded boxes an image, in batches of 16.
  step      the train step against the bare network (forward, backward, the same update), in turns:
            what loss and metrics cost. yolov3 in batches of 4 and yolov3_tiny in batches of 8.
  heads     assignment and loss of each head, with gradients, against the train step, in turns:
            their share of its time, and the memory that they need at 640x640 with 8 images.
            Every head on Darknet-53 at 416x416, in batches of 4. Not measured unless named.
  detection image to detections against the network alone, in turns, one image of 640x480 a call,
            for scores above 0.001 (evaluation) and 0.25 (detection): the share of resizing,
            decoding and suppression. Weights are random, but find as much as a trained model's.
            yolov3_tiny and yolov3. Not measured unless named.
  precision the train step in float32 and mixed_bfloat16, with and without XLA, in turns, and the
            most memory that each needs; batches of each --batch. Not measured unless named.
  inference detection with every export against OpenCV with the same weights, in turns; in batches
            of each --batch. Of random weights, or of --model. Not measured unless named.
  build     building records in one process against reading, hashing and writing the bytes of the
            images alone, in turns. A data set of --source=FORMAT:FOLDER:SPLIT, or images drawn
            for it. Not measured unless named.

With --config=RECIPE all measure that recipe, in batches of config.train.batch_size if not said. The
table gives medians and the spread; the load average tells how busy the machine was with others.
"""

from absl import flags

from yolo_tf.cli import common
from yolo_tf.config import recipes

_PARTS = (
    "pipeline",
    "encode",
    "step",
    "heads",
    "detection",
    "precision",
    "inference",
    "build",
)
_NUM_CLASSES = 80  # COCO's, where neither recipe nor data says

WHAT = flags.DEFINE_list("what", ["pipeline", "encode", "step"], "What to measure, commas between.")
DATA = flags.DEFINE_string("data", "", "pipeline: pattern of TFRecord shards, e.g. 'r/x-train*'.")
SOURCE = flags.DEFINE_string(
    "source", "", "build: FORMAT:FOLDER:SPLIT of a data set, such as voc:VOCdevkit/VOC2012:train."
)
SECONDS = flags.DEFINE_float(
    "seconds", 10.0, "pipeline, encode, build: time for each figure.", lower_bound=0.01
)
REPEATS = flags.DEFINE_integer(
    "repeats",
    10,
    "step, heads, detection, precision, inference: rounds in turns.",
    lower_bound=1,
)
BATCHES = flags.DEFINE_multi_integer(
    "batch",
    [4],
    "precision, inference: images at a time; give it several times.",
    lower_bound=1,
)
MODEL = flags.DEFINE_string("model", None, "inference: run folder, or NAME.weights.")
OUTPUT = flags.DEFINE_string("output", None, "JSON file for the results.")
CONFIG = common.define_config()


def main(argv):
    del argv
    from pathlib import Path

    from yolo_tf.benchmark import report, timing
    from yolo_tf.errors import UserError

    if not any(WHAT.value):
        raise UserError(f"--what: found nothing, expected some of {', '.join(_PARTS)}")
    for name in WHAT.value:
        if name not in _PARTS:
            raise UserError(f"--what: found {name!r}, expected some of {', '.join(_PARTS)}")
    output = Path(OUTPUT.value) if OUTPUT.value else None
    if output:
        if output.is_dir():
            raise UserError(f"--output: {output} is a folder, expected a file for JSON")
        common.make_parent("output", output)
    results = {"machine": timing.machine()}
    results |= {name: _MEASURE[name]() for name in _PARTS if name in WHAT.value}
    print(report.table(results))
    if output:
        report.write_results(results, output)
        print(f"written to {output}")


def _pipeline() -> dict:
    from yolo_tf.benchmark.pipeline import measure_pipeline

    (config, _), *_ = _recipes({"yolov3": 16})
    return measure_pipeline(config, SECONDS.value, DATA.value)


def _encode() -> dict:
    from yolo_tf.benchmark.pipeline import measure_encoding

    (config, batch_size), *_ = _recipes({"yolov3": 16})
    return measure_encoding(config, batch_size, _num_classes(config), SECONDS.value)


def _step() -> list[dict]:
    from yolo_tf.benchmark.step import measure_step

    return [
        measure_step(config, batch_size, _num_classes(config), REPEATS.value)
        for config, batch_size in _recipes({"yolov3_tiny": 8, "yolov3": 4})
    ]


def _heads() -> list[dict]:
    from yolo_tf.benchmark import heads

    repeats = REPEATS.value
    if common.config_given():
        config = CONFIG.value
        name, batch_size = type(config.head).__name__, config.train.batch_size
        return [heads.measure_head(name, config, batch_size, _num_classes(config), repeats)]
    found = _recipes({"yolov3": 4, "yolox_darknet53": 4, "ssd_darknet53": 4})
    variants = heads.variants(*(config for config, _ in found), size=(416, 416))
    return [
        heads.measure_head(name, config, 4, _NUM_CLASSES, repeats)
        for name, config in variants.items()
    ]


def _detection() -> list[dict]:
    from yolo_tf.benchmark.detection import measure_detection

    return [
        measure_detection(config, _num_classes(config), REPEATS.value)
        for config, _ in _recipes({"yolov3_tiny": 1, "yolov3": 1})
    ]


def _precision() -> list[dict]:
    from yolo_tf.benchmark.precision import measure_precision

    return [
        measure_precision(config, batch_size, _num_classes(config), REPEATS.value)
        for config, _ in _recipes({"yolov3_tiny": 4, "yolov3": 4})
        for batch_size in BATCHES.value
    ]


def _inference() -> list[dict]:
    from yolo_tf.benchmark.inference import measure_inference
    from yolo_tf.detector.build import build_detector
    from yolo_tf.export.trained import Trained
    from yolo_tf.loading import load_trained

    if MODEL.value:
        models = [load_trained(MODEL.value)]
    else:
        models = []
        for config, _ in _recipes({"yolov3_tiny": 1, "yolov3": 1}):
            names = [f"class {n}" for n in range(_num_classes(config))]
            models.append(Trained(build_detector(config, names), config))
    return [measure_inference(model, BATCHES.value, REPEATS.value) for model in models]


def _build() -> dict:
    from yolo_tf.benchmark.build import measure_build

    return measure_build(SECONDS.value, SOURCE.value)


_MEASURE = {
    "pipeline": _pipeline,
    "encode": _encode,
    "step": _step,
    "heads": _heads,
    "detection": _detection,
    "precision": _precision,
    "inference": _inference,
    "build": _build,
}


def _num_classes(config) -> int:
    return config.model.num_classes or _NUM_CLASSES


def _recipes(packaged: dict[str, int]) -> list[tuple]:
    """(config, batch size) of --config, or else of packaged recipes: name -> batch size."""
    if common.config_given():
        return [(CONFIG.value, CONFIG.value.train.batch_size)]
    return [
        (recipes.load_recipe(recipes.find_recipe(name)), size) for name, size in packaged.items()
    ]


def entry():
    common.run(main, __doc__)


if __name__ == "__main__":
    entry()
