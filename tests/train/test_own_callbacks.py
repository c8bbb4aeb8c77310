"""Callbacks that a recipe names: made, called with the figures, refused in one line."""

import pytest
import tf_keras

from yolo_tf.errors import UserError
from yolo_tf.runs.folder import RunFolder
from yolo_tf.train.loop import train
from yolo_tf.train.own_callbacks import check_resumed, make_callbacks, parse_callback

EPOCHS = []


class Keep(tf_keras.callbacks.Callback):
    def __init__(self, project, tags=()):
        super().__init__()
        self.project, self.tags = project, tags

    def on_epoch_end(self, epoch, logs=None):
        EPOCHS.append((self.project, epoch, dict(logs)))


class Broken(tf_keras.callbacks.Callback):
    def __init__(self):
        raise RuntimeError("no login")


NAME = f"{__name__}.Keep"


def test_a_training_calls_them_with_the_figures_of_an_epoch(recipe, tmp_path, no_pictures):
    EPOCHS.clear()
    config = recipe(val=True, callbacks=(f"{NAME}(project='cells')",))
    train(config, RunFolder(tmp_path / "run"))
    assert [(name, epoch) for name, epoch, _ in EPOCHS] == [("cells", 0), ("cells", 1)]
    assert {"loss", "AP", "AP50"} <= EPOCHS[1][2].keys()
    assert RunFolder(tmp_path / "run").read_recipe()[0].train.callbacks == config.train.callbacks


def test_arguments_are_literals():
    spec = parse_callback("a.b.C(name='x', tags=['y', 1], on=True, rate=-1e-3)")
    assert (spec.module, spec.name) == ("a.b", "C")
    assert spec.arguments == {"name": "x", "tags": ["y", 1], "on": True, "rate": -1e-3}
    assert make_callbacks(("tf_keras.callbacks.TerminateOnNaN",))
    assert make_callbacks((f"{NAME}(project=1, tags=('a',))",))[0].tags == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Keep", "no dotted path of a class"),
        ("a.B(1)", "an argument without a name"),
        ("a.B(**{})", "no dotted path of a class"),
        ("a.B(x=open('f'))", "malformed node"),
        ("a.B(", "was never closed"),
        ("a()().B", "no dotted path"),
        ("no_such_module.B", r"no_such_module cannot be imported \(ModuleNotFoundError"),
        ("os.path.join", "expected a subclass of tf_keras.callbacks.Callback"),
        (f"{__name__}.Missing", "found nothing under Missing"),
        (f"{NAME}()", "missing 1 required positional argument: 'project'"),
        (f"{__name__}.Broken", "RuntimeError: no login"),
    ],
)
def test_what_is_wrong_is_one_line(text, message):
    with pytest.raises(UserError, match=message) as error:
        make_callbacks((text,))
    assert str(error.value).startswith("config.train.callbacks: ")
    assert "\n" not in str(error.value)


def test_a_resumed_run_does_not_import_what_it_names():
    with pytest.raises(UserError, match="if you trust it, resume with"):
        check_resumed((NAME,), given=False)
    check_resumed((NAME,), given=True)
    check_resumed((), given=False)
