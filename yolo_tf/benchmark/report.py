"""The results of the benchmark for people (a table) and for programs (a JSON file)."""

import json
from pathlib import Path

from yolo_tf.benchmark.detection import THRESHOLDS
from yolo_tf.files import write_text


def table(results: dict) -> str:
    """Plain text: a row a figure, median and spread.

    Args:
      results: "machine" as `timing.machine` gives it, and any of "pipeline", "encode", "build"
        (what their measuring functions return), "step", "heads", "detection", "precision" and
        "inference" (lists of that).
    """
    machine = results["machine"]
    load = "unknown" if machine["load"] is None else f"{machine['load']:.1f}"
    accelerators = "".join(f", {name}" for name in machine["accelerators"])
    lines = [
        f"{machine['cores']} cores ({machine['processor']}){accelerators}, TensorFlow"
        f" {machine['tensorflow']}, Python {machine['python']}, load average {load} at the start",
        _columns("", "images/s", "lowest", "highest"),
    ]
    if "pipeline" in results:
        lines += _pipeline_rows(results["pipeline"])
    if "encode" in results:
        lines += _encode_rows(results["encode"])
    for step in results.get("step", ()):
        lines += _step_rows(step)
    if "heads" in results:
        lines += _head_rows(results["heads"])
    for found in results.get("detection", ()):
        lines += _detection_rows(found)
    for found in results.get("precision", ()):
        lines += _precision_rows(found)
    for found in results.get("inference", ()):
        lines += _inference_rows(found)
    if "build" in results:
        lines += _build_rows(results["build"])
    return "\n".join(lines)


def write_results(results: dict, path: Path) -> None:
    """Writes the results as JSON, whole or not at all."""
    write_text(path, json.dumps(results, indent=2, allow_nan=False) + "\n")


def _pipeline_rows(found: dict) -> list[str]:
    image = f"{found['mean_pixels'] / 1e6:.2f} MP, {found['mean_bytes'] / 1e3:.0f} kB"
    figures = dict(found["figures"])
    rows = [_row(f"decode {image} and resize", figures.pop("bound"))]
    rows[0] += "".join(f"{text:>10}" for text in ("share", "processor"))
    for name, speed in figures.items():
        shares = "".join(f"{speed[key]:>10.2f}" for key in ("share", "processor_share"))
        label = f"pipeline to {_size(found)}: {name}"
        rows.append(_row(label, speed) + shares)
    return rows


def _encode_rows(found: dict) -> list[str]:
    where = f"{found['boxes']} boxes, {found['levels']} levels, batch {found['batch_size']}"
    return [
        _row(f"encode, {where}", found["stream"]),
        _row("  one call after the other", found["single"]),
    ]


def _step_rows(found: dict) -> list[str]:
    where = f"{found['network']} {_size(found)}, batch {found['batch_size']}"
    low, middle, high = found["pair_ratio"]
    rows = [
        _row(f"bare step, {where}", found["bare"]),
        _row(f"train step, {where}", found["train"]),
        _columns("  train / bare, time of a step", f"{found['ratio']:.3f}"),
        _columns(
            "  the same of each pair: median, quartiles", *(f"{r:.3f}" for r in (middle, low, high))
        ),
        _columns("  the same of the fastest steps", f"{found['fastest_ratio']:.3f}"),
        _columns("  the same of processor time", f"{found['processor_ratio']:.3f}"),
    ]
    if found["peak_memory"] is not None:
        rows.append(_columns("  most memory so far, GB", f"{found['peak_memory'] / 1e9:.2f}"))
    return rows


def _head_rows(found: list[dict]) -> list[str]:
    titles = ("head, ms", "step, ms", "share, %", "of CPU, %", "added, MB", "largest")
    rows = [_columns("loss, assignment and their gradient", *titles)]
    for head in found:
        milliseconds = (head["head_seconds"] * 1e3, head["step_seconds"] * 1e3)
        shares = (head["share"] * 100, head["processor_share"] * 100)
        memory = (head["added_memory"], head["largest_tensor"])
        figures = [*map(_number, milliseconds), *(f"{share:.1f}" for share in shares)]
        figures += ["" if size is None else _number(size / 1e6) for size in memory]
        where = f"{head['network']} {_size(head)}, batch {head['batch_size']}"
        rows.append(_columns(f"{head['name']}, {where}", *figures))
    return rows


def _detection_rows(found: dict) -> list[str]:
    title = f"{found['network']} {_size(found)}, one image"
    parts = ("resize", "candidates", "suppression")
    columns = ("ms", "share, %", "quartiles", "resize", "decode", "NMS", "pairs", "found")
    rows = [
        _columns(title, *columns),
        _columns("  network alone", _number(found["network_seconds"] * 1e3)),
    ]
    for name, threshold in THRESHOLDS.items():
        part = found[name]
        figures = [part["seconds"] * 1e3, *(part["parts"][key] * 1e3 for key in parts)]
        seconds, *shares = map(_number, figures)
        quartiles = "-".join(f"{100 * share:.1f}" for share in part["quartiles"])
        counts = (f"{part[key]:,}" for key in ("candidates", "detections"))
        label = f"  image to detections above {threshold}"
        rows.append(
            _columns(label, seconds, f"{100 * part['share']:.1f}", quartiles, *shares, *counts)
        )
    return rows


def _precision_rows(found: dict) -> list[str]:
    title = f"{found['network']} {_size(found)}, batch {found['batch_size']}"
    rows = [_columns(title, "images/s", "lowest", "highest", "ratio", "GB", "GPU, GB")]
    for name, variant in found["variants"].items():
        memory = (variant["peak_memory"], variant["gpu_peak_memory"])
        figures = [
            f"{variant['ratio']:.2f}",
            *("" if m is None else f"{m / 1e9:.2f}" for m in memory),
        ]
        rows.append(_row(f"  {name}", variant) + "".join(f"{text:>10}" for text in figures))
    return rows


def _inference_rows(found: dict) -> list[str]:
    rows = []
    for batch, formats in found["batches"].items():
        title = f"{found['network']} {_size(found)}, batch {batch}"
        rows.append(_columns(title, "images/s", "lowest", "highest", "ms", "x OpenCV", "x float32"))
        for name, figures in formats.items():
            ratios = (figures["ratio"], figures["float32_ratio"])
            texts = [_number(figures["milliseconds"])]
            texts += ["" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
            rows.append(_row(f"  {name}", figures) + "".join(f"{text:>10}" for text in texts))
    return rows


def _build_rows(found: dict) -> list[str]:
    boxes = f"{found['boxes'] / found['images']:.1f} boxes"
    return [
        _row(f"read, hash, write {found['mean_bytes'] / 1e3:.0f} kB", found["bytes"]),
        _row(f"build, one process, {boxes}", found["build"]),
        _columns("  build / bytes alone", f"{found['ratio']:.2f}"),
        _columns("  the same of processor time", f"{found['processor_ratio']:.2f}"),
    ]


def _row(label: str, found: dict) -> str:
    figures = (found["images_per_second"], found["lowest"], found["highest"])
    return _columns(label, *map(_number, figures))


def _columns(label: str, *texts: str) -> str:
    return f"{label:<44}" + "".join(f"{text:>10}" for text in texts)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _size(found: dict) -> str:
    height, width = found["input_size"]
    return f"{width}x{height}"
