"""Names of splits: how tools spell them, and how paths of a data set tell them."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

# The three roles, each with what tools call it; the first name of each is ours.
ROLES = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "eval", "minival", "dev"),
    "test": ("test", "testing", "tst"),
}
_WORDS = sorted({word for words in ROLES.values() for word in words} | {"trainval"}, key=len)
# A word of its own in a name: instances_train2017, train-annotations-bbox, TrainSet, 2007_val.
_SPLIT = re.compile(
    rf"(?<![a-z])({'|'.join(reversed(_WORDS))})(?:_?(?:set|split|data|images?|labels?)(?![a-z]))?"
    r"(\d{4}(?!\d))?(?![a-z])",
    re.IGNORECASE,
)


def role(split: str) -> str:
    """ "train", "val" or "test" for a split's name as tools spell it; "" for another name."""
    found = _SPLIT.search(split)
    word = found.group(1).lower() if found else ""
    return next((name for name, words in ROLES.items() if word in words), "")


def split_in(name: str) -> str:
    """The split that a file's or folder's name tells, such as "train2017"; "" where none does."""
    found = _SPLIT.search(name)
    return found.group(1).lower() + (found.group(2) or "") if found else ""


def split_of(path: str) -> str:
    """The split that a path in a data set tells, by its last part that does; "" without one.

    Args:
      path: of a file, relative to the data folder; its suffix does not count.
    """
    parts = list(PurePosixPath(path).parts)
    parts[-1:] = [PurePosixPath(part).stem for part in parts[-1:]]
    return next((split for part in reversed(parts) if (split := split_in(part))), "")


def same_split(wanted: str, there: Iterable[str]) -> str:
    """The name of `there` that means the split `wanted`; "" where none does, or several do."""
    there = list(there)
    if wanted in there:
        return wanted
    alike = [name for name in there if name and wanted and name.lower() == wanted.lower()]
    own = role(wanted) if wanted in ROLES.get(role(wanted), ()) else ""
    alike = alike or [name for name in there if own and name in ROLES[own]]
    # Last, names with a year: val2017, where that alone is for validation.
    alike = alike or [
        name for name in there if own and split_in(name) == name and role(name) == own
    ]
    return alike[0] if len(alike) == 1 else ""


def standard(splits: Iterable[str]) -> list[str]:
    """The splits to build where none was asked for, training first.

    A union such as trainval is left out where its parts are there, and so are lists of another
    purpose (VOC's lists of one class) beside splits of the three roles.
    """
    splits = list(splits)
    order = list(ROLES)
    known = sorted((s for s in splits if role(s)), key=lambda s: (order.index(role(s)), s))
    if known:
        return known
    return ["trainval"] if "trainval" in splits else splits
