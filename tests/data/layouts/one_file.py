"""Layouts with one annotation file for many images: name -> write it into a folder."""

import json

from tests.data.layouts import files
from tests.data.layouts.per_image import CLASSES, text, then
from tests.data.layouts.scene import SHOTS, images, of


def photos(pattern="images/{stem}.jpg", shots=SHOTS):
    return lambda root: images(root, pattern, shots)


def both(target, make, pattern, **kwargs):
    """A file for each split, and the images."""

    def write(root):
        images(root, pattern)
        for split in ("train", "val"):
            name = target.format(split=split)
            text(name, make(of(split), **kwargs))(root)

    return write


CAPTIONS = '{"images": [{"id": 1, "file_name": "w0.jpg"}], "annotations": [{"caption": "a fox"}]}'
COCO = {
    "of CVAT": then(photos("images/default/{stem}.jpg"), text("annotations/instances_default.json",
                                                              files.coco())),
    "of FiftyOne": then(photos("data/{stem}.jpg"), text("labels.json", files.coco())),
    "of FiftyOne, splits": both("{split}/labels.json", files.coco, "{split}/data/{stem}.jpg"),
    "of Roboflow": both("{split}/_annotations.coco.json", files.coco, "{split}/{stem}.jpg",
                        group="animals"),
    "of Roboflow, group named as a class": both(
        "{split}/_annotations.coco.json", files.coco, "{split}/{stem}.jpg", group="fox"
    ),
    "of Label Studio": then(
        photos("images/c4ca4238-{stem}.jpg"),
        text("result.json", files.coco(name="images/c4ca4238-{stem}.jpg", first=0)),
    ),
    "of Label Studio, Windows, uploaded": then(
        photos("photos/{stem}.jpg"),
        text("result.json", files.coco(name="..\\data\\upload\\3\\c4ca4238-{stem}.jpg".replace(
            "..\\", "\\"), first=0)),
    ),
    "of COCO, with captions beside": then(
        both("annotations/instances_{split}2017.json", files.coco, "{split}2017/{stem}.jpg"),
        text("annotations/captions_train2017.json", CAPTIONS),
    ),
    "files by split, one folder of images": both(
        "{split}.json", files.coco, "photos/deep/{stem}.jpg"
    ),
    "folders by split": both("ann/{split}.json", files.coco, "{split}_images/{stem}.jpg"),
    "paths of another machine": then(
        photos("a/b/{stem}.jpg"), text("x.json", files.coco(name="/home/me/b/{stem}.jpg"))
    ),
    "web addresses": then(
        photos(), text("x.json", files.coco(name="https://example.com/up/{stem}.jpg"))
    ),
}  # fmt: skip
HEADER = "filename,width,height,class,xmin,ymin,xmax,ymax\n"


def table(shots=SHOTS, header=HEADER, **kwargs):
    return header + files.rows(shots, **kwargs)


RETINANET = "{file},{x1},{y1},{x2},{y2},{label}"
OPEN_IMAGES = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded\n"
CSV = {
    "of the tutorials": both("{split}_labels.csv", table, "images/{split}/{stem}.jpg"),
    "in a folder": both("annotations/{split}.csv", table, "images/{stem}.jpg"),
    "of Roboflow": both("{split}/_annotations.csv", table, "{split}/{stem}.jpg"),
    "one file": then(photos("imgs/{stem}.jpg"), text("boxes.csv", table())),
    "of Excel": then(
        photos(),
        text("boxes.csv", "\ufeff" + table(
            header="Image Name;X Min;Y Min;X Max;Y Max;Label\n",
            form="{file};{x1};{y1};{x2};{y2};{label}")),
    ),
    "of VoTT": then(
        photos(),
        text("export.csv", table(
            header='"image","xmin","ymin","xmax","ymax","label"\n',
            form='"{file}",{x1}.0,{y1}.0,{x2}.0,{y2}.0,"{label}"')),
    ),
    "corner and size": then(
        photos(),
        text("b.csv", table(header="image,bbox_x,bbox_y,bbox_width,bbox_height,name\n",
                            form="{file},{x1},{y1},{bw},{bh},{label}")),
    ),
    "of RetinaNet": then(
        both("{split}.csv", table, "pictures/{stem}.jpg", header="", form=RETINANET,
             file="/home/me/pictures/{stem}.jpg"),
        text("classes.csv", "fox,0\ngrey wolf,1\n"),
    ),
    "of MakeSense": then(
        photos(),
        text("labels_x_2026-01-02.csv", table(
            header="", form="{label},{x1},{y1},{bw},{bh},{file},{w},{h}")),
    ),
    "of Open Images": then(
        photos("train/{stem}.jpg"),
        text("oidv6-train-annotations-bbox.csv", table(
            header=OPEN_IMAGES, file="{stem}",
            form="{file},x,/m/{label},1,{sx1:.6f},{sx2:.6f},{sy1:.6f},{sy2:.6f},0")
            + "gone,x,/m/fox,1,0.1,0.2,0.1,0.2,0\n"),
        text("class-descriptions-boxable.csv", "/m/fox,fox\n/m/grey wolf,grey wolf\n/m/1,owl\n"),
    ),
}  # fmt: skip
KERAS = {
    "one list": then(photos(), text("list.txt", files.keras()), text("classes.txt", CLASSES)),
    "of Roboflow": then(
        both("{split}/_annotations.txt", files.keras, "{split}/{stem}.jpg", path="{stem}.jpg"),
        text("train/_classes.txt", CLASSES),
        text("val/_classes.txt", CLASSES),
    ),
    "paths of another machine": then(
        both("2007_{split}.txt", files.keras, "VOC/JPEGImages/{stem}.jpg",
             path="/home/me/my set/VOC/JPEGImages/{stem}.jpg"),
        text("model_data/my_classes.txt", CLASSES),
    ),
}  # fmt: skip
CVAT = {
    "one task": then(photos(), text("annotations.xml", files.cvat())),
    "a project": then(
        photos("images/{split}/{stem}.jpg"),
        text("annotations.xml", files.cvat(name="{split}/{stem}.jpg", subset=True)),
    ),
    "of FiftyOne": then(photos("data/{stem}.jpg"), text("labels.xml", files.cvat())),
}
VIA = {
    "regions": then(photos("{stem}.jpg"), text("via_region_data.json", json.dumps(files.via()))),
    "a project": then(
        photos(),
        text(
            "p.json", json.dumps({"_via_settings": {}, "_via_img_metadata": files.via(key="kind")})
        ),
    ),
    "in splits": both(
        "{split}/via_region_data.json", lambda s: json.dumps(files.via(s)), "{split}/{stem}.jpg"
    ),
}
CREATEML = {
    "one file": then(photos(), text("annotations.json", files.createml())),
    "of Roboflow": both("{split}/_annotations.createml.json", files.createml, "{split}/{stem}.jpg"),
    "older names": then(
        photos(),
        text(
            "annotations.json",
            files.createml()
            .replace('"image"', '"imagefilename"')
            .replace('"annotations"', '"annotation"'),
        ),
    ),
}
