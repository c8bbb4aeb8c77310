import io
import shutil

import numpy as np
import pytest
from PIL import Image

from tests.data.layouts import per_image
from yolo_tf.data.build.open_data import Division, find_data, open_splits
from yolo_tf.data.build.split_list import divide
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.selection import read_split_list
from yolo_tf.errors import UserError


def folder(root, count=20, copies=()):
    """Flat YOLO; image j of `copies` {j: i} is image i, a little brighter."""
    root.mkdir()
    (root / "classes.txt").write_text("fox\n")
    pixels = [
        np.random.default_rng(i).integers(0, 240, (16, 18, 3), np.uint8) for i in range(count)
    ]
    for j, i in dict(copies).items():
        pixels[j] = pixels[i] + 2
    for i, values in enumerate(pixels):
        buffer = io.BytesIO()
        Image.fromarray(values).resize((72, 64)).save(buffer, "PNG")
        (root / f"p{i}.png").write_bytes(buffer.getvalue())
        (root / f"p{i}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    return root


def splits(root, made, wanted=(), **kwargs):
    division = Division(made_list=str(made), **kwargs)
    sources = open_splits(find_data(str(root)), Options(""), wanted, division)
    return {split: set(source.ids()) for split, source in sources.items()}


def test_the_share_is_met_and_depends_on_contents_alone(tmp_path):
    root = folder(tmp_path / "a")
    found = splits(root, tmp_path / "a.txt")
    assert {split: len(ids) for split, ids in found.items()} == {"train": 16, "val": 4}
    other = tmp_path / "b"
    other.mkdir()
    shutil.copy(root / "classes.txt", other)
    for i in range(20):  # other names, another order
        for suffix in ("png", "txt"):
            shutil.copy(root / f"p{i}.{suffix}", other / f"q{99 - i}.{suffix}")
    again = splits(other, tmp_path / "b.txt")
    assert again["val"] == {f"q{99 - int(key[1:])}" for key in found["val"]}


def test_images_that_look_alike_stay_together(tmp_path):
    copies = {j: j % 10 for j in range(10, 20)}
    root = folder(tmp_path / "a", copies=copies)
    found = splits(root, tmp_path / "a.txt", val_fraction=0.3)
    assert len(found["val"]) == 6
    for j, i in copies.items():
        assert (f"p{j}" in found["val"]) == (f"p{i}" in found["val"])


def test_a_list_is_edited_and_given_back(tmp_path):
    root, made = folder(tmp_path / "a"), tmp_path / "a.txt"
    before = splits(root, made)
    assert {**read_split_list(made)} == {k: s for s, keys in before.items() for k in keys}
    moved = max(before["train"])
    made.write_text(made.read_text().replace(f"train\t{moved}\n", f"test\t{moved}\n"))
    after = splits(root, tmp_path / "no.txt", split_list=str(made))
    assert after == before | {"train": before["train"] - {moved}, "test": {moved}}
    # An edited list is no less kept where a new one would be made; new images are added to it.
    shutil.copy(root / "p0.png", root / "new.png")
    again = splits(root, made, wanted=("train", "val"))
    old = "val" if "p0" in before["val"] else "train"
    assert again[old] == (after[old] | {"new"})
    assert read_split_list(made)[moved] == "test"


def test_no_share_for_validation(tmp_path):
    assert splits(folder(tmp_path / "a", 3), tmp_path / "a.txt", val_fraction=0.0) == {
        "train": {"p0", "p1", "p2"}
    }
    assert not (tmp_path / "a.txt").exists()
    with pytest.raises(UserError, match=r"val_fraction: found 1\.5"):
        splits(tmp_path / "a", tmp_path / "a.txt", val_fraction=1.5)


def test_one_split_alone(tmp_path, capsys):
    root = tmp_path / "a"
    root.mkdir()
    per_image.each(per_image.files.yolo, "{stem}.txt", "{stem}.jpg")(root / "train")
    (root / "classes.txt").write_text(per_image.CLASSES)
    assert list(splits(root, tmp_path / "a.txt")) == ["train"]
    assert "no split for validation; --val_fraction=0.2 makes one" in capsys.readouterr().out
    found = splits(root, tmp_path / "a.txt", val_fraction=0.25)
    assert {split: len(keys) for split, keys in found.items()} == {"train": 3, "val": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found no image"),
        ("train\n", "line 1: found 'train', expected a split"),
        ("train\ta\nval\ta\n", "line 2: found 'a' a second time"),
        ("train\tp0\nval\tgone\n", "found 'gone', which is no image of .*; 1 of 2 lines"),
    ],
)
def test_faulty_lists(tmp_path, text, message):
    root, path = folder(tmp_path / "a", 2), tmp_path / "l.txt"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        splits(root, tmp_path / "no.txt", split_list=str(path))


def test_one_group_is_not_divided():
    assert divide([(b"a", [0, 1, 2])], 0.2, [""] * 3) == ["train"] * 3
    assert sorted(divide([(b"b", [0]), (b"a", [1])], 0.2, [""] * 2)) == ["train", "val"]
    big = [(b"a", list(range(8))), (b"b", [8]), (b"c", [9])]
    assert divide(big, 0.2, [""] * 10).count("val") == 1
