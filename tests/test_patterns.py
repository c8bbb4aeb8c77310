"""Folders are taken as they are named; only the rest of a path is a pattern."""

import os

import pytest

from yolo_tf.patterns import match, plain_name, split_patterns

FOLDERS = (
    "set[1]",
    "set1",
    "what?",
    "whats",
    "all*",
    "all1",
    "a,b",
    "a",
    "b\\c",
    "bc",
    "d,e[2]*",
    " a",
    "a, b",
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    for folder in FOLDERS:
        (tmp_path / folder / "deep").mkdir(parents=True)
        for name in ("x-1", "x-2", "y-1"):
            (tmp_path / folder / name).touch()
            (tmp_path / folder / "deep" / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("absolute", [True, False])
def test_an_existing_folder_counts_as_it_is_named(root, folder, absolute):
    folder = f"{root}/{folder}" if absolute else folder
    assert split_patterns(f"{folder}/x-*") == [f"{folder}/x-*"]
    assert match(f"{folder}/x-*") == [f"{folder}/x-1", f"{folder}/x-2"]
    assert match(f"{folder}/x-1") == [f"{folder}/x-1"]
    assert match(f"{folder}/*/x-?") == [f"{folder}/deep/x-1", f"{folder}/deep/x-2"]
    assert match(f"{folder}/**/y-1", recursive=True) == [f"{folder}/deep/y-1", f"{folder}/y-1"]
    assert match(f"{folder}/none*") == []


def test_what_does_not_exist_is_a_pattern(root):
    assert match("set[0-9]/x-1") == ["set1/x-1"]
    assert match("al?1/x-[12]") == ["all1/x-1", "all1/x-2"]
    assert match("no/such/*") == match("a" * 5000) == match("a\0b") == match("") == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("set1/x*, set1/y*", ["set1/x*", "set1/y*"]),
        ("a,b/x*", ["a,b/x*"]),
        ("a,b/x*,set1/y*", ["a,b/x*", "set1/y*"]),
        ("set1/y*,a,b/x*,d,e[2]*/x*", ["set1/y*", "a,b/x*", "d,e[2]*/x*"]),
        ("a,b/x-1,a,b/x-2", ["a,b/x-1", "a,b/x-2"]),
        ("x*,y*", ["x*", "y*"]),
        ("a,c/x*", ["a", "c/x*"]),
        ("tfds:voc:train,set1/x*", ["tfds:voc:train", "set1/x*"]),
        (" , ,", []),
        (" a/x*, a/y*, set1/x*", [" a/x*", " a/y*", "set1/x*"]),
        ("a, b/x*,a/x*", ["a, b/x*", "a/x*"]),
    ],
)
def test_commas(root, text, parts):
    assert split_patterns(text) == parts


def test_a_file_with_a_comma_and_wildcards_in_its_name(root):
    for name in ("x,[1].jpg", "x1.jpg", "x,1.jpg"):
        (root / name).touch()
    assert split_patterns("x,[1].jpg,x1.jpg") == ["x,[1].jpg", "x1.jpg"]
    assert match("x,[1].jpg") == ["x,[1].jpg"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_plain_name_for_tensorflow(root, folder):
    with plain_name(root / folder) as name:
        assert not set("[\\") & set(str(name))
        assert (name / "x-1").is_file()
    assert os.path.isdir(root / folder)
