"""yolo_tf: trains, evaluates and ships one-stage detectors with TensorFlow."""

__version__ = "0.1.0"


def load(path, which: str = "best"):
    """The detector of a run folder or an exported SavedModel; see `yolo_tf.loading.load`."""
    from yolo_tf.loading import load as load_detector  # TensorFlow takes seconds to import

    return load_detector(path, which)
