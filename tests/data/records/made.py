"""Tiny TFRecords for tests, written with TensorFlow alone."""

import numpy as np
import tensorflow as tf

NAMES = ["red", "green", "blue"]


def record(name, boxes=(), classes=None, size=(24, 32), crowd=None, image=None, names=NAMES):
    """One serialized example; `boxes` are yxyx normalised, `classes` indices into `names`."""
    boxes = np.reshape(np.array(boxes, np.float32), (-1, 4))
    classes = [0] * len(boxes) if classes is None else classes
    if image is None:
        pixels = np.random.default_rng(size[0] * 1000 + size[1]).integers(0, 256, (*size, 3))
        image = tf.io.encode_png(pixels.astype(np.uint8)).numpy()
    texts = [names[c] if 0 <= c < len(names) else "unheard of" for c in classes]
    values = {
        "image/encoded": [image],
        "image/format": [b"png"],
        "image/source_id": [name.encode()],
        "image/filename": [f"{name}.png".encode()],
        "image/height": [size[0]],
        "image/width": [size[1]],
        "image/object/class/text": [t.encode() for t in texts],
        "image/object/class/label": [c + 1 for c in classes],
        "image/object/is_crowd": [int(c) for c in (crowd or [False] * len(boxes))],
        "image/object/difficult": [0] * len(boxes),
        "image/object/area": [float(a) for a in range(len(boxes))],
    }
    for i, key in enumerate(("ymin", "xmin", "ymax", "xmax")):
        values[f"image/object/bbox/{key}"] = [float(v) for v in boxes[:, i]]
    features = {key: _feature(value) for key, value in values.items() if value}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _feature(values):
    if values and isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if values and isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def edited(serialized, drop=(), **lists):
    """A record without some features, or with other values."""
    example = tf.train.Example.FromString(serialized)
    feature = example.features.feature
    for key in drop:
        del feature[key]
    for key, values in lists.items():
        if not values:
            continue
        name = key.replace("__", "/")
        kind = {bytes: "bytes_list", int: "int64_list", float: "float_list"}[type(values[0])]
        getattr(feature[name], kind).value[:] = values
    return example.SerializeToString()


def write(folder, shards):
    """Writes lists of serialized records as shards; returns the pattern that finds them."""
    for i, records in enumerate(shards):
        path = folder / f"toy-train.tfrecord-{i:05d}-of-{len(shards):05d}"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for serialized in records:
                writer.write(serialized)
    return str(folder / "toy-train.tfrecord-*")
