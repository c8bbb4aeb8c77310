"""Formats that we know by sight and do not read: what to export or convert them to."""

import re
from pathlib import PurePosixPath

from yolo_tf.data.sources.listing import Listing

_CONVERT = (
    "convert it to COCO, with Datumaro (pip install datumaro; datum convert -i DATA -f coco -o OUT)"
    " or FiftyOne (pip install fiftyone; fiftyone convert)"
)
# What the beginning of a file has -> the format's name, and what to do.
_JSON = (
    (r'"classTitle"', "Supervisely JSON", _CONVERT),
    (r'"box2d"|"labels"\s*:\s*\[[^]]{0,400}"category"', "BDD100K (Scalabel) JSON", _CONVERT),
    (r'"rectanglelabels"|"from_name"', "Label Studio's own JSON", "export COCO or YOLO from it"),
    (
        r'"tool_?[vV]ersion"\s*:\s*"VoTT|"asset"\s*:',
        "VoTT JSON",
        "export VOC or CSV from it",
    ),
    (r'"bounding_box"', "FiftyOne's own JSON", "export COCODetectionDataset from FiftyOne"),
    (r'"source-ref"', "a manifest of SageMaker Ground Truth", _CONVERT),
    (r'"segments_info"', "COCO panoptic", "give the instances_*.json of the same data"),
    (r'"caption"', "COCO captions", "give the instances_*.json of the same data"),
    (r'"metadata"\s*:.*"vid"', "VIA 3", "draw the boxes with VIA 2, or convert with FiftyOne"),
    (r'"items"\s*:\s*\[|"media_type"', "Datumaro JSON", _CONVERT),
    (r'"outputs"\s*:|"objects"\s*:\s*\[', "a JSON of another tool (objects)", _CONVERT),
)
_VISDRONE = re.compile(r"(-?\d+,){7}-?\d+,?\s*")
_DOTA = re.compile(r"(-?[\d.]+\s+){8}\S+\s+\d\s*")
_MOT = re.compile(r"(-?[\d.]+,){6,9}-?[\d.]+\s*")


def foreign_format(listing: Listing) -> str:
    """ "it is NAME: what to do" for the first file of a known foreign format; "" without one."""
    for file in listing.files(".json", ".jsonl", ".manifest"):
        text = listing.text(file)
        for pattern, name, advice in _JSON:
            if re.search(pattern, text, re.DOTALL):
                return f"{file} is {name}: {advice}"
    for file in listing.files(".txt"):
        if advice := _text_format(listing, file):
            return advice
    for file in listing.files(".xml"):
        text = listing.text(file)
        if "<annotation" not in text and "<track" in text:
            return f"{file} is XML of a video: export 'CVAT for images' or COCO"
        if "<object-stream" in text or "<opencv_storage" in text or "<dataset" in text:
            return f"{file} is XML of another tool (dlib, OpenCV): {_CONVERT}"
    for file in listing.files(".parquet", ".arrow", ".mat", ".pkl", ".npz", ".h5"):
        return f"{file} is {PurePosixPath(file).suffix}, which is not read: {_CONVERT}"
    return ""


def _text_format(listing: Listing, file: str) -> str:
    lines = [line for line in listing.lines(file)[:20] if line.strip()]
    if not lines:
        return ""
    if all(_VISDRONE.fullmatch(line) for line in lines):
        return f"{file} is VisDrone (8 numbers with commas): {_CONVERT}"
    if all(_DOTA.fullmatch(line) for line in lines[-3:]) and len(lines[-1].split()) == 10:
        return f"{file} is DOTA (turned boxes): {_CONVERT}"
    if all(_MOT.fullmatch(line) for line in lines):
        return f"{file} is of MOT Challenge: {_CONVERT}"
    return ""
