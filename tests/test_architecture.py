"""The rules of docs/architecture.md that can be read from the source."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "yolo_tf"
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50  # without the docstring
MIN_FILE_LINES = 40  # of a file that is neither a package's __init__ nor one of these:
SLIVERS = {
    "__main__.py",  # python -m yolo_tf
    "cli/compare.py",  # a command
    "cli/no_recipe.py",  # a recipe, loaded as recipes are
    "data/records/keys.py",  # names that three files share
    "export/names.py",  # what --help needs of the formats without loading TensorFlow
    "heads/yolox/codec.py",  # each family of heads has one
    "models/network.py",  # how a network is saved
    "ops/replicas.py",  # imports nothing, so that every room may use it
}

# The rooms of yolo_tf by floor: room -> the rooms that it may import, inside functions too, all
# of them on floors below; __init__ imports when asked. "data" is what lies in data/ itself,
# "data.records" a room of its own.
FLOORS = (
    {"errors": "", "moved_names": "", "open_image": "", "ops": "", "patterns": "", "progress": ""},
    {
        "__init__": "moved_names",
        "data": "errors open_image",
        "files": "errors",
        "models": "errors ops",
        "text_files": "errors",
    },
    {
        "config": "errors files text_files",
        "downloads": "errors files",
        "visualize": "files open_image",
    },
    {
        "heads": "config errors files ops",
        "darknet": "config downloads errors files models ops text_files",
        "data.augment": "config data errors moved_names ops",
        "data.records": "config data errors files ops patterns progress text_files",
        "detect": "config data errors files open_image ops patterns progress text_files visualize",
    },
    {
        "data.input": "config data data.augment data.records errors files ops progress text_files",
        "data.sources": "config data data.records errors files text_files",
        "detector": "config darknet data.records detect errors files heads models moved_names ops"
        " text_files",
    },
    {
        "data.build": "config data data.records data.sources errors files moved_names patterns"
        " progress text_files",
        "evaluate": "config data.input data.records detector errors files ops progress text_files"
        " visualize",
        "runs": "config darknet detector errors files patterns text_files visualize",
    },
    {
        "analysis": "config data data.augment data.build data.input data.records data.sources"
        " detector errors files heads open_image ops progress text_files visualize",
        "export": "config darknet data data.input data.records detect detector errors evaluate"
        " files models ops patterns runs progress text_files",
        "train": "config darknet data.augment data.input data.records detector errors evaluate"
        " files models ops runs progress text_files visualize",
    },
    {
        "benchmark": "config data data.augment data.build data.input data.records data.sources"
        " detector errors export files heads models ops runs train visualize",
        "loading": "config detect detector errors export files runs",
    },
    {
        "cli": "analysis benchmark config darknet data data.build data.records data.sources detect"
        " detector downloads errors evaluate export files loading runs text_files train visualize"
    },
    {"__main__": "cli"},
)
# Unpickling runs code and plain XML parsers expand bombs; no file of a user meets them.
UNSAFE = {"pickle", "marshal", "shelve", "dill"}
XML_TYPES = {"Element", "ParseError", "TreeBuilder"}  # of xml.etree.ElementTree: no parser

FILES = sorted(PACKAGE.rglob("*.py"))
OTHER_FILES = sorted(
    path for folder in ("scripts", "configs", "tests") for path in (ROOT / folder).rglob("*.py")
)


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _at(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@functools.cache
def _imports(path: Path) -> list[tuple[int, str]]:
    """(line, full module name) of every import, wherever it stands in the file."""
    found = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_at(path, node.lineno)}: write the full name"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.append((node.lineno, full if _is_module(full) else node.module))
    return found


def _own_imports(path: Path) -> list[tuple[int, str]]:
    return [(line, name) for line, name in _imports(path) if name.split(".")[0] == "yolo_tf"]


def _room(module: str) -> str:
    first, *rest = [*module.split("."), "__init__"][1:]
    if first == "data" and (PACKAGE / "data" / rest[0]).is_dir():
        return f"data.{rest[0]}"
    return first


def test_imports_run_one_way():
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    allowed = {room: set(names.split()) for rooms in FLOORS for room, names in rooms.items()}
    for room, names in allowed.items():
        above = [name for name in names if floor[name] >= floor[room]]
        assert not above, f"FLOORS: {room} may import {above}, which are not below it"
    for path in FILES:
        room = _room(_module(path))
        assert room in allowed, f"{room} is new in yolo_tf: give it a floor in FLOORS"
        for line, name in _own_imports(path):
            assert _room(name) in allowed[room] | {room}, (
                f"{_at(path, line)}: {room} must not import {name};"
                f" it may import {', '.join(sorted(allowed[room])) or 'nothing of yolo_tf'}"
            )


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


def _at_import(path: Path) -> set[str]:
    """The modules that a module imports when it is itself imported: not those of its functions."""
    found, nodes = set(), list(_tree(path).body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines = range(node.lineno, node.end_lineno + 1)
            found |= {name for line, name in _imports(path) if line in lines}
        elif not isinstance(node, ast.FunctionDef):
            nodes += ast.iter_child_nodes(node)
    return found


def test_the_class_that_trains_opens_and_draws_no_images():
    paths = {_module(path): path for path in FILES}
    seen, waiting = {}, {"yolo_tf.detector.detector": None}
    while waiting:
        name, importer = waiting.popitem()
        assert name.split(".")[0] not in ("PIL", "matplotlib", "cv2"), (
            f"{importer} imports {name}, and the class with train_step imports {importer}"
        )
        seen[name] = importer
        new = _at_import(paths[name]) if name in paths else set()
        waiting |= {other: name for other in new if other not in seen}
    assert "yolo_tf.detect.base" in seen


def test_head_families_do_not_import_each_other():
    for path in FILES:
        family = _family(_module(path))
        for line, name in _own_imports(path):
            assert family is None or _family(name) in (None, family), (
                f"{_at(path, line)}: family {family} imports {name};"
                " what both need belongs in ops or heads/base.py"
            )


def test_ops_import_tensorflow_alone():
    allowed = {"tensorflow", "yolo_tf", *sys.stdlib_module_names}
    for path in (PACKAGE / "ops").rglob("*.py"):
        for line, name in _imports(path):
            assert name.split(".")[0] in allowed, f"{_at(path, line)}: ops imports {name}"


def test_no_keras_3():
    hint = "that is Keras 3; use `import tf_keras`"
    for path in FILES + OTHER_FILES:
        for line, name in _imports(path):
            keras_3 = name.split(".")[0] == "keras" or name.startswith("tensorflow.keras")
            assert not keras_3, f"{_at(path, line)}: {name}: {hint}"
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module == "tensorflow":
                names = [alias.name for alias in node.names]
                assert "keras" not in names, f"{_at(path, node.lineno)}: {hint}"
            if isinstance(node, ast.Attribute) and node.attr == "keras":
                owner = getattr(node.value, "id", "")
                assert owner not in ("tf", "tensorflow"), f"{_at(path, node.lineno)}: {hint}"


def test_no_parser_that_trusts_its_input():
    for path in FILES:
        for line, name in _imports(path):
            assert name.split(".")[0] not in UNSAFE, (
                f"{_at(path, line)}: {name} runs code; use numpy, JSON or safe_load"
            )
        _check_xml(path)


def _check_xml(path: Path):
    aliases = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            aliases |= {a.asname or a.name for a in node.names if a.name.split(".")[0] == "xml"}
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in aliases:
            assert node.attr in XML_TYPES, (
                f"{_at(path, node.lineno)}: xml's {node.attr} trusts its input;"
                " use defusedxml.ElementTree"
            )
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "xml":
            names = {alias.name for alias in node.names}
            assert names <= XML_TYPES, f"{_at(path, node.lineno)}: use defusedxml"


def test_images_are_opened_in_one_place():
    for path in FILES:
        for node in ast.walk(_tree(path)):
            call = isinstance(node, ast.Call) and ast.unparse(node.func) == "Image.open"
            assert not call or path.name == "open_image.py", (
                f"{_at(path, node.lineno)}: Image.open may start other programs; use open_image"
            )


def test_files_and_functions_are_short():
    for path in FILES:
        count = len(path.read_text(encoding="utf-8").splitlines())
        where = path.relative_to(ROOT)
        assert count <= MAX_FILE_LINES, f"{where}: {count} lines, at most {MAX_FILE_LINES}"
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                assert lines <= MAX_FUNCTION_LINES, (
                    f"{_at(path, node.lineno)}: {node.name} has {lines} lines,"
                    f" at most {MAX_FUNCTION_LINES}"
                )


def test_no_file_is_a_sliver():
    lengths = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in FILES
        if path.name != "__init__.py"
    }
    short = {name for name, lines in lengths.items() if lines < MIN_FILE_LINES}
    assert not short - SLIVERS, f"fold {short - SLIVERS} into the files that use them"
    assert not SLIVERS - short, f"{SLIVERS - short} are no slivers: take them out of SLIVERS"
    assert len(SLIVERS) <= 10


def test_citations_lead_into_the_repository():
    """Formulas and deviations are cited as "algorithms.md 4.3"; nothing cites another document."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    pages = [ROOT / name for name in tracked.stdout.split() if name.endswith((".py", ".md"))]
    if not pages:  # an unpacked archive
        pages = FILES + OTHER_FILES + sorted((ROOT / "docs").rglob("*.md"))
    known = (ROOT / "docs" / "algorithms.md").read_text(encoding="utf-8")
    numbers = {*re.findall(r"\((\d+\.\d+)\)", known), *re.findall(r"^## (\d+)", known, re.M)}
    foreign = re.compile(r"\bS[P]EC\b|\bH[O]USE\b|\bE\d+\.\d|\b[D]\d\d\b")
    for path in pages:
        text = re.sub(r"\s*\n\s*(# )?", " ", path.read_text(encoding="utf-8"))
        found = foreign.search(text)
        assert not found, f"{path.relative_to(ROOT)}: cites {found[0]}, which is not here"
        for cited in re.findall(r"algorithms\.md\s((?:\d+(?:\.\d+)?(?:, | to | and )?)+)", text):
            for number in re.findall(r"\d+(?:\.\d+)?", cited):
                assert number in numbers, f"{path.relative_to(ROOT)}: algorithms.md has no {number}"
