"""Flags, recipes, help, and mistakes on the command line."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("build_tfrecords", "train", "evaluate", "export", "detect")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_teaches(command, name, flag):
    done = command(name, flag)
    assert done.code == 0
    assert done.err == ""
    assert f"  scripts/{name}.py --" in done.out  # an example
    assert "\nFlags:\n" in done.out
    assert "--output: " in done.out or name == "train"
    assert max(map(len, done.out.splitlines())) <= 100


def test_help_lists_the_flags_with_their_defaults(command):
    out = command("detect", "--model=x", "--help").out
    assert "  --model: Run folder, export, or one file of it." in out
    assert "  --score_threshold: Detections must score at least this. Default: '0.25'." in out
    assert "  --config: Recipe: " in command("train", "--help").out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "recipe       yolo_n: no weights are given (--config=yolo_n; --config chooses an"),
        (["--config=shapes"], ""),
    ],
)
def test_the_recipe_where_none_is_named(command, tmp_path, monkeypatch, flags, said):
    monkeypatch.chdir(tmp_path)
    done = command("train", "--workdir=x", "--data=nothing", *flags)
    assert done.error().startswith("--data: found 'nothing'")
    assert done.out.startswith(said) if said else not done.out


@pytest.mark.parametrize(
    ("name", "flags", "missing"),
    [
        ("train", [], "--workdir is missing: name the run folder, for example runs/cells"),
        ("train", ["--workdir=x"], "--config is missing: name a recipe; packaged ones: darknet"),
        ("train", ["--workdir=x", "--config=shapes"], "--config.data.train is missing: the pat"),
        ("train", ["--workdir=x", "--resume", "--dry_run"], "--resume and --dry_run exclude each"),
        ("evaluate", [], "--model is missing (--help shows an example)"),
        ("evaluate", ["--model=x"], "--data is missing"),
        ("evaluate", ["--model=x", "--data=y"], "--output is missing"),
        ("export", ["--model=x"], "--output is missing"),
        ("detect", ["--model=x", "--output=y"], "--input is missing"),
    ],
)
def test_a_missing_flag(command, tmp_path, monkeypatch, name, flags, missing):
    monkeypatch.chdir(tmp_path)
    assert command(name, *flags).error().startswith(missing)
    assert not list(tmp_path.iterdir())


RECIPE = ("--workdir=none", "--config=shapes")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--config=shape"], "--config=shape: no such file; packaged recipes: darknet"),
        (["--config"], "--config=: no such file"),
        (["--config=README.md"], "README.md: found no Python file (NAME.py), expected a recipe"),
        (
            [*RECIPE, "--config.train.epocs=3"],
            "--config.train.epocs: config.train has no 'epocs'; did you mean 'epochs'?",
        ),
        (
            ["--config.modle.name=yolov3", *RECIPE],
            "--config.modle.name: config has no 'modle'; did you mean 'model'?",
        ),
        ([*RECIPE, "--config.zzz=3"], "config has no 'zzz'; it has input_size, model, head, nms"),
        ([*RECIPE, "--noconfig.data.cash"], "config.data has no 'cash'; did you mean 'cache'?"),
        ([*RECIPE, "--config.train.epochs.x=3"], "config.train.epochs is a single value"),
        ([*RECIPE, "--config.train=3"], "--config.train: is a group of values; set one of its"),
        ([*RECIPE, "--config.head.anchors=3"], "cannot be set by a flag; write a recipe file"),
        ([*RECIPE, "--config.train.epochs=many"], "config.train.epochs=many: invalid literal for"),
        ([*RECIPE, "--config.train.epochs=many"], "; expected int (--help explains the flags)"),
        ([*RECIPE, "--config.train.epochs=2.5"], "; expected int (--help"),
        ([*RECIPE, "--config.train.tensorboard=perhaps"], "; expected bool (--help"),
        ([*RECIPE, "--config.train.optimizer.learning_rate=x"], "; expected float (--help"),
        ([*RECIPE, "--config.train.epochs"], "Missing value for flag --config.train.epochs"),
        ([*RECIPE, "--wrokdir=x"], "Unknown command line flag 'wrokdir'. Did you mean: workdir"),
        ([f"--config={'z' * 300}.py"], "zzz.py: File name too long"),
        ([*RECIPE, "--noresume=3"], "--noresume=3 does not take an argument"),
        ([*RECIPE, "runs/x"], "unexpected argument 'runs/x': give settings as --name=value"),
    ],
)
def test_a_wrong_flag(command, monkeypatch, flags, message):
    monkeypatch.chdir(ROOT)
    assert message in command("train", *flags).error()


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        (
            "detect",
            ["--checkpoint=bst"],
            "flag --checkpoint=bst: value should be one of <best",
        ),
        ("detect", ["--score_threshold=2"], "flag --score_threshold=2: 2.0 is not"),
        ("evaluate", ["--batch_size=0"], "flag --batch_size=0: 0 is not a positive integer"),
        ("export", ["--max_detections=x"], "flag --max_detections=x: invalid literal"),
        ("evaluate", ["--modle=x"], "Unknown command line flag 'modle'. Did you mean: model"),
        ("evaluate", ["runs/x"], "unexpected argument 'runs/x'"),
    ],
)
def test_a_wrong_flag_of_other_commands(command, name, flags, message):
    assert message in command(name, *flags).error()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def get_config(:\n", "line 1: SyntaxError: invalid syntax"),
        ("import yolo_tf.nothing\n", "line 1: ModuleNotFoundError: No module named"),
        ("\nx = y\n", "line 2: NameError: name 'y' is not defined"),
        ("x = 3\n", "AttributeError: module 'recipe' has no attribute 'get_config'"),
        ("def get_config():\n    return {}\n", "get_config() returned dict, expected yolo_tf.conf"),
        (
            "from yolo_tf.config import Config\ndef get_config():\n    return Config(epochs=3)\n",
            "line 3: TypeError: Config.__init__() got an unexpected keyword argument 'epochs'",
        ),
    ],
)
def test_a_recipe_with_a_mistake(command, tmp_path, text, message):
    path = tmp_path / "recipe.py"
    path.write_text(text)
    error = command("train", f"--config={path}").error()
    assert error.startswith(f"{path}: ")
    assert message in error


@pytest.mark.parametrize(
    "flags",
    [
        ["--config=shapes", "--config.train.epochs=7", "--config.input_size=64,96"],
        ["--config.train.epochs=7", "--config.input_size=64,96", "--config", "shapes"],
        ["-config=configs/shapes.py", "--config.train.epochs", "7", "--config.input_size=(64, 96)"],
    ],
)
def test_values_are_changed_wherever_they_stand(command, monkeypatch, tmp_path, flags):
    from yolo_tf.train import loop

    seen = []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(loop, "train", lambda config, run, resume: seen.append((config, resume)))
    extra = [f"--workdir={tmp_path}", "--config.data.train=x", "--config.train.optimizer.nesterov"]
    done = command("train", *flags, *extra)
    assert (done.code, done.err) == (0, "")
    config, resume = seen[0]
    assert config.train.epochs == 7
    assert tuple(config.input_size) == (64, 96)
    assert config.train.optimizer.nesterov is True
    assert config.train.optimizer.name == "adamw"  # of the recipe
    assert resume is False


@pytest.mark.parametrize(
    "flags",
    [
        ["--config.input_size=96,96", "--config.input_size=64,96"],
        ["--config.input_size", "96,96", "--config.input_size=64,96"],
        ["--config.input_size=1,1", "-config.input_size=2,2", "--config.input_size", "64,96"],
    ],
)
def test_the_last_of_two_settings_counts_and_a_line_says_so(command, monkeypatch, tmp_path, flags):
    from yolo_tf.train import loop

    seen = []
    monkeypatch.setattr(loop, "train", lambda config, run, resume: seen.append(config))
    common = [f"--workdir={tmp_path}", "--config=shapes", "--config.data.train=x"]
    nesterov = ["--config.train.optimizer.nesterov", "--noconfig.train.optimizer.nesterov"]
    done = command("train", *common, *flags, *nesterov)
    assert done.code == 0
    assert tuple(seen[0].input_size) == (64, 96)
    assert seen[0].train.optimizer.nesterov is False
    assert "warning: --config.input_size: given twice, " in done.err
    assert "and 64,96: 64,96 counts" in done.err
    assert "--config.train.optimizer.nesterov: given twice, true and false: false" in done.err


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        ("build_tfrecords", ["--split=train", "--split=val"], "--split: given twice, train and"),
        ("build_tfrecords", ["--skip_bad", "--noskip_bad"], "--skip_bad: given twice, true and"),
        ("detect", ["--formats", "json", "-formats=csv"], "--formats: given twice, json and csv"),
        ("train", ["--config=shapes", "--config=yolov3"], "--config: given twice, shapes and yol"),
        ("train", ["--workdir=a", "--config=shapes", "--workdir", "b"], "--workdir: given twice"),
        ("compare", ["runs/a", "--output=a", "runs/b", "--output=b"], "--output: given twice"),
    ],
)
def test_a_flag_given_twice(command, name, flags, message):
    assert message in command(name, *flags).error()


def test_a_flag_given_twice_alike_does_no_harm(command, monkeypatch, tmp_path):
    from yolo_tf.train import loop

    seen = []
    monkeypatch.setattr(loop, "train", lambda config, run, resume: seen.append(config))
    flags = ["--config=shapes", "--config.data.train=x", f"--workdir={tmp_path}"]
    done = command("train", *flags, *flags)
    assert (done.code, done.err, len(seen)) == (0, "", 1)


def test_a_dry_run(command, monkeypatch, tmp_path):
    from yolo_tf.train import loop

    seen = []
    monkeypatch.setattr(loop, "dry_run", lambda config, run: seen.append((config, run)))
    flags = [f"--workdir={tmp_path}/run", "--config=shapes", "--config.data.train=x", "--dry_run"]
    assert command("train", *flags).code == 0
    ((config, run),) = seen
    assert (config.data.train, run.path) == ("x", tmp_path / "run")


def resumed(command, monkeypatch, run, *flags):
    from yolo_tf.train import loop

    seen = []
    monkeypatch.setattr(loop, "train", lambda config, run, resume: seen.append(config))
    done = command("train", f"--workdir={run}", "--resume", *flags)
    return done, seen[0] if seen else None


def test_resume_takes_the_runs_own_recipe(command, monkeypatch, tiny_run):
    done, config = resumed(command, monkeypatch, tiny_run, "--config.train.epochs=9")
    assert done.code == 0
    assert config.train.epochs == 9
    assert tuple(config.input_size) == (64, 96)


def test_resume_with_the_same_flags_again(command, monkeypatch, tiny_run):
    flags = ["--config=shapes", "--config.train.batch_size=8", "--config.input_size=64,96"]
    done, config = resumed(command, monkeypatch, tiny_run, *flags)
    assert done.code == 0
    assert "the file of --config is not used" in done.out
    assert config.train.batch_size == 8


def test_resume_with_another_setting(command, monkeypatch, tiny_run):
    done, _ = resumed(command, monkeypatch, tiny_run, "--config.train.batch_size=4")
    assert done.error().startswith("--config.train.batch_size: cannot change in a resumed run")
    assert done.error().endswith("the run has 8")


def test_resume_of_nothing(command, monkeypatch, tmp_path):
    done, _ = resumed(command, monkeypatch, tmp_path)
    assert done.error() == f"{tmp_path}: no run folder (it has no config.yaml)"


def test_ctrl_c_is_no_traceback(command, monkeypatch, tmp_path):
    from yolo_tf.train import loop

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "train", stop)
    done = command("train", f"--workdir={tmp_path}", "--config=shapes", "--config.data.train=x")
    assert (done.code, done.err) == (130, "stopped\n")


def test_a_bug_keeps_its_traceback(command, monkeypatch, tmp_path):
    from yolo_tf.train import loop

    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(loop, "train", fail)
    with pytest.raises(ZeroDivisionError):
        command("train", f"--workdir={tmp_path}", "--config=shapes", "--config.data.train=x")


def script(name, *flags, **environment):
    return subprocess.run(
        [sys.executable, f"scripts/{name}.py", *flags],
        cwd=ROOT,
        env={**{k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_and_wrong_flags_do_not_wait_for_tensorflow():
    for flags, code in ((["--help"], 0), (["--workdir=x", "--config=nope"], 1), ([], 1)):
        started = time.perf_counter()
        done = script("train", *flags)
        assert done.returncode == code
        assert time.perf_counter() - started < 2, flags  # the import of TensorFlow alone takes more


def test_a_reader_that_leaves_early_sees_no_traceback():
    end, start = os.pipe()
    os.close(end)
    for command in ("scripts/train.py", "yolo_tf/cli/main.py"):
        process = subprocess.run(
            [sys.executable, command, "--help"],
            cwd=ROOT,
            stdout=start,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert (process.returncode, process.stderr) == (141, ""), command
    os.close(start)


def test_nothing_but_the_error_is_printed(tmp_path):
    done = script("evaluate", "--model=none", "--data=none", f"--output={tmp_path}")
    assert done.returncode == 1
    assert done.stdout == ""
    expected = "error: none: not found; expected a run folder or an export"
    assert done.stderr.splitlines() == [expected]


def test_tensorflows_messages_are_there_for_who_asks(tmp_path):
    flags = ["--model=none", "--data=none", f"--output={tmp_path}"]
    done = script("evaluate", *flags, TF_CPP_MIN_LOG_LEVEL="0")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) > 1
    assert done.stderr.splitlines()[-1].startswith("error: none: not found")
