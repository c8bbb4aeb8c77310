"""Tiny YOLO data sets for tests."""

from tests.data.folders import NAMES, picture


def write_yolo(root, images="images/train", count=3):
    """Images "a0.jpg", "a1.jpg", ... of 40 x 60; image i has i % 3 boxes: "cat", then "dog"."""
    folder = root / images
    labels = root / images.replace("images", "labels")
    folder.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"a{i}.jpg").write_bytes(picture(seed=i))
        lines = [f"{n} 0.5 0.25 0.5 0.5\n" for n in range(i % 3)]
        (labels / f"a{i}.txt").write_text("".join(lines))
    return root


def write_yaml(root, text="train: images/train\nnames: [cat, dog]\n"):
    (root / "data.yaml").write_text(text)
    return root / "data.yaml"


def write_darknet(root, count=3, lines=None):
    """Darknet's layout: images and labels in one folder, lists with paths of another machine."""
    (root / "obj").mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (root / f"obj/a{i}.jpg").write_bytes(picture(seed=i))
        text = "".join(f"{n} 0.5 0.25 0.5 0.5\n" for n in range(i % 3))
        (root / f"obj/a{i}.txt").write_text(text)
    lines = [f"data/obj/a{i}.jpg" for i in range(count)] if lines is None else lines
    (root / "train.txt").write_text("\n".join(lines) + "\n")
    (root / "obj.names").write_text("\n".join(NAMES) + "\n")
    (root / "obj.data").write_text(
        "# made by a tool\nclasses = 2\ntrain  = data/train.txt\nnames = data/obj.names\n"
        "backup = backup/\n"
    )
    return root / "obj.data"
