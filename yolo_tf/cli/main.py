"""The installed command: `yolo-tf train ...` is scripts/train.py wherever you are."""

import importlib
import platform
import sys
from importlib import metadata

from yolo_tf.cli.process import readers_may_leave
from yolo_tf.errors import did_you_mean

# Name -> (module, what it does in one line). Modules are imported when called: TensorFlow is slow.
COMMANDS = {
    "build_tfrecords": (
        "yolo_tf.cli.build_tfrecords",
        "turn a VOC or COCO data set, or drawn shapes, into TFRecord shards",
    ),
    "check_dataset": (
        "yolo_tf.cli.check_dataset",
        "what is in a data set and what is wrong with it, before it is trained",
    ),
    "visualize": ("yolo_tf.cli.visualize", "draw what the network will see in training"),
    "fit_anchors": ("yolo_tf.cli.fit_anchors", "anchors that fit the boxes of a data set"),
    "weights": ("yolo_tf.cli.weights", "weights to start from, by name: list them, fetch them"),
    "train": ("yolo_tf.cli.train", "train a recipe into a run folder"),
    "evaluate": ("yolo_tf.cli.evaluate", "average precision of a model on a data set"),
    "compare": ("yolo_tf.cli.compare", "put runs side by side: one table, one image"),
    "export": (
        "yolo_tf.cli.export",
        "a run as SavedModel, TensorFlow Lite, ONNX, ..., each checked",
    ),
    "detect": ("yolo_tf.cli.detect", "find the objects in images and videos"),
    "convert_darknet": (
        "yolo_tf.cli.convert_darknet",
        "bring a Darknet model in, or write a run as cfg, weights and names",
    ),
    "convert_yolox": (
        "yolo_tf.cli.convert_yolox",
        "bring the published weights of YOLOX in, as a run folder",
    ),
    "benchmark": ("yolo_tf.cli.benchmark", "images a second, step by step"),
}


def main() -> None:
    """Runs the command that the first argument names, with the arguments after it."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("--help", "-h", "help"):
        with readers_may_leave():
            print(usage())
        return
    if name == "--version":
        print(version())
        return
    name = name.replace("-", "_")
    if name not in COMMANDS:
        sys.exit(f"error: {_unknown(sys.argv[1])}")
    sys.argv = [f"{sys.argv[0]} {name}", *rest]
    importlib.import_module(COMMANDS[name][0]).entry()


def usage() -> str:
    """The commands, a line each."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: yolo-tf COMMAND [--name=value ...]",
            "",
            *lines,
            "",
            "yolo-tf COMMAND --help explains a command and lists its settings; yolo-tf --version.",
        ]
    )


def version() -> str:
    """The versions that a report of a fault should name."""
    found = []
    for package in ("yolo_tf", "tensorflow", "tf_keras", "numpy"):
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join([*found, f"Python {platform.python_version()}", platform.platform()])


def _unknown(name: str) -> str:
    near = did_you_mean(name.lower().replace("-", "_"), COMMANDS)
    return f"{name!r} is not a command of yolo-tf; {near}"


if __name__ == "__main__":
    main()
