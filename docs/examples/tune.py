"""Optuna searches settings of a recipe by short trainings (docs/tuning.md).

    pip install optuna
    python docs/examples/tune.py yolo_n 'records/cells-train*' 'records/cells-val*' runs/tuning \
        --trials=20 --epochs=10

Trials lie in FOLDER/trials.db, so that a search that was stopped goes on when it is started again.
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import optuna


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipe")
    parser.add_argument("train")
    parser.add_argument("val")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--flag", action="append", default=[], help="another flag of train")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)

    def average_precision(trial: optuna.Trial) -> float:
        """Trains with settings that the trial proposes; its best AP on the validation data."""
        # What is searched: change these lines. The names are those of the flags --config.NAME.
        proposed = {
            "train.optimizer.learning_rate": trial.suggest_float("lr", 3e-4, 1e-2, log=True),
            "data.augment.mosaic": trial.suggest_float("mosaic", 0.0, 1.0),
            "data.augment.hue": trial.suggest_float("hue", 0.0, 0.1),
        }
        fixed = {"data.train": given.train, "data.val": given.val, "train.report": False}
        fixed["train.epochs"] = given.epochs
        run = given.folder / f"trial_{trial.number:03d}"
        command = [sys.executable, "-m", "yolo_tf.cli.train", f"--config={given.recipe}"]
        command += [f"--workdir={run}", *given.flag]
        command += [f"--config.{name}={value}" for name, value in {**fixed, **proposed}.items()]
        # A process of its own, so that a trial leaves no memory behind.
        subprocess.run(command, check=True)
        with open(run / "results.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return max(float(row["AP"]) for row in rows if row["AP"] not in ("", "nan"))

    study = optuna.create_study(
        direction="maximize",
        study_name="yolo_tf",
        storage=f"sqlite:///{given.folder / 'trials.db'}",
        load_if_exists=True,
    )
    study.optimize(average_precision, n_trials=given.trials)
    print(f"best: trial {study.best_trial.number}, AP {study.best_value:.4f}")
    for name, value in study.best_params.items():
        print(f"  {name} = {value:.4g}")


if __name__ == "__main__":
    main()
