"""Every kind of broken input gives its own line; with --skip_bad, what it spoils is counted."""

import re

import pytest

from tests.data.broken import coco, records, voc, yolo
from yolo_tf.data.build.build import build
from yolo_tf.data.checks import IMAGE_SKIPPED, Issue
from yolo_tf.errors import UserError

# Format -> (makes a good data set, opens it, its kinds).
SETS = {
    "voc": (voc.make, voc.open_source, voc.KINDS),
    "coco": (coco.make, coco.open_source, coco.KINDS),
    "yolo": (yolo.make, yolo.open_source, yolo.KINDS),
    "darknet": (yolo.make_darknet, yolo.open_source, yolo.DARKNET_KINDS),
    "tfrecord": (records.make, records.open_source, records.KINDS),
}
ALL = [(format, kind) for format, (_, _, kinds) in SETS.items() for kind in kinds]


def test_that_there_are_enough():
    assert len(ALL) >= 40


@pytest.mark.parametrize(("format", "kind"), ALL)
def test_a_broken_data_set(tmp_path, format, kind, capsys):
    make, open_source, kinds = SETS[format]
    broken = kinds[kind]
    root, output = tmp_path / "data", tmp_path / "out"
    make(root)
    broken.spoil(root)

    def run(skip_bad):
        source = open_source(root, broken.split)
        return source, build(source, output, "toy", "train", 1, skip_bad=skip_bad)

    if broken.stops:
        with pytest.raises(UserError) as caught:
            run(skip_bad=False)
        hint = r"\. Mend it, or give --skip_bad .*" if broken.left else ""
        check_line(str(caught.value), broken.line, root, hint)
    if broken.left is None:
        with pytest.raises(UserError) as again:
            run(skip_bad=True)
        assert str(again.value) == str(caught.value)
        return
    source, entry = run(skip_bad=broken.stops)
    assert (entry["images"], entry["boxes"]) == broken.left
    (found,) = entry["skipped"] + entry["changed"]
    check_line(str(Issue(**found)), broken.line, root)
    assert f"{found['action']}: {Issue(**found)}" in capsys.readouterr().out
    of_no_image = sum(issue.action == IMAGE_SKIPPED for issue in source.issues)
    skipped = entry["counts"].get(IMAGE_SKIPPED, 0) - of_no_image
    assert entry["images"] + skipped == len(source.ids())


def check_line(text, line, root, hint=""):
    """`line` may leave open, as "...", what a library says."""
    pattern = re.escape(line.replace("DATA", str(root))).replace(r"\.\.\.", ".+")
    assert "\n" not in text
    assert re.fullmatch(pattern + hint, text), text
