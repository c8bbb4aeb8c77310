"""Weights that others published, by name: where they are, what they are worth, what they fit.

Figures are their publishers', not measured here. Sizes are those that the cfg of the name asks
for. A SHA-256 is one that public sources agree on, or that of the publisher's own file.
"""

from dataclasses import dataclass
from pathlib import Path

from yolo_tf.downloads import Download, fetch
from yolo_tf.errors import UserError, unknown_name
from yolo_tf.files import cache_folder, write_text

_RELEASES = "https://github.com/AlexeyAB/darknet/releases/download"
_CFGS = "https://raw.githubusercontent.com/AlexeyAB/darknet/master/cfg"
_FASTEST = "https://github.com/dog-qiuqiu/Yolo-Fastest/raw/master/ModelZoo"
_DRIVE = "https://drive.google.com/uc?export=download&id="
_PACKAGE = Path(__file__).resolve().parents[1]
# Beside the package in a checkout, inside it when installed (setup.py).
_COCO_NAMES = (_PACKAGE.parent / "data" / "coco.names", _PACKAGE / "names" / "coco.names")
_PUBLIC = "public domain"  # Darknet's licence
_CFG_BYTES = 40_000  # of a cfg, about
_YOLOV7 = "public domain (YOLOv7's code: GPL-3.0)"


@dataclass(frozen=True)
class Published:
    """One file of weights.

    Args:
      name: by which it is asked for.
      file: name of the file, which tells the reader of weights whether it is a part.
      download: where it is.
      networks: names in `models.zoo` that it fits; empty: it needs its cfg.
      input_size: pixels a side at which the figures hold.
      ap: COCO's AP, in percent; None: not published.
      ap50: the same at an IoU of 0.5.
      classes: 80 are COCO's; None: a part of a network, without its outputs.
      cfg: address of the cfg, where the zoo lacks the network.
      licence: of the repository that publishes it.
    """

    name: str
    file: str
    download: Download
    networks: tuple[str, ...] = ()
    input_size: int = 0
    ap: float | None = None
    ap50: float | None = None
    classes: int | None = 80
    cfg: str = ""
    licence: str = _PUBLIC

    @property
    def path(self) -> Path:
        """Its place in the cache."""
        return cache_folder() / "weights" / self.file

    @property
    def source(self) -> str:
        """Who publishes it: the first address, shortened."""
        parts = self.download.urls[0].split("/")
        return "/".join(parts[3:5]) if parts[2] == "github.com" else parts[2]


def _pjreddie(file: str) -> tuple[str, ...]:
    return (f"https://pjreddie.com/media/files/{file}", f"https://data.pjreddie.com/files/{file}")


def _copy(file: str) -> str:
    """At the repository that continues Darknet."""
    return f"https://github.com/hank-ai/darknet/releases/download/v2.0/{file}"


def _whole(name: str, urls: tuple, size: int, sha256: tuple, **facts) -> Published:
    facts["download"] = Download(urls, size, sha256, facts.pop("exact", True))
    return Published(name, f"{name}.weights", **facts)


def _part(name: str, url: str, size: int, sha256: tuple, networks: tuple, **facts) -> Published:
    mirrors = _pjreddie(name) if url == "pjreddie" else (url,)
    if url.startswith(_RELEASES):
        mirrors = (url, f"{_RELEASES}/yolov4/{name}")
    mirrors = tuple(dict.fromkeys(mirrors))
    return Published(name, name, Download(mirrors, size, sha256), networks, classes=None, **facts)


_V3 = f"{_RELEASES}/darknet_yolo_v3_optimal"
_V4 = f"{_RELEASES}/darknet_yolo_v4_pre"
_V7 = f"{_RELEASES}/yolov4"
_DARKNET53 = ("yolov3", "yolov3_spp", "ssd_darknet53", "yolox_darknet53")

