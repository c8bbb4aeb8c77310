"""Data set formats. A new one is one file with a `Source` class and one line below."""

from yolo_tf.data.sources.coco import CocoSource
from yolo_tf.data.sources.records import RecordSource, TfdsSource
from yolo_tf.data.sources.shapes import ShapesSource
from yolo_tf.data.sources.voc import VocSource
from yolo_tf.data.sources.yolo import YoloSource

SOURCES = {
    "voc": VocSource,
    "coco": CocoSource,
    "yolo": YoloSource,
    "tfds": TfdsSource,
    "tfrecord": RecordSource,
    "shapes": ShapesSource,
}
