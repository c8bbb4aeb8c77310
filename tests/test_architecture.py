"""The rules of docs/architecture.md that can be read from the source, for the parts of yolo_tf."""

import ast
import functools
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "yolo_tf"
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50  # without the docstring

# Part of yolo_tf -> the parts it may import, inside functions too. Imports run one way:
# cli -> loading, detect -> train, evaluate, export -> build -> detector, models, heads -> ops.
_BASE = {"config", "errors", "files", "text_files"}
_NETWORK = _BASE | {
    "build",
    "config_check",
    "config_io",
    "darknet",
    "detections",
    "detector",
    "gradients",
    "heads",
    "metrics",
    "models",
    "ops",
    "photo_detector",
    "recipe_files",
}
_TASKS = _NETWORK | {"darknet_model", "data", "evaluate", "export", "train", "visualize"}
MAY_IMPORT = {
    "config": {"config_heads"},
    "config_heads": set(),
    "errors": set(),
    "files": set(),
    "text_files": {"errors"},
    "quiet": set(),
    "tables": set(),
    "config_check": _BASE,
    "config_io": _BASE | {"config_check"},
    "ops": set(),
    "metrics": set(),
    "data": _BASE | {"ops"},
    "visualize": _BASE | {"ops"},
    "models": _BASE | {"ops"},
    "heads": _BASE | {"ops"},
    "darknet": _BASE | {"heads", "models", "ops"},
    "gradients": {"heads"},
    "detections": _BASE | {"config_io", "visualize"},
    "photo_detector": _BASE | {"data", "detections", "ops", "visualize"},
    "detector": _BASE | {"gradients", "heads", "metrics", "ops", "photo_detector"},
    "build": _BASE | {"darknet", "detector", "heads", "models", "ops"},
    "recipe_files": _BASE | {"config_check", "config_io", "darknet"},
    "darknet_model": _NETWORK | {"data"},
    "yolox_model": _NETWORK | {"data"},
    "evaluate": _NETWORK | {"data", "visualize"},
    "export": _NETWORK | {"darknet_model", "data", "quiet"},
    "train": _NETWORK | {"data", "evaluate", "visualize"},
    "loading": _TASKS,
    "detect": _TASKS | {"loading"},
    "convert": _TASKS | {"loading", "yolox_model"},
    "check_dataset": _TASKS,
    "compare": _TASKS | {"tables"},
    "export_model": _TASKS | {"tables"},
    "fit_anchors": _TASKS,
    "visualize_data": _TASKS,
    "benchmark": _NETWORK | {"data", "export", "train"},
    "cli": _TASKS
    | {
        "benchmark",
        "check_dataset",
        "compare",
        "convert",
        "detect",
        "export_model",
        "fit_anchors",
        "loading",
        "quiet",
        "visualize_data",
    },
    "fitting": _TASKS,
    "__init__": set(),  # what it offers it imports when asked
}
# Unpickling runs code and plain XML parsers expand bombs; no file of a user meets them.
UNSAFE = {"pickle", "marshal", "shelve", "dill"}
XML_TYPES = {"Element", "ParseError", "TreeBuilder"}  # of xml.etree.ElementTree: no parser

FILES = sorted(PACKAGE.rglob("*.py"))
OTHER_FILES = sorted(
    path for folder in ("scripts", "configs", "tests") for path in (ROOT / folder).rglob("*.py")
)
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _imports(path: Path) -> list[tuple[int, str]]:
    """(line, full module name) of every import, wherever it stands in the file."""
    found = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write the full name, not a relative one"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.append((node.lineno, full if _is_module(full) else node.module))
    return found


def _own_imports(path: Path) -> list[tuple[int, str]]:
    return [(line, name) for line, name in _imports(path) if name.split(".")[0] == "yolo_tf"]


def _part(module: str) -> str:
    return [*module.split("."), "__init__"][1]


@each_file
def test_imports_run_one_way(path):
    part = _part(_module(path))
    assert part in MAY_IMPORT, f"{part} is new in yolo_tf: say in MAY_IMPORT what it may import"
    for line, name in _own_imports(path):
        target = _part(name)
        assert target == part or target in MAY_IMPORT[part], (
            f"{path.relative_to(ROOT)}:{line}: {part} must not import {name};"
            f" it may import {', '.join(sorted(MAY_IMPORT[part])) or 'nothing of yolo_tf'}"
        )