_ALL = (
    _whole(
        "yolov3-tiny", (*_pjreddie("yolov3-tiny.weights"), _copy("yolov3-tiny.weights")),
        35_434_956, ("dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c",),
        networks=("yolov3_tiny",), input_size=416, ap50=33.1,
    ),
    _whole(
        "yolov3", (*_pjreddie("yolov3.weights"), _copy("yolov3.weights")),
        248_007_048, ("523e4e69e1d015393a1b0a441cef1d9c7659e3eb2d7e15f793f060a21b32f297",),
        networks=("yolov3",), input_size=608, ap=33.0, ap50=57.9,
    ),
    _whole(
        "yolov3-spp", _pjreddie("yolov3-spp.weights"),
        252_209_544, ("87a1e8c85c763316f34e428f2295e1db9ed4abcec59dd9544f8052f50de327b4",),
        networks=("yolov3_spp",), input_size=608, ap50=60.6,
    ),
    _whole(  # a second file of this name was published in the summer of 2020
        "yolov4-tiny",
        (f"{_V4}/yolov4-tiny.weights", f"{_V7}/yolov4-tiny.weights", _copy("yolov4-tiny.weights")),
        24_251_276,
        (
            "cf9fbfd0f6d4869b35762f56100f50ed05268084078805f0e7989efe5bb8ca87",
            "037676f0d929c24e1bd9a0037fe30dc416fc26e0ca2a4491a44d024873316061",
        ),
        networks=("yolov4_tiny",), input_size=416, ap50=40.2,
    ),
    _whole(
        "yolov4",
        (f"{_V3}/yolov4.weights", f"{_V7}/yolov4.weights", _copy("yolov4.weights")),
        257_717_640, ("e8a4f6c62188738d86dc6898d82724ec0964d0eb9d2ae0f0a9d53d65d108d562",),
        networks=("yolov4",), input_size=608, ap=43.5, ap50=65.7,
    ),
    _whole(
        "yolov4-csp", (f"{_V4}/yolov4-csp.weights", f"{_V7}/yolov4-csp.weights"),
        211_944_840, ("019496affba568f7439e54797a1772657bb01126b707fbd93407c0b20c20dca1",),
        networks=("yolov4_csp",), input_size=640, ap=47.5, ap50=66.2,
    ),
    _whole(
        "yolov7-tiny", (f"{_V7}/yolov7-tiny.weights",), 24_967_560, (),
        input_size=416, ap=35.2, ap50=52.8, cfg=f"{_CFGS}/yolov7-tiny.cfg", licence=_YOLOV7,
    ),
    _whole(
        "yolov7", (f"{_V7}/yolov7.weights",), 147_898_248, (),
        input_size=640, ap=51.4, ap50=69.7, cfg=f"{_CFGS}/yolov7.cfg", licence=_YOLOV7,
    ),
    _whole(  # 16 bytes of header, of Darknet's version 0.1
        "yolov2", (*_pjreddie("yolov2.weights"), _copy("yolov2.weights")),
        203_934_260, ("d9945162ed6f54ce1a901e3ec537bdba4d572ecae7873087bd730e5a7942df3f",),
        input_size=608, ap50=48.1, cfg=f"{_CFGS}/yolov2.cfg",
    ),
    _whole(
        "yolo-fastest-1.1", (f"{_FASTEST}/yolo-fastest-1.1_coco/yolo-fastest-1.1.weights",),
        1_384_268, ("1c445c42bbd6df63edea2cc69f99667b5650d663ca11e34b116240740cd42890",),
        input_size=320, ap50=24.4, cfg=f"{_FASTEST}/yolo-fastest-1.1_coco/yolo-fastest-1.1.cfg",
    ),
    _whole(
        "yolo-fastest-1.1-xl", (f"{_FASTEST}/yolo-fastest-1.1_coco/yolo-fastest-1.1-xl.weights",),
        3_700_000, (), exact=False,
        input_size=320, ap50=34.3, cfg=f"{_FASTEST}/yolo-fastest-1.1_coco/yolo-fastest-1.1-xl.cfg",
    ),
    _whole(
        "yolo-fastest", (f"{_FASTEST}/yolo-fastest-1.0_coco/yolo-fastest.weights",),
        1_425_644, ("649e84005cae13ef4f44c02b6683133be854382baed0dc36cd8faadd250b06e8",),
        input_size=320, ap50=23.7, cfg=f"{_FASTEST}/yolo-fastest-1.0_coco/yolo-fastest.cfg",
    ),
    _whole(
        "yolo-fastest-xl", (f"{_FASTEST}/yolo-fastest-1.0_coco/yolo-fastest-xl.weights",),
        3_500_000, (), exact=False,
        input_size=320, ap50=32.5, cfg=f"{_FASTEST}/yolo-fastest-1.0_coco/yolo-fastest-xl.cfg",
    ),
    _part("darknet53.conv.74", "pjreddie", 162_482_580, (), _DARKNET53),
    _part(
        "yolov3-tiny.conv.11", f"{_DRIVE}18v36esoXCh-PsOKwyP2GWrpYDptDY8Zf", 6_303_188, (),
        ("yolov3_tiny", "ssd_tiny", "yolox_tiny"),
    ),
    _part("yolov3-tiny.conv.15", "pjreddie", 30_973_396, (), ("yolov3_tiny",)),
    _part(
        "yolov4-tiny.conv.29", f"{_V4}/yolov4-tiny.conv.29", 19_789_716,
        ("3c794b8420b12ed2a609daa71d075880e7bd152671323f5eb3e8d9e57e31785b",), ("yolov4_tiny",),
    ),
    _part(
        "yolov4.conv.137", f"{_V3}/yolov4.conv.137", 170_038_676,
        ("11c5286cfbffabc9a3059927401ab3480e9483ceafd3265779a0dc26c769bed0",), ("yolov4",),
    ),
    _part("yolov4-csp.conv.142", f"{_V4}/yolov4-csp.conv.142", 146_548_116, (), ("yolov4_csp",)),
    _part(
        "yolov7-tiny.conv.87", f"{_V7}/yolov7-tiny.conv.87", 17_843_092, (), (),
        cfg=f"{_CFGS}/yolov7-tiny.cfg", licence=_YOLOV7,
    ),
    _part(
        "yolov7.conv.132", f"{_V7}/yolov7.conv.132", 121_266_068, (), (),
        cfg=f"{_CFGS}/yolov7.cfg", licence=_YOLOV7,
    ),
)  # fmt: skip
PUBLISHED: dict[str, Published] = {weights.name: weights for weights in _ALL}


