"""Names that one class has in different lists: COCO's own, VOC's and those of Darknet's coco.names.

Where a class list has one of them, the others mean it too. So a Darknet model, which says
motorbike, is scored on COCO's records, which say motorcycle, and the other way round.
"""

from collections.abc import Iterable

ALIASES = (
    ("airplane", "aeroplane"),
    ("motorcycle", "motorbike"),
    ("couch", "sofa"),
    ("tv", "tvmonitor", "tv monitor", "television"),
    ("potted plant", "pottedplant"),
    ("dining table", "diningtable"),
    ("traffic light", "trafficlight"),
    ("fire hydrant", "firehydrant"),
    ("stop sign", "stopsign"),
    ("parking meter", "parkingmeter"),
    ("sports ball", "sportsball"),
    ("baseball bat", "baseballbat"),
    ("baseball glove", "baseballglove"),
    ("tennis racket", "tennisracket"),
    ("wine glass", "wineglass"),
    ("hot dog", "hotdog"),
    ("donut", "doughnut"),
    ("cell phone", "cellphone", "mobile phone"),
    ("teddy bear", "teddybear"),
    ("hair drier", "hairdrier", "hair dryer", "hairdryer"),
)


def aliases_of(names: Iterable[str]) -> dict[str, str]:
    """Other name -> the name in the list, for classes of the list that have others.

    None for a group of which the list has several names: they are classes of their own there.
    """
    known, found = set(names), {}
    for group in ALIASES:
        own = [name for name in group if name in known]
        if len(own) == 1:
            found.update({name: own[0] for name in group if name != own[0]})
    return found


def said(other: str, name: str) -> str:
    return f"class {other!r} is taken as {name!r}, the name that the class list has"
