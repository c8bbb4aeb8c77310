"""Several runs side by side: one table, one image."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator

from yolo_tf.config import Config, to_dict
from yolo_tf.errors import UserError
from yolo_tf.files import markdown_table, write_text
from yolo_tf.runs.folder import RunFolder
from yolo_tf.runs.results import read_rows
from yolo_tf.visualize.plots import finite_number, new_figure, short, write_figure

_PANELS = ("AP50", "AP", "val_loss", "loss")
# Settings that tell runs apart without changing what they learn.
_UNTOLD = ("model.cfg", "train.tensorboard", "train.report", "train.profile")


@dataclass(frozen=True)
class Run:
    """What a run folder tells of a training."""

    name: str
    config: Config
    rows: list[dict]  # of results.csv

    def values(self, column: str) -> tuple[list[int], list[float]]:
        """Epochs and values of a column, where it has a number."""
        pairs = [(int(r["epoch"]), finite_number(r.get(column))) for r in self.rows]
        pairs = [(epoch, value) for epoch, value in pairs if value is not None]
        return [epoch for epoch, _ in pairs], [value for _, value in pairs]


def read_runs(paths: list[str]) -> list[Run]:
    """The runs in some folders, named by what of their paths differs.

    Raises:
      UserError: a folder is no run, or has finished no epoch, or is named twice.
    """
    folders = [Path(path) for path in paths]
    runs = []
    for folder, name in zip(folders, _names(folders), strict=True):
        run = RunFolder(folder)
        config, rows = run.read_recipe()[0], read_rows(run.results)
        if not rows:
            raise UserError(f"{folder}: no epoch is finished there ({run.results.name} has no row)")
        runs.append(Run(name, config, rows))
    return runs


def table(runs: list[Run]) -> str:
    """Markdown: a row a run; then the settings in which the runs differ.

    The figures are of the epoch that was best by the run's own `train.best_metric`; "images/s" is
    the median of the epochs.
    """
    titles = ["run", "network", "input", "epochs", "best epoch", "AP50", "AP", "last AP50"]
    lines = markdown_table([*titles, "last AP", "images/s", "minutes"], [_row(run) for run in runs])
    different = differences([run.config for run in runs])
    if different:
        rows = [[name, *map(str, values)] for name, values in different.items()]
        lines += ["", *markdown_table(["setting", *(run.name for run in runs)], rows)]
    return "\n".join(lines)


def differences(configs: list[Config]) -> dict[str, list]:
    """Name of a setting, such as "train.epochs" -> its value in each config, "-" for none."""
    flat = [_flat(to_dict(config)) for config in configs]
    names = dict.fromkeys(name for values in flat for name in values)
    found = {name: [values.get(name, "-") for values in flat] for name in names}
    return {
        name: values
        for name, values in found.items()
        if name not in _UNTOLD and any(value != values[0] for value in values)
    }


def draw(runs: list[Run], path: Path) -> None:
    """Average precision and losses over the epochs, a line a run."""
    figure = new_figure(10, 7)
    for axis, column in zip(figure.subplots(2, 2, sharex=True).flat, _PANELS, strict=True):
        for run in runs:
            axis.plot(*run.values(column), label=short(run.name, 40), marker=".", linewidth=1.3)
        axis.set(title=column, xlabel="epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axis.tick_params(labelbottom=True)
        axis.grid(alpha=0.3)
        if "loss" not in column:
            axis.set_ylim(0, 1)
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=min(len(runs), 3), fontsize=9)
    write_figure(figure, path)


def compare(paths: list[str], output: Path) -> str:
    """Writes compare.md and compare.png into a folder; returns the table."""
    runs = read_runs(paths)
    text = table(runs)
    write_text(output / "compare.md", text + "\n")
    draw(runs, output / "compare.png")
    return text


def _row(run: Run) -> list[str]:
    height, width = run.config.input_size
    epochs, best = run.values(run.config.train.best_metric)
    at = epochs[int(np.argmax(best))] if best else None
    done, all_epochs = int(run.rows[-1]["epoch"]), run.config.train.epochs
    progress = str(done) if done >= all_epochs else f"{done} of {all_epochs}"
    cells = [run.name, run.config.model.name, f"{width}x{height}", progress]
    cells += ["-" if at is None else str(at)]
    for place in (at, None):
        for column in ("AP50", "AP"):
            values = dict(zip(*run.values(column), strict=True))
            value = values.get(place) if place else next(reversed(values.values()), None)
            cells.append("-" if value is None else f"{value:.4f}")
    speeds, seconds = run.values("images_per_second")[1], run.values("seconds")[1]
    cells.append(f"{np.median(speeds):.1f}" if speeds else "-")
    return [*cells, f"{sum(seconds) / 60:.1f}"]


def _names(folders: list[Path]) -> list[str]:
    """The last parts of the paths that tell them apart."""
    whole = [folder.absolute().parts for folder in folders]
    for folder, parts in zip(folders, whole, strict=True):
        if whole.count(parts) > 1:
            raise UserError(f"{folder}: named twice; name each run once")
    length = 1
    while len({parts[-length:] for parts in whole}) < len(whole):
        length += 1
    return ["/".join(parts[-length:]) for parts in whole]


def _flat(value, name: str = "") -> dict:
    """Nested dicts -> "a.b" -> value."""
    if not isinstance(value, dict):
        return {name: value}
    flat = {}
    for key, item in value.items():
        flat |= _flat(item, f"{name}.{key}" if name else str(key))
    return flat
