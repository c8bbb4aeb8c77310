"""The train step in each precision, compiled by XLA and not: speed in turns, and peak memory."""

import statistics

from tqdm import tqdm

from yolo_tf.benchmark.step import make_batch, train_step
from yolo_tf.benchmark.timing import call_times, in_new_process, speed
from yolo_tf.config import Config
from yolo_tf.detector.build import build_detector
from yolo_tf.train.optimizers import make_optimizer
from yolo_tf.train.progress import gpu_peak_memory, peak_memory

# name -> (policy of the layers, whether XLA compiles the gradients)
VARIANTS = {
    "float32": ("float32", False),
    "float32, XLA": ("float32", True),
    "mixed_bfloat16": ("mixed_bfloat16", False),
    "mixed_bfloat16, XLA": ("mixed_bfloat16", True),
}
_WARM_UP = 2  # rounds: tracing, and the first use of memory


def measure_precision(config: Config, batch_size: int, num_classes: int, repeats: int) -> dict:
    """Runs the steps of all variants in turns, then each alone for its memory.

    Args:
      repeats: rounds in turns.

    Returns:
      "variants": name -> {"images_per_second", "lowest", "highest", "ratio": how many times as
      fast as the step in float32, the median of the rounds, "peak_memory" bytes of a process that
      runs nothing else, "gpu_peak_memory" bytes}, memory None where it is not known; and the sizes.
    """
    steps = {name: _step(config, batch_size, num_classes, *v) for name, v in VARIANTS.items()}
    times = {name: [] for name in steps}
    label = f"{config.model.name} batch {batch_size}"
    for _ in tqdm(range(repeats + _WARM_UP), desc=label, unit="round", leave=False):
        for name, step in steps.items():
            times[name].append(call_times(step)[0])
    del steps
    times = {name: values[_WARM_UP:] for name, values in times.items()}
    variants = {}
    for name, values in times.items():
        ratios = [a / b for a, b in zip(times["float32"], values, strict=True)]
        variants[name] = {
            **speed([batch_size / value for value in values]),
            "ratio": statistics.median(ratios),
            **in_new_process(_memory_here, config, batch_size, num_classes, *VARIANTS[name]),
        }
    return {
        "network": config.model.name,
        "input_size": list(config.input_size),
        "batch_size": batch_size,
        "num_classes": num_classes,
        "repeats": repeats,
        "variants": variants,
    }


def _step(config, batch_size, num_classes, policy, compiled):
    names = [f"class {n}" for n in range(num_classes)]
    detector = build_detector(config, names, policy)
    detector.compile_gradients = compiled
    detector.compile(optimizer=make_optimizer(config.train.optimizer, learning_rate=0.0))
    return train_step(detector, make_batch(detector, batch_size, config.data.max_boxes))


def _memory_here(config, batch_size, num_classes, policy, compiled) -> dict:
    step = _step(config, batch_size, num_classes, policy, compiled)
    for _ in range(_WARM_UP):
        step()
    return {"peak_memory": peak_memory(), "gpu_peak_memory": gpu_peak_memory()}
