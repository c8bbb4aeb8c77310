"""Layouts with an annotation file for each image: name -> (write it into a folder, format)."""

import base64
import shutil

from tests.data.layouts import files
from tests.data.layouts.scene import NAMES, SHOTS, images, of, write

CLASSES = "\n".join(NAMES)


def each(annotation, pattern, image_pattern, shots=SHOTS):
    """Writes an annotation and an image for each shot."""

    def make(root):
        images(root, image_pattern, shots)
        for shot in shots:
            write(root, pattern.format(stem=shot.stem, split=shot.split), annotation(shot))

    return make


def then(*makers):
    def make(root):
        for maker in makers:
            maker(root)

    return make


def text(file, content):
    return lambda root: write(root, file, content)


def id_list(file, shots=SHOTS, prefix=""):
    return text(file, "".join(f"{prefix}{shot.stem}\n" for shot in shots))


def link(target, name):
    """`name` becomes a link to what was written as `target`, moved out of the folder."""

    def make(root):
        store = root.parent / "store"
        shutil.move(root / target, store)
        (root / name).symlink_to(store)

    return make


def two_cameras(root):
    """The same file names in two folders."""
    for i, shot in enumerate(SHOTS):
        shot.write(root / f"JPEGImages/cam{i % 2}/{i // 2}.jpg")
        write(root, f"Annotations/cam{i % 2}/{i // 2}.xml", files.voc(shot, f"{i // 2}.jpg"))


def labelme_with_pixels(root):
    for shot in SHOTS:
        data = shot.write(root / "one.jpg").read_bytes()
        (root / "one.jpg").unlink()
        pixels = base64.b64encode(data).decode()
        write(root, f"{shot.stem}.json", files.labelme(shot, pixels=pixels))


def stale(shot):
    return files.voc(shot, "C:\\Users\\me\\old.jpg")


PLAIN = each(files.voc, "Annotations/{stem}.xml", "JPEGImages/{stem}.jpg")
YOLO = each(files.yolo, "labels/{split}/{stem}.txt", "images/{split}/{stem}.jpg")
FLAT = each(files.yolo, "{stem}.txt", "{stem}.jpg")
YAML = "names: [fox, grey wolf]\nnc: 2\n"
SPLITS = "train: images/train\nval: images/val\n"

