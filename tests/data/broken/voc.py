"""Broken Pascal VOC folders. The good one has 5 images "a0" ... "a4" with 4 boxes, 1 in a1."""

import io
import os
import shutil

from PIL import Image

from tests.data.broken.kinds import Broken, cut, folder, remove, write
from tests.data.folders import giant_png, picture, voc_object, voc_options, voc_xml, write_voc
from yolo_tf.data.sources.voc import VocSource

XML, PHOTO, LIST = "Annotations/a1.xml", "JPEGImages/a1.jpg", "ImageSets/Main/train.txt"
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<annotation><filename>&b;</filename></annotation>"
)
SPY = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation>&a;</annotation>'


def make(root):
    write_voc(root)


def open_source(root, split="train"):
    return VocSource(voc_options(root, split, class_names=("cat", "dog")))


def annotation(objects="", **kwargs):
    return write(XML, voc_xml("a1", objects, **kwargs))


def box(*corners):
    return annotation(voc_object("cat", corners))


def grey_of_16_bits() -> bytes:
    buffer = io.BytesIO()
    Image.new("I;16", (60, 40), 40_000).save(buffer, "PNG")
    return buffer.getvalue()


def link_out(root):
    (root / PHOTO).unlink()
    os.symlink("/etc/hostname", root / PHOTO)


def pipe(root):
    (root / PHOTO).unlink()
    os.mkfifo(root / PHOTO)


