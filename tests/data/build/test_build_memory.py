"""A build keeps nothing of an image: its memory does not grow with their number."""

import dataclasses
import json
import os
import tracemalloc

from tests.data.folders import coco_content
from yolo_tf.data.build.build import build
from yolo_tf.data.sources.base import Options
from yolo_tf.data.sources.coco_index import CocoIndex
from yolo_tf.data.sources.shapes import ShapesSource

MEGABYTE = 1 << 20


class LargeImages(ShapesSource):
    """Images of a megabyte each, or so says their source."""

    def read(self, source_id):
        sample, issues = super().read(source_id)
        return dataclasses.replace(sample, image=os.urandom(MEGABYTE)), issues


def peak(folder, images):
    source = LargeImages(Options("train", images=images, size=(32, 32)))
    tracemalloc.start()
    try:
        build(source, folder, "toy", "train", shards=2)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_forty_images_need_no_more_than_four(tmp_path):
    few = peak(tmp_path / "warm", 4)
    few = peak(tmp_path / "few", 4)
    assert peak(tmp_path / "many", 40) < few + MEGABYTE


def test_a_coco_file_is_not_kept_in_memory(tmp_path):
    content = coco_content()
    polygon = {"segmentation": [[0.5 + n for n in range(200)]]}
    box = {**content["annotations"][0], **polygon}
    content["annotations"] = [{**box, "id": n} for n in range(5000)]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(content))
    assert path.stat().st_size > 5 * MEGABYTE
    tracemalloc.start()
    try:
        index = CocoIndex(path)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 0.5 * MEGABYTE
    assert most < 20 * MEGABYTE  # some chunks of the file, whatever its size
    assert [n for n, _ in index.annotations("7")] == list(range(5000))
    assert list(index.annotations("3")) == list(index.annotations(None)) == []