def test_the_table_of_parts_has_no_cycle():
    open_parts = dict(MAY_IMPORT)
    while open_parts:
        free = [part for part, targets in open_parts.items() if not targets & open_parts.keys()]
        assert free, f"MAY_IMPORT allows a cycle among {sorted(open_parts)}"
        for part in free:
            del open_parts[part]


def test_modules_have_no_import_cycle():
    graph = {_module(path): {name for _, name in _own_imports(path)} for path in FILES}
    done = set()

    def visit(module, trail):
        assert module not in trail, f"import cycle: {' -> '.join([*trail, module])}"
        if module not in done:
            for target in sorted(graph.get(module, ())):
                visit(target, [*trail, module])
            done.add(module)

    for module in graph:
        visit(module, [])


def _family(module: str) -> str | None:
    """The folder of yolo_tf/heads that holds the module; None outside of them."""
    parts = module.split(".")
    inside = parts[:2] == ["yolo_tf", "heads"] and len(parts) > 2
    return parts[2] if inside and (PACKAGE / "heads" / parts[2]).is_dir() else None


@each_file
def test_head_families_do_not_import_each_other(path):
    family = _family(_module(path))
    for line, name in _own_imports(path):
        assert family is None or _family(name) in (None, family), (
            f"{path.relative_to(ROOT)}:{line}: family {family} imports {name};"
            " what both need belongs in ops or heads/base.py"
        )


@each_file
def test_ops_import_tensorflow_alone(path):
    if _part(_module(path)) != "ops":
        return
    allowed = {"tensorflow", "yolo_tf", *sys.stdlib_module_names}
    for line, name in _imports(path):
        assert name.split(".")[0] in allowed, (
            f"{path.relative_to(ROOT)}:{line}: ops imports {name}; TensorFlow alone is allowed"
        )


@pytest.mark.parametrize("path", FILES + OTHER_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_keras_3(path):
    hint = "that is Keras 3; use `import tf_keras`"
    for line, name in _imports(path):
        where = f"{path.relative_to(ROOT)}:{line}: {name}"
        assert name.split(".")[0] != "keras", f"{where}: {hint}"
        assert not name.startswith("tensorflow.keras"), f"{where}: {hint}"
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module == "tensorflow":
            names = [alias.name for alias in node.names]
            assert "keras" not in names, f"{path.relative_to(ROOT)}:{node.lineno}: {hint}"
        if isinstance(node, ast.Attribute) and node.attr == "keras":
            owner = getattr(node.value, "id", "")
            assert owner not in ("tf", "tensorflow"), (
                f"{path.relative_to(ROOT)}:{node.lineno}: {owner}.keras: {hint}"
            )


@each_file
def test_no_parser_that_trusts_its_input(path):
    aliases = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            aliases |= {a.asname or a.name for a in node.names if a.name.split(".")[0] == "xml"}
    for line, name in _imports(path):
        where = f"{path.relative_to(ROOT)}:{line}: {name}"
        assert name.split(".")[0] not in UNSAFE, f"{where} runs code; use numpy, JSON or safe_load"
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in aliases:
            assert node.attr in XML_TYPES, (
                f"{path.relative_to(ROOT)}:{node.lineno}: xml's {node.attr} trusts its input;"
                " use defusedxml.ElementTree"
            )
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "xml":
            names = {alias.name for alias in node.names}
            assert names <= XML_TYPES, f"{path.relative_to(ROOT)}:{node.lineno}: use defusedxml"


@each_file
def test_files_and_functions_are_short(path):
    where = path.relative_to(ROOT)
    count = len(path.read_text(encoding="utf-8").splitlines())
    assert count <= MAX_FILE_LINES, f"{where}: {count} lines, {MAX_FILE_LINES} at most; split it"
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= MAX_FUNCTION_LINES, (
                f"{where}:{node.lineno}: {node.name} has {lines} lines,"
                f" {MAX_FUNCTION_LINES} at most; give its steps names of their own"
            )
