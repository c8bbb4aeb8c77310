"""Limits of the small files that others wrote: each is one line, at once."""

import os
import time

import pytest

from yolo_tf.errors import UserError
from yolo_tf.text_files import check_class_names, check_file, read_json, read_text, read_yaml

BOMB = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(9))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r"found an alias \(\*name\)"),
        ("a: &a {x: 1}\n<<: *a\n", "found an alias"),
        ("[" * 1200 + "]" * 1200, "found more than 16 lists"),
        ("{a: " * 17 + "1" + "}" * 17, "found more than 16 lists"),
        ("x: !!float abc", "could not convert string to float: 'abc'"),
        ("x: !!int abc", "invalid literal for int"),
        ("x: !!timestamp 2020-99-99", "month must be in 1..12"),
        ("x: !!binary é", "failed to convert base64"),
        ("x: " + "9" * 5000, "found a value of more than 3500 characters"),
        ("x: 0x" + "f" * 3600, "found a value of more than 3500 characters"),
        ("x: " + ":".join(["59"] * 2000), "found a value of more than 3500 characters"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("? [a, b]\n: 1", "found unhashable key"),
        ("x: \x1b[31m", "special characters are not allowed"),
        ("x: '" + "a" * 600_000 + "'", "found more than 524288 bytes"),
    ],
)
def test_yaml_within_limits(tmp_path, text, message):
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    start = time.perf_counter()
    with pytest.raises(UserError, match=rf"x\.yaml: .*{message}"):
        read_yaml(path)
    assert time.perf_counter() - start < 5


def test_yaml_as_it_should_be(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("\ufeffa: [1, 2.5, yes]\nb: {c: d}\n", encoding="utf-8")
    assert read_yaml(path) == {"a": [1, 2.5, True], "b": {"c": "d"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000 + "]" * 100_000, "maximum recursion depth"),
        ('{"a":' * 100_000, "maximum recursion depth"),
        ("9" * 5000, "Exceeds the limit"),
        ("{", "Expecting property name"),
        ("[1] [2]", "Extra data"),
        (" " * 2000, "found more than 1000 bytes"),
    ],
)
def test_json_within_limits(tmp_path, text, message):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"x\.json: .*{message}"):
        read_json(path, most=1000 if text.isspace() else 1 << 20)


def test_pipes_devices_and_folders_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path / "link", "/dev/zero"):
        with pytest.raises(UserError, match="found a device or pipe, expected a list"):
            read_text(path, "a list")
    with pytest.raises(UserError, match="found a folder, expected a file"):
        check_file(tmp_path)
    for name in ("missing", "a" * 5000, "a\0b"):
        with pytest.raises(UserError, match="not readable as a file"):
            check_file(tmp_path / name)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "x: found no class name"),
        (["a"] * 40_000, "x: found 40000 classes, expected at most 30000"),
        (["a", "b" * 10_000_000], "x: line 2: found 'b{59}, expected a class name of at most 200"),
        (["\x1b[31mred"], r"x: line 1: found '\\x1b\[31mred', expected .* of printable"),
        (["a", "a\0b"], r"x: line 2: found 'a\\x00b', expected .* of printable"),
        (["a\x9bb"], r"x: line 1: found 'a\\x9bb', expected .* of printable"),
        (["a\u2028b"], r"x: line 1: found 'a\\u2028b', expected .* of printable"),
        (["a\u202eb"], r"x: line 1: found 'a\\u202eb', expected .* of printable"),
        (["a", " "], "x: line 2: found ' ', expected a class name"),
        (["a", ""], "x: line 2: found '', expected a class name"),
        (["a", 3], "x: line 2: found 3, expected a class name"),
        (["a", "b", "a"], "x: line 3: found 'a', which line 1 has, expected every name once"),
    ],
)
def test_class_names_within_limits(names, message):
    with pytest.raises(UserError, match=message):
        check_class_names(names, "x", [f"line {n}" for n in range(1, len(names) + 1)])


def test_class_names_of_every_script():
    names = ["grey wolf", "狼", "a/b", "=1+1", "#3", "ä" * 200, "a\u00a0b", "a\u3000b"]
    check_class_names(names, "x")