VOC = {
    "beside the images": each(files.voc, "{stem}.xml", "{stem}.jpg"),
    "beside images of other suffixes": each(stale, "in/{stem}.xml", "in/{stem}.PNG"),
    "annotations and images": each(files.voc, "annotations/{stem}.xml", "images/{stem}.jpeg"),
    "a folder of a project": each(files.voc, "labels_my-x_2026-01-02/{stem}.xml", "i/{stem}.jpg"),
    "split folders": each(files.voc, "{split}/{stem}.xml", "{split}/{stem}.jpg"),
    "folders in splits": each(files.voc, "{split}/xmls/{stem}.xml", "{split}/images/{stem}.jpg"),
    "splits in folders": each(files.voc, "xmls/{split}/{stem}.xml", "images/{split}/{stem}.jpg"),
    "images split alone": each(files.voc, "ann/{stem}.xml", "images/{split}/{stem}.jpg"),
    "in a devkit": each(
        files.voc, "devkit/VOC2012/Annotations/{stem}.xml", "devkit/VOC2012/JPEGImages/{stem}.jpg"
    ),
    "without lists": PLAIN,
    "two cameras": two_cameras,
    "one list of all": then(PLAIN, id_list("ImageSets/Main/default.txt")),
    "lists and lists of a class": then(
        PLAIN,
        id_list("ImageSets/Main/train.txt", of("train")),
        id_list("ImageSets/Main/val.txt", of("val")),
        id_list("ImageSets/Main/trainval.txt"),
        text("ImageSets/Main/fox_train.txt", "w0  1\nw1 -1\nw2  1\n"),
    ),
    "lists in the data folder": then(
        PLAIN, id_list("train.txt", of("train")), id_list("val.txt", of("val"))
    ),
    "lists, images of another folder": then(
        each(files.voc, "Annotations/{stem}.xml", "images/{stem}.png"),
        id_list("ImageSets/Main/train.txt", of("train")),
        id_list("ImageSets/Main/val.txt", of("val")),
    ),
    "images behind a link": then(PLAIN, link("JPEGImages", "JPEGImages")),
}
YOLO_LAYOUTS = {
    "flat": then(FLAT, text("classes.txt", CLASSES)),
    "flat in splits": then(
        each(files.yolo, "{split}/{stem}.txt", "{split}/{stem}.jpg"),
        text("train/_darknet.labels", CLASSES),
        text("val/_darknet.labels", CLASSES),
    ),
    "no splits": then(
        each(files.yolo, "labels/{stem}.txt", "images/{stem}.jpg"),
        text("labels/classes.txt", CLASSES),
        text("notes.json", '{"categories": [{"id": 0, "name": "fox"}], "info": {}}'),
    ),
    "labels of a project": then(
        each(files.yolo, "labels_my-x_2026-01-02/{stem}.txt", "photos/{stem}.jpg"),
        text("labels.txt", CLASSES),
    ),
    "folders and names": then(YOLO, text("obj.names", CLASSES)),
    "YAML of another name": then(YOLO, text("coco8.yaml", f"path: /content/x\n{SPLITS}{YAML}")),
    "YAML in a folder": then(YOLO, text("cfg/my.yml", f"path: ..\n{SPLITS}{YAML}")),
    "YAML of Roboflow": then(
        each(files.yolo, "{split}/labels/{stem}.txt", "{split}/images/{stem}.jpg"),
        text(
            "data.yaml", "train: ../train/images\nval: ../val/images\ntest: ../test/images\n" + YAML
        ),
    ),
    "YAML of CVAT": then(
        YOLO,
        text("data.yaml", f"path: .\nTrain: images/train\nValidation: images/val\n{YAML}"),
    ),
    "YAML with patterns": then(
        YOLO, text("x.yaml", f"train: images/train/*.jpg\nval: [./images/val/*.jpg]\n{YAML}")
    ),
    "YAML with lists": then(
        YOLO,
        text("a.yaml", f"train: train.txt\nval: val.txt\n{YAML}"),
        id_list("train.txt", prefix="/data/me/images/train/", shots=()),
        text("train.txt", "".join(f"data/images/train/{s.stem}.jpg\n" for s in of("train"))),
        text("val.txt", "".join(f"./images/val/{s.stem}.jpg\n" for s in of("val"))),
    ),
    "lists without a YAML": then(
        each(files.yolo, "data/{stem}.txt", "data/{stem}.jpg"),
        text("obj.names", CLASSES),
        text("train.txt", "".join(f"data/{s.stem}.jpg\n" for s in of("train"))),
        text("valid.txt", "".join(f"data/{s.stem}.jpg\n" for s in of("val"))),
    ),
    "Darknet of CVAT": then(
        each(files.yolo, "obj_train_data/{stem}.txt", "obj_train_data/{stem}.jpg"),
        text("obj.names", CLASSES),
        text("obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n"),
        text("train.txt", "".join(f"data/obj_train_data/{s.stem}.jpg\n" for s in SHOTS)),
    ),
    "deeper folders": then(
        each(files.yolo, "labels/{split}/cam 1/{stem}.txt", "images/{split}/cam 1/{stem}.JPG"),
        text("classes.txt", CLASSES),
    ),
    "images behind a link": then(YOLO, text("classes.txt", CLASSES), link("images", "images")),
    "one of two linked": then(FLAT, text("classes.txt", CLASSES), link("w1.jpg", "w1.jpg")),
}
LABELME = {
    "beside the images": each(files.labelme, "{stem}.json", "{stem}.jpg"),
    "in splits": each(files.labelme, "{split}/{stem}.json", "{split}/{stem}.jpg"),
    "folders of their own": each(
        lambda s: files.labelme(s, "..\\images\\{stem}.jpg"),
        "json/{stem}.json",
        "images/{stem}.jpg",
    ),
    "images in the files": labelme_with_pixels,
}
KITTI = {
    "as KITTI has it": then(
        each(files.kitti, "training/label_2/{stem}.txt", "training/image_2/{stem}.png"),
        lambda root: images(root, "testing/image_2/{stem}.png"),
        lambda root: images(root, "training/image_3/{stem}.png"),
    ),
    "of FiftyOne": each(files.kitti, "labels/{stem}.txt", "data/{stem}.jpg"),
    "of CVAT": each(files.kitti, "default/label_2/{stem}.txt", "default/image_2/{stem}.png"),
}
