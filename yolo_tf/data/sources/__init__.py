"""Data set formats. A new one is one file with a `Source` class and one line below."""

from yolo_tf.data.sources.coco import CocoSource
from yolo_tf.data.sources.createml import CreateMlSource
from yolo_tf.data.sources.csv_boxes import CsvSource
from yolo_tf.data.sources.cvat import CvatSource
from yolo_tf.data.sources.keras_list import KerasListSource
from yolo_tf.data.sources.kitti import KittiSource
from yolo_tf.data.sources.labelme import LabelMeSource
from yolo_tf.data.sources.records import RecordSource, TfdsSource
from yolo_tf.data.sources.shapes import ShapesSource
from yolo_tf.data.sources.via import ViaSource
from yolo_tf.data.sources.voc import VocSource
from yolo_tf.data.sources.yolo import YoloSource

SOURCES = {
    "voc": VocSource,
    "coco": CocoSource,
    "yolo": YoloSource,
    "csv": CsvSource,
    "keras_list": KerasListSource,
    "cvat": CvatSource,
    "labelme": LabelMeSource,
    "via": ViaSource,
    "kitti": KittiSource,
    "createml": CreateMlSource,
    "tfds": TfdsSource,
    "tfrecord": RecordSource,
    "shapes": ShapesSource,
}
