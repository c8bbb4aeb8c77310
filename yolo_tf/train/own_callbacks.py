"""Keras callbacks that a recipe names, such as those of W&B: `config.train.callbacks`."""

import ast
import importlib
from typing import NamedTuple

import tf_keras

from yolo_tf.errors import UserError

_FORM = "package.module.Class or package.module.Class(name=value)"


class CallbackSpec(NamedTuple):
    """A callback as a recipe names it."""

    text: str
    module: str
    name: str
    arguments: dict  # keyword -> Python literal


def parse_callback(text: str) -> CallbackSpec:
    """Reads `package.module.Class` or `package.module.Class(name=value, ...)`.

    Values are Python literals: numbers, texts, lists, dicts, True, None. Nothing is imported.

    Raises:
      UserError: the text is not of this form.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        arguments = {}
        if isinstance(node, ast.Call):
            if node.args:
                raise ValueError("an argument without a name")
            arguments = {word.arg: ast.literal_eval(word.value) for word in node.keywords}
            node = node.func
        module, _, name = ast.unparse(node).rpartition(".")
        if None in arguments or not module or not all(map(str.isidentifier, module.split("."))):
            raise ValueError("no dotted path of a class")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"config.train.callbacks: {text!r}: {error}; expected {_FORM}") from None
    return CallbackSpec(text, module, name, arguments)


def make_callbacks(texts: tuple[str, ...]) -> list[tf_keras.callbacks.Callback]:
    """Imports and makes the callbacks of a recipe, in their order.

    Raises:
      UserError: a text is not of the form, its module or class is missing, is no callback of
        tf_keras, or does not take the arguments.
    """
    return [_make(parse_callback(text)) for text in texts]


def check_resumed(texts: tuple[str, ...], given: bool) -> None:
    """Asks for the callbacks of a run again: they are code, and the run may be a stranger's.

    Args:
      texts: of the run's recipe.
      given: whether the command line names them.

    Raises:
      UserError: there are some, and they were not given.
    """
    if texts and not given:
        raise UserError(
            f"config.train.callbacks: the run has {', '.join(texts)}, which is code of other"
            f" packages; if you trust it, resume with --config.train.callbacks={texts!r}, or"
            " without it by --config.train.callbacks='()'"
        )


def _make(spec: CallbackSpec) -> tf_keras.callbacks.Callback:
    where = f"config.train.callbacks: {spec.text!r}"
    try:
        module = importlib.import_module(spec.module)
    except Exception as error:  # noqa: BLE001 - code of others raises what it likes
        raise UserError(
            f"{where}: {spec.module} cannot be imported ({type(error).__name__}: {error});"
            " expected a module that is installed or in PYTHONPATH"
        ) from None
    made = getattr(module, spec.name, None)
    if not isinstance(made, type) or not issubclass(made, tf_keras.callbacks.Callback):
        found = "nothing" if made is None else f"{made!r}"
        raise UserError(
            f"{where}: found {found} under {spec.name}, expected a subclass of"
            " tf_keras.callbacks.Callback (of tf_keras, not of keras 3)"
        )
    try:
        return made(**spec.arguments)
    except Exception as error:  # noqa: BLE001
        raise UserError(f"{where}: {type(error).__name__}: {error}") from None
