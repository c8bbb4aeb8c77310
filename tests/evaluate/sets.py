"""Small sets of boxes for the tests of this folder."""

import numpy as np

from yolo_tf.evaluate.matching import DetectionArrays, Truths


def truths(*rows, difficult=(), crowd=()):
    """Rows (image, label, ymin, xmin, ymax, xmax); indices of the flagged ones."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    number = np.arange(len(table))
    return Truths(
        image=table[:, 0].astype(int),
        label=table[:, 1].astype(int),
        boxes=table[:, 2:],
        difficult=np.isin(number, difficult),
        crowd=np.isin(number, crowd),
        area=np.zeros(len(table)),
    )


def detections(*rows):
    """Rows (image, label, ymin, xmin, ymax, xmax, score)."""
    table = np.array(rows, np.float64).reshape(-1, 7)
    image, label = table[:, :2].astype(int).T
    return DetectionArrays(image=image, label=label, boxes=table[:, 2:6], scores=table[:, 6])
