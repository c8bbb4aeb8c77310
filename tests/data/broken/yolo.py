"""Broken YOLO folders. The good one has 3 images "a0", "a1", "a2" with 0, 1 and 2 boxes."""

import shutil

from tests.data.broken.kinds import Broken, remove, replace, write
from tests.data.folders import picture
from tests.data.yolo_folders import write_darknet, write_yaml, write_yolo
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.yolo import YoloSource

LABELS, YAML, DATA = "labels/train/a1.txt", "data.yaml", "obj.data"
SPLIT = "train: images/train\n"


def make(root):
    write_yaml(write_yolo(root))


def make_darknet(root):
    root.mkdir()
    write_darknet(root)


def open_source(root, split="train"):
    return YoloSource(Options(split, str(root)))


def label(line):
    return write(LABELS, line)


KINDS = {
    "four numbers": Broken(
        label("0 0.5 0.5 0.5"),
        "labels/train/a1.txt: line 1: found 4 values ('0 0.5 0.5 0.5'), expected 5: "
        "class cx cy w h, or a class and at least 3 points",
        (3, 2),
    ),
    "words": Broken(
        label("cat 0.5 0.5 0.5 0.5"),
        "labels/train/a1.txt: line 1: found 'cat 0.5 0.5 0.5 0.5', expected finite numbers",
        (3, 2),
    ),
    "commas": Broken(
        label("0,0.5,0.5,0.5,0.5"),
        "labels/train/a1.txt: line 1: found 1 values ('0,0.5,0.5,0.5,0.5'), expected 5: "
        "class cx cy w h, or a class and at least 3 points",
        (3, 2),
    ),
    "NaN": Broken(
        label("0 nan 0.5 0.5 0.5"),
        "labels/train/a1.txt: line 1: found '0 nan 0.5 0.5 0.5', expected finite numbers",
        (3, 2),
    ),
    "pixels": Broken(
        label("0 320 240 50 60"),
        "labels/train/a1.txt: line 1: found '0 320 240 50 60', expected shares of the "
        "image's sides from 0 to 1, not pixels",
        (3, 2),
    ),
    "class out of range": Broken(
        label("7 0.5 0.5 0.5 0.5"),
        "labels/train/a1.txt: line 1: found class 7, expected a class from 0 to 1",
        (3, 2),
    ),
    "class that is no whole number": Broken(
        label("0.5 0.5 0.5 0.5 0.5"),
        "labels/train/a1.txt: line 1: found class 0.5, expected a class from 0 to 1",
        (3, 2),
    ),
    "negative class": Broken(
        label("-1 0.5 0.5 0.5 0.5"),
        "labels/train/a1.txt: line 1: found class -1, expected a class from 0 to 1",
        (3, 2),
    ),
    "box far outside": Broken(
        label("0 0.9 0.5 0.6 0.5"),
        "labels/train/a1.txt: line 1: found 36, 10, 72, 30 (outside), expected a box "
        "inside 0, 0, 60, 40",
        (3, 2),
    ),
    "negative width": Broken(
        label("0 0.5 0.5 -0.2 0.5"),
        "labels/train/a1.txt: line 1: found 36, 10, 24, 30 (inverted), expected xmin < "
        "xmax and ymin < ymax",
        (3, 2),
    ),
    "labels are an image": Broken(
        write(LABELS, picture()),
        'labels/train/a1.txt: labels: found "...", expected UTF-8 text',
        (2, 2),
    ),
    "a file of broken lines": Broken(
        label("x\n" * 101),
        "labels/train/a1.txt: line 101: found more than 100 broken lines, expected lines "
        "'class cx cy w h'",
        (2, 2),
    ),
    "no label file": Broken(
        remove(LABELS),
        "labels/train/a1.txt: labels: found no such file, expected a label file, empty if there "
        "is no object",
        (3, 2),
        stops=False,
    ),
    "polygon": Broken(
        label("0 0.1 0.1 0.5 0.1 0.5 0.5"),
        "labels/train/a1.txt: line 1: found polygons: 1, expected boxes, class cx cy w h",
        (3, 3),
        stops=False,
    ),
    "image missing in a list": Broken(
        lambda root: (
            write("train.txt", "images/train/a0.jpg\nimages/train/a9.jpg\n")(root),
            write(YAML, "train: train.txt\nnames: [cat, dog]\n")(root),
        ),
        "train.txt: line 2: found 'images/train/a9.jpg', expected an image inside data/",
        (1, 0),
    ),
    "image twice in a list": Broken(
        lambda root: (
            write("train.txt", "images/train/a1.jpg\n./images/train/a1.jpg\n")(root),
            write(YAML, "train: train.txt\nnames: [cat, dog]\n")(root),
        ),
        "train.txt: line 2: found './images/train/a1.jpg', expected every image once; "
        "train.txt has it on line 1",
        (1, 1),
    ),
    "list that leads out": Broken(
        lambda root: (
            write("train.txt", "images/train/a0.jpg\n../../x.jpg\n")(root),
            write(YAML, "train: train.txt\nnames: [cat, dog]\n")(root),
        ),
        "train.txt: line 2: found '../../x.jpg', expected an image inside data/",
        (1, 0),
    ),
    "no YAML": Broken(write(YAML, "train: [images\n"), "DATA/data.yaml: not readable as YAML: ..."),
    "YAML that makes objects": Broken(
        write(YAML, "train: !!python/object/apply:os.system [ls]\n"),
        "DATA/data.yaml: not readable as YAML: ...",
    ),
    "YAML bomb": Broken(
        write(YAML, "a: &a [x, x]\nb: &b [*a, *a]\ntrain: [*b, *b]\n"),
        "DATA/data.yaml: not readable as YAML: ...",
    ),
    "YAML is a list": Broken(
        write(YAML, "- train\n- val\n"), "DATA/data.yaml: found list, expected keys such as train"
    ),
    "YAML is an image": Broken(
        write(YAML, picture()), "DATA/data.yaml: not readable as UTF-8 text: ..."
    ),
    "no split in YAML": Broken(
        write(YAML, "names: [cat, dog]\n"),
        "DATA/data.yaml: train: found no such split; splits there: none",
    ),
    "folder that leads out": Broken(
        write(YAML, "train: ../../x\nnames: [a]\n"),
        "DATA/data.yaml: train: found '../../x', expected a folder or list of images inside "
        "DATA/, where data.yaml has to lie",
    ),
    "no names": Broken(
        write(YAML, SPLIT),
        "DATA: found no class names, expected a classes.txt in the folder with a name a line, "
        "or --names=FILE",
    ),
    "nc is another number": Broken(
        write(YAML, SPLIT + "names: [cat, dog]\nnc: 3\n"),
        "DATA/data.yaml: nc: found 3, expected 2, the number of names",
    ),
    "name twice": Broken(
        write(YAML, SPLIT + "names: [cat, cat]\n"),
        "DATA/data.yaml: names: class 1: found 'cat', which class 0 has, expected every name once",
    ),
    "names with a gap": Broken(
        write(YAML, SPLIT + "names: {0: cat, 2: dog}\n"),
        "DATA/data.yaml: names: found the keys 0, 2, expected 0 to 1, each once",
    ),
    "name that YAML takes for a truth value": Broken(
        write(YAML, SPLIT + "names: [cat, no]\n"),
        "DATA/data.yaml: names: class 1: found False, expected a name, in quotes if YAML "
        "takes it for another kind of value",
    ),
    "kpt_shape is a word": Broken(
        write(YAML, SPLIT + "names: [cat, dog]\nkpt_shape: many\n"),
        "DATA/data.yaml: kpt_shape: found 'many', expected [points, 2 or 3]",
    ),
    "no label file at all": Broken(
        lambda root: shutil.rmtree(root / "labels"),
        "DATA: found no label file for any of 3 images, expected the first at "
        "labels/train/a0.txt or images/train/a0.txt",
    ),
}
DARKNET_KINDS = {
    "no key = value": Broken(
        replace(DATA, "classes = 2", "classes 2"),
        "DATA/obj.data: line 2: found 'classes 2', expected key = value",
    ),
    "key twice": Broken(
        replace(DATA, "classes = 2", "train = x.txt"),
        "DATA/obj.data: line 3: found 'train' twice, expected it once",
    ),
    "other number of classes": Broken(
        replace(DATA, "classes = 2", "classes = 20"),
        "DATA/obj.data: classes: found '20', expected 2, the number of names in DATA/obj.names",
    ),
    "no list of the split": Broken(
        replace(DATA, "train ", "trian "),
        "DATA/obj.data: train: found no such list; lists there: none",
    ),
    "list missing": Broken(
        remove("train.txt"),
        "DATA/obj.data: train: found 'data/train.txt', expected a list of images inside DATA/",
    ),
    "names missing": Broken(
        remove("obj.names"),
        "DATA/obj.data: names: found 'data/obj.names', expected a file inside DATA/",
    ),
    "empty names": Broken(
        write("obj.names", "\n"), "DATA/obj.names: found no class name, expected at least one"
    ),
    "empty line between names": Broken(
        write("obj.names", "cat\n\ndog\n"),
        "DATA/obj.names: line 2: found '', expected a class name",
    ),
    "name twice": Broken(
        write("obj.names", "cat\ncat\n"),
        "DATA/obj.names: line 2: found 'cat', which line 1 has, expected every name once",
    ),
    "names are an image": Broken(
        write("obj.names", picture()), "DATA/obj.names: not readable as a class-name file: ..."
    ),
    "empty list": Broken(
        write("train.txt", "\n"), "DATA/train.txt: found no image, expected one a line"
    ),
}
