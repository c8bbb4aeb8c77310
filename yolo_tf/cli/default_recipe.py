"""The recipe of `train` where --config names none: by the weights to start from, else yolo_n."""

from dataclasses import dataclass
from pathlib import Path

from yolo_tf.cli.recipe import NO_RECIPE
from yolo_tf.config import recipes
from yolo_tf.darknet import published
from yolo_tf.errors import UserError


@dataclass(frozen=True)
class DefaultRecipe:
    """A recipe and how it is told.

    Attributes:
      path: of its file.
      argument: that its get_config() takes; "": none.
      flags: that belong to it, before those of the user.
      line: printed.
    """

    path: Path
    argument: str = ""
    flags: tuple[str, ...] = ()
    line: str = ""


def default_recipe(arguments: list[str]) -> DefaultRecipe | None:
    """The recipe for the network of the weights, with the flag --fill_in; None without --data.

    Args:
      arguments: of the command line.

    Raises:
      UserError: weights that do not tell their network.
    """
    values = _values(arguments)
    if "resume" in values or not values.get("data"):
        return None
    if values.get("config.model.cfg"):
        return _packaged("darknet", "the cfg is given")
    weights = values.get("weights") or values.get("config.transfer.source")
    if not weights:
        return _packaged("yolo_n", "no weights are given")
    path = Path(weights)
    if path.is_dir():
        return _of_run(path)
    return _of_file(path) if path.is_file() else _of_name(weights)


def _values(arguments: list[str]) -> dict[str, str]:
    values = {}
    for place, argument in enumerate(arguments):
        name, equals, value = argument.lstrip("-").partition("=")
        values[name] = value if equals else "".join(arguments[place + 1 : place + 2])
    return values


def _packaged(name: str, why: str) -> DefaultRecipe:
    line = f"recipe       {name}: {why} (--config={name}; --config chooses another)"
    return DefaultRecipe(recipes.find_recipe(name), flags=("--fill_in",), line=line)


def _of_cfg(cfg: Path, why: str) -> DefaultRecipe:
    line = (
        f"recipe       {cfg.stem}: {why} (--config=darknet --config.model.cfg={cfg}; --config"
        " chooses another)"
    )
    flags = ("--fill_in", f"--config.model.cfg={cfg}")
    return DefaultRecipe(recipes.find_recipe("darknet"), flags=flags, line=line)


def _of_run(path: Path) -> DefaultRecipe:
    from yolo_tf.runs.recipe_files import run_of

    run = run_of(path, "--weights")
    line = f"recipe       that of the run {run} (--config chooses another)"
    return DefaultRecipe(NO_RECIPE, str(run), ("--fill_in",), line)


def _of_file(path: Path) -> DefaultRecipe:
    cfg = path.with_suffix(".cfg")
    if cfg.is_file():
        return _of_cfg(cfg, f"the network of {path.name}")
    found = published.find(path.name)
    if found and found.networks:
        return _packaged(found.networks[0], f"the network of {path.name}")
    raise UserError(
        f"--weights={path}: nothing tells its network: put its cfg beside it as {cfg.name}, or give"
        " --config=RECIPE, or --config.model.cfg=FILE"
    )


def _of_name(name: str) -> DefaultRecipe:
    found = published.find(name)
    if found is None:
        published.resolve(name, "", ())  # says what is wrong
        raise UserError(f"--weights={name}: not found")
    if found.networks:
        return _packaged(found.networks[0], f"the network of {found.name}")
    return _of_cfg(published.have_cfg(found), f"the network of {found.name}")