KINDS = {
    "no annotation": Broken(
        remove(XML), "Annotations/a1.xml: annotation: found no such file, expected a file", (4, 3)
    ),
    "empty annotation": Broken(
        write(XML, ""), "Annotations/a1.xml: XML: found '...', expected valid XML", (4, 3)
    ),
    "annotation cut off": Broken(
        cut(XML, 20), "Annotations/a1.xml: XML: found '...', expected valid XML", (4, 3)
    ),
    "annotation is a folder": Broken(
        folder(XML), "Annotations/a1.xml: annotation: found a folder, expected a file", (4, 3)
    ),
    "annotation of another format": Broken(
        write(XML, "<html/>"),
        "Annotations/a1.xml: XML: found root element <html>, expected <annotation>",
        (4, 3),
    ),
    "annotation in an unknown encoding": Broken(
        write(XML, '<?xml version="1.0" encoding="klingon"?><annotation/>'),
        "Annotations/a1.xml: XML: found '...', expected valid XML",
        (4, 3),
    ),
    "entity bomb": Broken(
        write(XML, BOMB),
        "Annotations/a1.xml: XML: found a DTD or entity (DTDForbidden), expected plain "
        "VOC XML without them",
        (4, 3),
    ),
    "entity that reads a file": Broken(
        write(XML, SPY),
        "Annotations/a1.xml: XML: found a DTD or entity (DTDForbidden), expected plain "
        "VOC XML without them",
        (4, 3),
    ),
    "file name that leads out": Broken(
        annotation(filename="../../secret.jpg"),
        "Annotations/a1.xml: filename: found '../../secret.jpg', expected a path inside "
        "JPEGImages/",
        (4, 3),
    ),
    "swapped size": Broken(
        annotation(size=(60, 40)),
        "Annotations/a1.xml: size: found '40' x '60' (swapped), expected 60 x 40, the "
        "image's own; turn the image or its boxes",
        (4, 3),
    ),
    "no box": Broken(
        annotation("<object><name>cat</name></object>"),
        "Annotations/a1.xml: object 1 (cat), bndbox: found no <bndbox>, expected four "
        "finite numbers xmin, ymin, xmax, ymax",
        (5, 3),
    ),
    "no class": Broken(
        annotation(voc_object("")),
        "Annotations/a1.xml: object 1 (no name), bndbox, class: found '', expected a "
        "class of the list",
        (5, 3),
    ),
    "class not in the list": Broken(
        annotation(voc_object("catt")),
        "Annotations/a1.xml: object 1 (catt), bndbox, class: found 'catt', expected a "
        "class of the list, nearest is 'cat'",
        (5, 3),
    ),
    "words for numbers": Broken(
        box("ten", 5, 30, 25),
        "Annotations/a1.xml: object 1 (cat), bndbox: found 'ten', '5', '30', '25', "
        "expected four finite numbers xmin, ymin, xmax, ymax",
        (5, 3),
    ),
    "missing number": Broken(
        box(10, "", 30, 25),
        "Annotations/a1.xml: object 1 (cat), bndbox: found '10', nothing, '30', '25', "
        "expected four finite numbers xmin, ymin, xmax, ymax",
        (5, 3),
    ),
    "NaN": Broken(
        box("nan", 5, 30, 25),
        "Annotations/a1.xml: object 1 (cat), bndbox: found 'nan', '5', '30', '25', "
        "expected four finite numbers xmin, ymin, xmax, ymax",
        (5, 3),
    ),
    "infinite": Broken(
        box(10, 5, "1e999", 25),
        "Annotations/a1.xml: object 1 (cat), bndbox: found '10', '5', '1e999', '25', "
        "expected four finite numbers xmin, ymin, xmax, ymax",
        (5, 3),
    ),
    "inverted box": Broken(
        box(30, 5, 10, 25),
        "Annotations/a1.xml: object 1 (cat), bndbox: found 30, 5, 10, 25 (inverted), "
        "expected xmin < xmax and ymin < ymax",
        (5, 3),
    ),
    "box outside": Broken(
        box(10, 5, 300, 25),
        "Annotations/a1.xml: object 1 (cat), bndbox: found 10, 5, 300, 25 (outside), "
        "expected a box inside 0, 0, 60, 40",
        (5, 3),
    ),
    "box without area": Broken(
        box(10, 5, 10, 25),
        "Annotations/a1.xml: object 1 (cat), bndbox: found 10, 5, 10, 25 (no area), expected "
        "xmin < xmax and ymin < ymax",
        (5, 3),
        stops=False,
    ),
    "box a pixel outside": Broken(
        box(10, 5, 61, 25),
        "Annotations/a1.xml: object 1 (cat), bndbox: found 10, 5, 61, 25, expected a box inside "
        "0, 0, 60, 40",
        (5, 4),
        stops=False,
    ),
    "another size": Broken(
        annotation(voc_object("cat"), size=(0, 0)),
        "Annotations/a1.xml: size: found '0' x '0', expected 60 x 40, the image's own",
        (5, 4),
        stops=False,
    ),
    "CMYK image": Broken(
        write(PHOTO, picture(mode="CMYK")),
        "JPEGImages/a1.jpg: image: found mode CMYK, expected RGB or grey",
        (5, 4),
        stops=False,
    ),
    "no image": Broken(
        remove(PHOTO),
        "Annotations/a1.xml: image: found neither a1.jpg nor 'a1.jpg' in JPEGImages/, "
        "expected the image file",
        (4, 3),
    ),
    "empty image": Broken(
        write(PHOTO, b""),
        "JPEGImages/a1.jpg: image: found an empty file, expected a JPEG or PNG image",
        (4, 3),
    ),
    "image cut off": Broken(
        cut(PHOTO, 30),
        "JPEGImages/a1.jpg: image: found 'image file is truncated: no end of image', "
        "expected a whole image",
        (4, 3),
    ),
    "image is text": Broken(
        write(PHOTO, "not found"),
        "JPEGImages/a1.jpg: image: found bytes b'not foun', expected a JPEG or PNG image "
        "(BMP, WebP, TIFF and GIF are converted)",
        (4, 3),
    ),
    "image is a folder": Broken(
        folder(PHOTO),
        "Annotations/a1.xml: image: found neither a1.jpg nor 'a1.jpg' in JPEGImages/, "
        "expected the image file",
        (4, 3),
    ),
    "image is a link to what is none": Broken(
        link_out,
        "JPEGImages/a1.jpg: image: found bytes b'...', expected a JPEG or PNG image "
        "(BMP, WebP, TIFF and GIF are converted)",
        (4, 3),
    ),
    "image is a pipe": Broken(
        pipe,
        "Annotations/a1.xml: image: found neither a1.jpg nor 'a1.jpg' in JPEGImages/, "
        "expected the image file",
        (4, 3),
    ),
    "giant image": Broken(
        write(PHOTO, giant_png(60000, 60000)),
        "JPEGImages/a1.jpg: size: found a giant image, expected at most 20000 pixels a "
        "side and 100 megapixels",
        (4, 3),
    ),
    "image of 16-bit grey": Broken(
        write(PHOTO, grey_of_16_bits()),
        "JPEGImages/a1.jpg: colour mode: found I;16, expected 8-bit RGB or grey; convert the image",
        (4, 3),
    ),
    "image of an odd format": Broken(
        write(PHOTO, picture(kind="PPM")),
        "JPEGImages/a1.jpg: image: found bytes b'P6\\n60 40', expected a JPEG or PNG image (BMP, "
        "WebP, TIFF and GIF are converted)",
        (4, 3),
    ),
    "id that leads out": Broken(
        write(LIST, "a0\n../../secret\n"),
        "Annotations/../../secret.xml: id in the split file: found '../../secret.xml', "
        "expected a path inside Annotations/",
        (1, 0),
    ),
    "id twice": Broken(
        write(LIST, "a0\na1\na0\n"),
        "DATA/ImageSets/Main/train.txt: line 3: id 'a0' is already on line 1, expected "
        "every id once",
    ),
    "empty list": Broken(
        write(LIST, "\n\n"), "DATA/ImageSets/Main/train.txt: found no image id, expected one a line"
    ),
    "list of another encoding": Broken(
        write(LIST, b"\xff\xfea\x000\x00"),
        "DATA/ImageSets/Main/train.txt: not readable as UTF-8 text: ...",
    ),
    "no such split": Broken(
        lambda root: None,
        "DATA/ImageSets/Main/val.txt: no such split file; splits there: train",
        split="val",
    ),
    "no list": Broken(
        remove(LIST), "DATA/ImageSets/Main/train.txt: no such split file; splits there: none"
    ),
    "no annotations at all": Broken(
        lambda root: shutil.rmtree(root / "Annotations"),
        "DATA: found 5 images, 1 .txt (ImageSets/Main/train.txt), expected a VOC data set: XML "
        "files with <annotation> and their images; ...",
    ),
}
