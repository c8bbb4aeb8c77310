"""One record of a TFRecord file, read without TensorFlow: for sources and checks.

The keys are those of `parsing.parse_example`: of the TF Object Detection API, or of TFDS. Messages
of protocol buffers are known by their schema as text.
"""

import hashlib
from dataclasses import dataclass

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import DecodeError

from yolo_tf.data.checks import BadRecord, number
from yolo_tf.data.records import keys


def message_class(schema: str, name: str):
    """The class of a message.

    Args:
      schema: a FileDescriptorProto in text form.
      name: full name of a message in it.
    """
    file = text_format.Parse(schema, descriptor_pb2.FileDescriptorProto())
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def message_field(
    name: str, number: int, kind: str, repeated: bool = False, message: str = ""
) -> str:
    """One field of a message, for a schema.

    Args:
      kind: of a scalar, such as "INT64"; "MESSAGE" goes with `message`, its full name.
    """
    label = "REPEATED" if repeated else "OPTIONAL"
    type_name = f' type_name: ".{message}"' if message else ""
    return (
        f'field {{ name: "{name}" number: {number} label: LABEL_{label} type: TYPE_{kind}'
        f"{type_name} }}"
    )


def message(name: str, *parts: str) -> str:
    """A message of some fields, for a schema."""
    return f'message_type {{ name: "{name}" {" ".join(parts)} }}'


_ENTRY = "options { map_entry: true } "
# tensorflow.Example, under another name so that TensorFlow may be loaded beside it.
_Example = message_class(
    'name: "yolo_tf/example.proto" package: "yolo_tf" syntax: "proto3" '
    + message("BytesList", message_field("value", 1, "BYTES", repeated=True))
    + message("FloatList", message_field("value", 1, "FLOAT", repeated=True))
    + message("Int64List", message_field("value", 1, "INT64", repeated=True))
    + message(
        "Feature",
        message_field("bytes_list", 1, "MESSAGE", message="yolo_tf.BytesList"),
        message_field("float_list", 2, "MESSAGE", message="yolo_tf.FloatList"),
        message_field("int64_list", 3, "MESSAGE", message="yolo_tf.Int64List"),
    )
    + message(
        "Features",
        message_field(
            "feature", 1, "MESSAGE", repeated=True, message="yolo_tf.Features.FeatureEntry"
        ),
        'nested_type { name: "FeatureEntry" '
        + _ENTRY
        + message_field("key", 1, "STRING")
        + message_field("value", 2, "MESSAGE", message="yolo_tf.Feature")
        + " }",
    )
    + message("Example", message_field("features", 1, "MESSAGE", message="yolo_tf.Features")),
    "yolo_tf.Example",
)
_SIDES = (keys.XMIN, keys.YMIN, keys.XMAX, keys.YMAX)


@dataclass(frozen=True)
class Record:
    """What a record says; N objects. Checked are the lengths of the lists alone."""

    image: bytes
    source_id: str
    filename: str
    declared_size: tuple[int, int] | None  # (height, width)
    corners: list[tuple[float, float, float, float]]  # xmin, ymin, xmax, ymax, normalised
    labels: list[int]  # N, or none
    texts: list[str]  # N, or none
    difficult: list[bool]
    truncated: list[bool]
    crowd: list[bool]
    area: list[float] | None


def parse_record(serialized: bytes, file: str, place: str) -> Record:
    """Reads a serialized Example.

    Args:
      file: shown in errors.
      place: the same, such as "record 3".

    Raises:
      BadRecord: it is no Example, or its lists are of different lengths.
    """
    try:
        feature = _Example.FromString(serialized).features.feature
    except DecodeError:
        found = f"{len(serialized)} bytes"
        raise BadRecord("", file, place, found, "a tf.train.Example") from None
    image = _first(_texts(feature, keys.IMAGE) or _texts(feature, keys.TFDS_IMAGE), b"")
    filename = _text(_first(_texts(feature, keys.FILENAME), b""))
    source_id = _text(_first(_texts(feature, keys.SOURCE_ID), b"")) or filename
    source_id = source_id or str(_first(_numbers(feature, keys.TFDS_ID), ""))
    source_id = source_id or hashlib.sha256(image).hexdigest()[:16]
    labels = list(_integers(feature, keys.LABEL) or _integers(feature, keys.TFDS_LABEL))
    texts = [_text(v) for v in _texts(feature, keys.TEXT)]
    count = len(texts or labels)

    def listed(*names):
        for name in names:
            values = _numbers(feature, name)
            if values and len(values) != count:
                found, expected = f"{len(values)} values", f"{count}, one an object"
                raise BadRecord(source_id, file, f"{place}, {name}", found, expected)
            if values:
                return list(values)
        return None

    def flags(*names):
        return [v > 0 for v in listed(*names) or [0] * count]

    return Record(
        image=image,
        source_id=source_id,
        filename=filename,
        declared_size=_size(feature),
        corners=_corners(feature, count, listed, (source_id, file, place)),
        labels=labels,
        texts=texts,
        difficult=flags(*keys.DIFFICULT_KEYS),
        truncated=flags(*keys.TRUNCATED_KEYS),
        crowd=flags(*keys.CROWD_KEYS),
        area=listed(*keys.AREA_KEYS),
    )


def _corners(feature, count, listed, where):
    source_id, file, place = where
    flat = _numbers(feature, keys.TFDS_BOXES)
    if flat:
        if len(flat) != 4 * count:
            found, expected = f"{len(flat)} values", f"{4 * count}, four an object"
            raise BadRecord(source_id, file, f"{place}, objects/bbox", found, expected)
        ymin, xmin, ymax, xmax = (flat[start::4] for start in range(4))
        return list(zip(xmin, ymin, xmax, ymax, strict=True))
    sides = [listed(side) or [] for side in _SIDES]
    for name, values in zip(_SIDES, sides, strict=True):
        if len(values) != count:
            expected = f"{count}, one an object"
            raise BadRecord(source_id, file, f"{place}, {name}", f"{len(values)} values", expected)
    return list(zip(*sides, strict=True))


def _size(feature):
    size = tuple(_first(_numbers(feature, side), 0) for side in (keys.HEIGHT, keys.WIDTH))
    return size if all(number(v) > 0 for v in size) else None


def _texts(feature, name):
    return feature[name].bytes_list.value if name in feature else []


def _integers(feature, name):
    return feature[name].int64_list.value if name in feature else []


def _numbers(feature, name):
    if name not in feature:
        return []
    return feature[name].int64_list.value or feature[name].float_list.value


def _first(values, default):
    return values[0] if len(values) else default


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")
