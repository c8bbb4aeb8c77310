"""The XML of Pascal VOC: parsed without DTDs and entities, in any declared encoding."""

import codecs
import re
import xml.etree.ElementTree as ElementTree

import defusedxml
import defusedxml.ElementTree

from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord
from yolo_tf.text_files import name_problem

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_KNOWN = ("utf-8", "utf-16", "iso8859-1", "ascii")  # to expat


def parse_annotation(data: bytes, record: str, file: str):
    """The root element <annotation>.

    Raises:
      BadRecord: no XML, another root, a DTD, or bytes that are not of the declared encoding.
    """
    try:
        tree = _parse(_readable(data))
    except defusedxml.DefusedXmlException as error:
        found = f"a DTD or entity ({type(error).__name__})"
        raise BadRecord(record, file, "XML", found, "plain VOC XML without them") from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        expected = _encoding_fault(data) or "valid XML"
        raise BadRecord(record, file, "XML", checks.show(str(error)), expected) from None
    if tree.tag != "annotation":
        found = f"root element <{checks.show(tree.tag)[1:-1]}>"
        raise BadRecord(record, file, "XML", found, "<annotation>")
    return tree


def class_name(item, record: str, file: str) -> str:
    """The class of an <object>; "" where it has none.

    Raises:
      BadRecord: it is no name.
    """
    name = item.findtext("name", "").strip()
    if problem := name_problem(name):
        raise BadRecord(record, file, "object, name", checks.show(name), problem)
    return name


class _Parser(defusedxml.ElementTree.DefusedXMLParser):
    """Defusedxml's parser, whose elements are made in C: half the time."""

    def __init__(self):
        super().__init__(target=ElementTree.TreeBuilder(), forbid_dtd=True)
        self.parser.ordered_attributes = False  # a dict, as the builder takes them
        self.parser.StartElementHandler = self.target.start
        self.parser.EndElementHandler = self.target.end


def _parse(data: bytes):
    parser = _Parser()
    parser.feed(data)
    return parser.close()


def _readable(data: bytes) -> bytes:
    """As UTF-8 where the declared encoding is one that the parser does not know, such as GBK."""
    declared = _DECLARED.match(data[:256])
    if not declared:
        return data
    codec = codecs.lookup(declared.group(1).decode())
    if codec.name in _KNOWN or not getattr(codec, "_is_text_encoding", True):
        return data
    text = data.decode(codec.name)
    end = text.index("?>") + 2
    if "<!" in text[end:] and re.search(r"<!(?!--|\[CDATA)", text[end:]):
        raise defusedxml.DTDForbidden("DOCTYPE", None, None)
    return text[end:].encode()


def _encoding_fault(data: bytes) -> str:
    """What was expected, where bytes are not of the encoding that the file has or declares."""
    declared = _DECLARED.match(data[:256])
    name = declared.group(1).decode() if declared else ""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ""
    try:
        data.decode(name or "utf-8")
    except LookupError:
        return ""
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if name:
            return f"the declared encoding {name}; line {line} has other bytes"
        return (
            f"UTF-8, since no encoding is declared; line {line} has other bytes: declare theirs in "
            'the first line, such as <?xml version="1.0" encoding="GBK"?>'
        )
    return ""
