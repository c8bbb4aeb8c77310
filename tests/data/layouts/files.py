"""Annotation files of the tools, of some shots."""

import json

from tests.data.layouts.scene import NAMES, SHOTS, Shot


def coco(shots=SHOTS, name="{stem}.jpg", first=1, group="", **more) -> str:
    numbers = {label: first + i for i, label in enumerate(NAMES)}
    categories = [{"id": n, "name": k, "supercategory": group} for k, n in numbers.items()]
    if group:
        categories.insert(0, {"id": first - 1, "name": group, "supercategory": "none"})
    entries = [
        {"id": i, "file_name": name.format(stem=s.stem, split=s.split), "width": s.width,
         "height": s.height}
        for i, s in enumerate(shots)
    ]  # fmt: skip
    boxes = [
        {"id": 10 * i + n, "image_id": i, "category_id": numbers[label], "iscrowd": 0,
         "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)}
        for i, s in enumerate(shots)
        for n, (label, (x1, y1, x2, y2)) in enumerate(s.boxes)
    ]  # fmt: skip
    content = {"images": entries, "annotations": boxes, "categories": categories}
    return json.dumps(content | more)


def voc(shot: Shot, filename=None) -> str:
    objects = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{b[0]}</xmin><ymin>{b[1]}</ymin>"
        f"<xmax>{b[2]}</xmax><ymax>{b[3]}</ymax></bndbox></object>"
        for label, b in shot.boxes
    )
    filename = f"{shot.stem}.jpg" if filename is None else filename
    return (
        f"<annotation><filename>{filename}</filename><size><width>{shot.width}</width>"
        f"<height>{shot.height}</height><depth>3</depth></size>{objects}</annotation>"
    )


def yolo(shot: Shot) -> str:
    lines = []
    for label, (x1, y1, x2, y2) in shot.boxes:
        w, h = shot.width, shot.height
        values = ((x1 + x2) / 2 / w, (y1 + y2) / 2 / h, (x2 - x1) / w, (y2 - y1) / h)
        lines.append(" ".join([str(NAMES.index(label)), *(f"{v:.6f}" for v in values)]) + "\n")
    return "".join(lines)


def keras(shots=SHOTS, path="images/{stem}.jpg", names=False) -> str:
    lines = []
    for s in shots:
        boxes = (
            ",".join(map(str, (*box, label.replace(" ", "_") if names else NAMES.index(label))))
            for label, box in s.boxes
        )
        lines.append(" ".join([path.format(stem=s.stem, split=s.split), *boxes]) + "\n")
    return "".join(lines)


def rows(shots=SHOTS, form="{file},{w},{h},{label},{x1},{y1},{x2},{y2}", file="{stem}.jpg") -> str:
    """A line of CSV for each box."""
    lines = []
    for s in shots:
        name = file.format(stem=s.stem, split=s.split)
        for label, (x1, y1, x2, y2) in s.boxes:
            values = {"file": name, "w": s.width, "h": s.height, "label": label, "bw": x2 - x1}
            shares = {"sx1": x1 / s.width, "sx2": x2 / s.width, "sy1": y1 / s.height}
            values |= {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "bh": y2 - y1}
            lines.append(form.format(**values, **shares, sy2=y2 / s.height) + "\n")
    return "".join(lines)


def cvat(shots=SHOTS, name="{stem}.jpg", subset=False) -> str:
    parts = []
    for i, s in enumerate(shots):
        own = f' subset="{s.split.capitalize()}"' if subset else ""
        boxes = "".join(
            f'<box label="{k}" occluded="0" xtl="{b[0]}.00" ytl="{b[1]}.00" xbr="{b[2]}.00" '
            f'ybr="{b[3]}.00" z_order="0"></box>'
            for k, b in s.boxes
        )
        file = name.format(stem=s.stem, split=s.split)
        parts.append(
            f'<image id="{i}" name="{file}"{own} width="{s.width}" height="{s.height}">{boxes}'
            "</image>"
        )
    return f"<?xml version='1.0' encoding='utf-8'?><annotations>{''.join(parts)}</annotations>"


def labelme(shot: Shot, path="{stem}.jpg", pixels=None) -> str:
    shapes = [
        {"label": k, "points": [[b[2], b[1]], [b[0], b[3]]], "shape_type": "rectangle"}
        for k, b in shot.boxes
    ]
    content = {"version": "5.2.1", "flags": {}, "shapes": shapes, "imageData": pixels}
    content |= {"imagePath": path.format(stem=shot.stem)}
    return json.dumps(content | {"imageHeight": shot.height, "imageWidth": shot.width})


def via(shots=SHOTS, key="type") -> dict:
    found = {}
    for s in shots:
        regions = [
            {"shape_attributes": {"name": "rect", "x": b[0], "y": b[1], "width": b[2] - b[0],
                                  "height": b[3] - b[1]},
             "region_attributes": {key: k}}
            for k, b in s.boxes
        ]  # fmt: skip
        found[f"{s.stem}.jpg99"] = {"filename": f"{s.stem}.jpg", "size": 99, "regions": regions}
    return found


def kitti(shot: Shot) -> str:
    lines = [
        f"{k.replace(' ', '_')} 0.00 0 -10 {b[0]}.00 {b[1]}.00 {b[2]}.00 {b[3]}.00 "
        "-1 -1 -1 -1000 -1000 -1000 -10\n"
        for k, b in shot.boxes
    ]
    return "".join([*lines, f"DontCare{' -1' * 14}\n"])


def createml(shots=SHOTS, name="{stem}.jpg") -> str:
    found = []
    for s in shots:
        objects = [
            {"label": k, "coordinates": {"x": (b[0] + b[2]) / 2, "y": (b[1] + b[3]) / 2,
                                         "width": b[2] - b[0], "height": b[3] - b[1]}}
            for k, b in s.boxes
        ]  # fmt: skip
        found.append({"image": name.format(stem=s.stem), "annotations": objects})
    return json.dumps(found)
