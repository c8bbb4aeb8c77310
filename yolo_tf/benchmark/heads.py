"""Loss and assignment of every head against the train step of its network."""

import statistics
from dataclasses import replace

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from yolo_tf.benchmark.step import make_batch, random_boxes, train_step
from yolo_tf.benchmark.timing import call_times, in_new_process
from yolo_tf.config import (
    AssignConfig,
    Config,
    FocalGiouLossConfig,
    ScaledLossConfig,
    SquaredLossConfig,
    TalHeadConfig,
)
from yolo_tf.detector.build import build_detector, build_head
from yolo_tf.heads.base import Head
from yolo_tf.train.optimizers import make_optimizer
from yolo_tf.train.progress import held_memory, peak_memory

_WARM_UP = 2  # rounds: tracing, and the first use of memory
MEMORY_SIZE, MEMORY_BATCH = (640, 640), 8  # of the memory that is measured


def variants(yolov3: Config, yolox: Config, ssd: Config, size: tuple[int, int]) -> dict:
    """name -> recipe: every head on Darknet-53, with inputs of `size`.

    Args:
      yolov3, yolox, ssd: the recipes of these networks.
    """
    head = yolov3.head
    ratio = AssignConfig(threshold=4.0, require_threshold=True, neighbour_cells=True)
    twice = dict.fromkeys(head.anchors, 2.0)
    cell_iou = AssignConfig(policy="cell_iou", threshold=0.3)
    heads = {
        "darknet": head,
        "scaled": replace(
            head, codec="scaled", scale_xy=twice, assign=ratio, loss=ScaledLossConfig()
        ),
        "squared": replace(head, assign=AssignConfig(policy="best"), loss=SquaredLossConfig()),
        "focal_giou": replace(head, assign=cell_iou, loss=FocalGiouLossConfig()),
    }
    recipes = {name: replace(yolov3, head=variant) for name, variant in heads.items()}
    recipes |= {"yolox": yolox, "ssd": ssd, "tal": replace(yolov3, head=TalHeadConfig())}
    return {name: replace(recipe, input_size=size) for name, recipe in recipes.items()}


def measure_head(name: str, config: Config, batch_size: int, classes: int, repeats: int) -> dict:
    """Runs the head alone and the whole train step in turns.

    The head alone is what a training adds to the network's own step: targets from boxes, loss,
    and the gradient of the loss by the raw outputs, which are those of the network at its start.

    Returns:
      "head_seconds", "step_seconds": medians; "share": the head's part of step and targets, of
      the medians; "processor_share": the same of the processor time of all threads, which other
      work on the machine does not change; "added_memory": as `measure_memory`;
      "largest_tensor" bytes; and the sizes.
    """
    detector = build_detector(config, [f"class {n}" for n in range(classes)])
    detector.compile(optimizer=make_optimizer(config.train.optimizer, learning_rate=0.0))
    batch = make_batch(detector, batch_size, config.data.max_boxes)
    truth = random_boxes(batch_size, config.data.max_boxes, classes)
    outputs = detector.network(batch["image"])
    head = head_step(detector.head, truth, outputs)
    encode = tf.function(detector.head.encode, autograph=False)
    calls = {
        "head": lambda: head()[0].numpy(),
        "encode": lambda: tf.nest.map_structure(np.asarray, encode(*truth)),
        "step": train_step(detector, batch),
    }
    times = {key: [] for key in calls}
    for _ in tqdm(range(repeats + _WARM_UP), desc=f"{name} head", unit="round", leave=False):
        for key, call in calls.items():
            times[key].append(call_times(call))
    times = {key: values[_WARM_UP:] for key, values in times.items()}
    middle, processor = (
        {key: statistics.median(pair[kind] for pair in pairs) for key, pairs in times.items()}
        for kind in (0, 1)
    )
    return {
        "name": name,
        "network": config.model.name,
        "input_size": list(config.input_size),
        "batch_size": batch_size,
        "num_classes": classes,
        "boxes": config.data.max_boxes,
        "repeats": repeats,
        "head_seconds": middle["head"],
        "step_seconds": middle["step"],
        "share": _share(middle),
        "processor_share": _share(processor),
        **memory_of_head(config, classes),
    }


def head_step(head: Head, truth: tuple, outputs: dict):
    """Function without arguments: the loss of a batch and its gradients by the raw outputs.

    Args:
      truth: (boxes, classes) as `encode` takes them.
    """
    boxes, classes = (tf.constant(values) for values in truth)

    @tf.function(autograph=False)
    def step(boxes, classes, outputs):
        targets = head.encode(boxes, classes)
        with tf.GradientTape() as tape:
            tape.watch(outputs)
            loss = tf.reduce_mean(head.loss(targets, outputs)["loss"])
        return loss, tape.gradient(loss, outputs)

    call = step.get_concrete_function(boxes, classes, outputs)
    run = lambda: call(boxes, classes, outputs)  # noqa: E731 - carries the graph along
    run.graph = call.graph
    return run


def memory_of_head(config: Config, classes: int) -> dict:
    """{"added_memory", "largest_tensor"} bytes of a head alone, at MEMORY_SIZE and MEMORY_BATCH.

    "added_memory" is what a process of its own needs more once the head runs on outputs that are
    there already; None where the system does not tell.
    """
    config = replace(config, input_size=MEMORY_SIZE)
    return in_new_process(_memory_here, config, classes)


def _memory_here(config: Config, classes: int) -> dict:
    head = build_head(config, classes)
    truth = random_boxes(MEMORY_BATCH, config.data.max_boxes, classes)
    random = np.random.default_rng(0)
    height, width = config.input_size
    outputs = {}
    for stride in head.strides:
        shape = [
            MEMORY_BATCH,
            -(-height // stride),
            -(-width // stride),
            head.output_channels(stride),
        ]
        outputs[stride] = tf.constant(random.normal(size=shape).astype(np.float32))
    run = head_step(head, truth, outputs)
    before = held_memory()
    run()[0].numpy()
    return {
        "added_memory": None if before is None else max(peak_memory() - before, 0),
        "largest_tensor": largest_tensor(run.graph),
    }


def largest_tensor(graph: tf.Graph) -> int:
    """Elements times 4 bytes of the largest tensor of static shape, in a graph and its loops."""
    definition = graph.as_graph_def(add_shapes=True)
    nodes = list(definition.node)
    for function in definition.library.function:
        nodes += function.node_def
    shapes = (shape for node in nodes for shape in node.attr["_output_shapes"].list.shape)
    shapes = map(tf.TensorShape, shapes)
    return 4 * max(shape.num_elements() for shape in shapes if shape.is_fully_defined())


def _share(seconds: dict) -> float:
    """The step has the loss already, but takes the targets ready-made."""
    return seconds["head"] / (seconds["step"] + seconds["encode"])