def find(name: str) -> Published | None:
    """The weights of a name, of their file's name or of a network's (`yolov4_tiny`), or None."""
    plain = name.lower().replace("_", "-")
    return PUBLISHED.get(plain) or PUBLISHED.get(plain.removesuffix(".weights"))


def get(name: str) -> Published:
    """As `find`.

    Raises:
      UserError: nothing is published under this name.
    """
    found = find(name)
    if found is None:
        raise UserError(f"weights: {unknown_name(name, PUBLISHED)}")
    return found


def have(weights: Published) -> Path:
    """The file in the cache, downloaded where it is not there yet (see `downloads.fetch`).

    COCO's class names are put beside it, by which its outputs are matched with other classes.
    """
    fetch(weights.download, weights.path)
    names = weights.path.with_suffix(".names")
    if weights.classes and not names.exists():
        known = next(path for path in _COCO_NAMES if path.exists())
        write_text(names, known.read_text(encoding="utf-8"))
    return weights.path


def have_cfg(weights: Published) -> Path:
    """The cfg of the network of these weights, in the cache beside them.

    Raises:
      UserError: it cannot be downloaded.
    """
    path = weights.path.with_name(f"{weights.name}.cfg")
    fetch(Download((weights.cfg,), _CFG_BYTES, exact=False), path)
    return path


def resolve(source: str, network: str, zoo) -> str:
    """The path of weights that are named by a path or by a name.

    Args:
      source: a path that exists counts before a name.
      network: name of the network that gets the weights.
      zoo: names of the networks that need no cfg.

    Returns:
      `source`, or the file in the cache; it is downloaded where it is not there yet.

    Raises:
      UserError: there is no such path and no such name, or these weights fit another network.
    """
    if Path(source).exists():
        return source
    weights = find(source)
    if weights is None:
        if Path(source).name != source or Path(source).suffix == ".weights":
            raise UserError(
                f"config.transfer.source={source}: not found; expected a .weights file, a run"
                " folder, one of its checkpoints, or a name that `yolo-tf weights` lists"
            )
        raise UserError(
            f"config.transfer.source={source}: no such file or run, and"
            f" {unknown_name(source, PUBLISHED)}"
        )
    if network in zoo and network not in weights.networks:
        raise UserError(f"config.transfer.source={source}: {_wanted(weights, network)}")
    return str(have(weights))


def _wanted(weights: Published, network: str) -> str:
    if not weights.networks:
        return (
            f"the network of these weights is described by its cfg: get {weights.cfg} and give"
            f" --config=darknet --config.model.cfg={weights.cfg.rpartition('/')[2]}"
        )
    return (
        f"these weights are for {' or '.join(weights.networks)}, the recipe has {network}: give"
        f" --config={weights.networks[0]}"
    )


def for_network(name: str) -> list[Published]:
    """What fits a network of the zoo; whole files first."""
    return [weights for weights in _ALL if name in weights.networks]
