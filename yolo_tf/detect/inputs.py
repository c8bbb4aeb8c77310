"""What --input names: pictures, lists of pictures, videos, cameras."""

import glob
import re
from pathlib import Path

from yolo_tf.errors import UserError

_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
_VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg")
_LIST_ENDING = ".txt"


def is_live(source: str) -> bool:
    """Whether it names a camera, by number or by address such as rtsp://, and no file."""
    return not Path(source).exists() and (source.isdecimal() or "://" in source)


def without_password(source: str) -> str:
    """An address as it may be shown: rtsp://user:password@host/a -> rtsp://***@host/a."""
    return re.sub(r"(?<=://)[^/]*@", "***@", source)


def find_inputs(source: str) -> tuple[list[Path], list[str]]:
    """The pictures and the videos that a text names, in its order, each once.

    Args:
      source: a picture, a video, a text file with a path a line (relative to its folder), a
        folder (its pictures), a pattern, or several of these with commas; or a live source.

    Raises:
      UserError: a part names nothing.
    """
    if is_live(source):
        return [], [source]
    # A comma may also belong to a name.
    parts = [source] if Path(source).exists() or "," not in source else source.split(",")
    paths = dict.fromkeys(path for part in parts for path in _find(part.strip()))
    videos = [path for path in paths if path.suffix.lower() in _VIDEO_ENDINGS]
    return [path for path in paths if path not in videos], [str(path) for path in videos]


def _find(source: str) -> list[Path]:
    path = Path(source)
    if path.is_file():
        return _read_list(path) if path.suffix.lower() == _LIST_ENDING else [path]
    if source and path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in _ENDINGS]
        expected = f"no picture ({', '.join(_ENDINGS)}) in this folder"
    else:
        found = [Path(p) for p in glob.glob(source, recursive=True) if Path(p).is_file()]
        expected = "no such file or folder, and no file matches it as a pattern"
    if not found:
        raise UserError(f"--input={source}: {expected}")
    return sorted(found)


def _read_list(path: Path) -> list[Path]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"--input={path}: not UTF-8 text ({error.reason})") from None
    found = [path.parent / line.strip() for line in lines if line.strip()]
    if not found:
        raise UserError(f"--input={path}: an empty list, expected the path of a picture a line")
    return found
