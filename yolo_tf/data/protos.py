"""Protocol buffer messages by their schema as text: known without loading TensorFlow."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format


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


def field(name: str, number: int, kind: str, repeated: bool = False, message: str = "") -> str:
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
