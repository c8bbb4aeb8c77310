"""TEMPORARY stand-in until branch api lands."""

import numpy as np
import tensorflow as tf

from yolo_tf.ops import resize


class PhotoDetector:
    def __init__(self, class_names, input_size, resize_method, nms):
        self.class_names, self.input_size = list(class_names), tuple(input_size)
        self.resize_method, self.nms = resize_method, nms

    def compiled(self):
        return tf.function(self.detect_inputs, reduce_retracing=True)

    def detect_photos(self, photos):
        images, window = resize.RESIZES[self.resize_method](photos, self.input_size)
        return self.to_photos(self.detect_inputs(images), window)

    def to_photos(self, found, windows):
        boxes = resize.window_to_photo(found["detection_boxes"], windows)
        return found | {"detection_boxes": tf.clip_by_value(boxes, 0.0, 1.0)}

    def detect(self, images):
        images = np.asarray(images)
        images = images[None] if images.ndim == 3 else images
        return {k: np.asarray(v) for k, v in self.detect_photos(tf.constant(images)).items()}
