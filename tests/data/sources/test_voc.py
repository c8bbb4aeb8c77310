import numpy as np
import pytest

from tests.data.folders import picture, voc_object, voc_options, voc_xml, write_voc
from yolo_tf.data import checks
from yolo_tf.data.checks import BadRecord
from yolo_tf.data.sources.voc import VocSource
from yolo_tf.errors import UserError


@pytest.fixture
def root(tmp_path):
    return write_voc(tmp_path / "voc")


def read(root, xml, source_id="a1", **kwargs):
    """Record a1 with another annotation."""
    source = VocSource(voc_options(root, class_names=("cat", "dog"), **kwargs))
    mode = {"encoding": "utf-8"} if isinstance(xml, str) else {}
    write = root.joinpath(f"Annotations/{source_id}.xml")
    write.write_text(xml, **mode) if isinstance(xml, str) else write.write_bytes(xml)
    return source.read(source_id)


def issue(root, objects):
    """The one issue of an annotation, whose image must stay."""
    sample, issues = read(root, voc_xml("a1", objects))
    assert sample.source_id == "a1"
    assert len(issues) == 1
    return sample, issues[0]


def test_a_record(root):
    flags = "<truncated>1</truncated><difficult>1</difficult><pose>Left</pose>"
    objects = voc_object("dog", (6, 4, 30, 20), flags) + voc_object("cat", (12, 8, 60, 40))
    sample, issues = read(root, voc_xml("a1", objects))
    assert issues == []
    assert (sample.source_id, sample.filename, sample.image_format) == ("a1", "a1.jpg", "jpeg")
    assert (sample.height, sample.width) == (40, 60)
    assert sample.image == (root / "JPEGImages/a1.jpg").read_bytes()
    np.testing.assert_allclose(sample.boxes, [[0.1, 0.1, 0.5, 0.5], [0.2, 0.2, 1, 1]], rtol=1e-6)
    assert sample.classes.tolist() == [1, 0]
    assert sample.difficult.tolist() == sample.truncated.tolist() == [True, False]
    np.testing.assert_allclose(sample.area, [24 * 16, 48 * 32], rtol=1e-5)


@pytest.mark.parametrize(
    "start",
    [
        "<?xml version='1.0' encoding='utf-8'?>",
        '<?xml version="1.0" ?>',
        "<?xml version='1.0' encoding='iso-8859-1'?>",
        "<!-- a remark -->",
        "\ufeff",
    ],
)
def test_what_may_stand_before_the_annotation(root, start):
    xml = voc_xml("a1", voc_object("cat"))
    assert read(root, start + xml)[0].classes.tolist() == [0]


def test_exact_coordinates_count_from_one(root):
    xml = voc_xml("a1", voc_object("cat", (1, 1, 60, 40)) + voc_object("cat", (7, 5, 30, 20)))
    sample, issues = read(root, xml, voc_one_based="exact")
    assert issues == []
    np.testing.assert_allclose(sample.boxes, [[0, 0, 1, 1], [0.1, 0.1, 0.5, 0.5]], rtol=1e-6)
    with pytest.raises(UserError, match="voc_one_based: found 'no'"):
        VocSource(voc_options(root, voc_one_based="no"))


def test_an_image_without_objects(root):
    sample, issues = read(root, voc_xml("a1"))
    assert sample.boxes.shape == (0, 4)
    assert issues == []


def test_parts_of_an_object_are_no_objects(root):
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    sample, issues = read(root, voc_xml("a1", voc_object("cat", extra=part)))
    assert (len(sample.boxes), issues) == (1, [])


@pytest.mark.parametrize(
    ("objects", "field", "found"),
    [
        ("<object><name>cat</name></object>", "object 1 (cat), bndbox", "no <bndbox>"),
        (voc_object("cat", (30, 5, 10, 25)), "object 1 (cat), bndbox", "inverted"),
        (voc_object("cat", ("nan", 5, 10, 25)), "object 1 (cat), bndbox", "'nan', '5'"),
        (voc_object("cat", ("", 5, 10, 25)), "object 1 (cat), bndbox", "nothing, '5'"),
        (voc_object("cat", (1, 5, 900, 25)), "object 1 (cat), bndbox", "outside"),
        (voc_object("cta"), "object 1 (cta), bndbox, class", "'cta'"),
        (voc_object(""), "object 1 (no name), bndbox, class", "''"),
    ],
)
def test_a_bad_object(root, objects, field, found):
    good = voc_object("dog")
    sample, problem = issue(root, objects + good)
    assert sample.classes.tolist() == [1]
    assert problem.action == checks.BOX_SKIPPED
    assert (problem.file, problem.field) == ("Annotations/a1.xml", field)
    assert found in problem.found


def test_the_nearest_class_is_named(root):
    assert issue(root, voc_object("cta"))[1].expected == "a class of the list, nearest is 'cat'"


def test_a_box_without_area_is_no_reason_to_stop(root):
    sample, problem = issue(root, voc_object("cat", (10, 5, 10, 5)))
    assert len(sample.boxes) == 0
    assert problem.action == checks.EMPTY_BOX_SKIPPED
    assert not problem.fatal


def test_slight_overflow_and_a_wrong_size_are_mended(root):
    sample, problem = issue(root, voc_object("cat", (10, 5, 61, 25)))
    assert (problem.action, sample.boxes[0, 3]) == (checks.BOX_CLIPPED, 1.0)
    sample, (problem,) = read(root, voc_xml("a1", voc_object(), size=(0, 0)))
    assert (problem.action, problem.field) == (checks.SIZE_CORRECTED, "size")
    np.testing.assert_allclose(sample.boxes[0], [5 / 40, 10 / 60, 25 / 40, 30 / 60], rtol=1e-6)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    '<!ENTITY b "&a;&a;&a;&a;">]><annotation><filename>&b;</filename></annotation>'
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation>&a;</annotation>'

DTD = "<!DOCTYPE annotation><annotation/>"


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (BOMB, r"XML: found a DTD or entity \(DTDForbidden\)"),
        (OUTSIDE, "XML: found a DTD or entity"),
        (DTD, "XML: found a DTD or entity"),
        (DTD.encode("utf-16"), "XML: found a DTD or entity"),
        (DTD.encode("utf-16-le"), "XML: found a DTD or entity"),
        (b'<?xml version="1.0" encoding="utf-8"?>' + DTD.encode(), "XML: found a DTD or entity"),
        (b'<?xml version="1.0" encoding="cp037"?>' + DTD.encode("cp037"), "XML: found"),
        ("not XML at all", "XML: found 'syntax error.*expected valid XML"),
        ("<annotation><object></annotation>", "XML: found 'mismatched tag"),
        ("", "XML: found"),
        (b"\xff\xfe\x00", "XML: found"),
        (b'<?xml version="1.0" encoding="klingon"?><annotation/>', "XML: found"),
        ("<html/>", "XML: found root element <html>, expected <annotation>"),
        (voc_xml("a1", size=(60, 40)), r"size: found '40' x '60' \(swapped\)"),
        (voc_xml("a1", filename="../../secret.jpg"), "filename: found '../../secret.jpg'"),
        (voc_xml("a1", filename="/etc/passwd"), "filename: found '/etc/passwd'"),
        (voc_xml("a1", filename="x" * 999), "filename: found 'xxxx"),
    ],
)
def test_a_bad_annotation(root, xml, message):
    with pytest.raises(BadRecord, match=f"Annotations/a1.xml: {message}") as caught:
        read(root, xml)
    assert "\n" not in str(caught.value)


def test_missing_files(root):
    source = VocSource(voc_options(root))
    (root / "Annotations/a1.xml").unlink()
    with pytest.raises(BadRecord, match=r"Annotations/a1.xml: annotation: found no such file"):
        source.read("a1")
    (root / "JPEGImages/a2.jpg").unlink()
    with pytest.raises(BadRecord, match=r"a2.xml: image: found neither a2.jpg nor 'a2.jpg'"):
        source.read("a2")


def test_a_broken_image(root):
    path = root / "JPEGImages/a1.jpg"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadRecord, match=r"JPEGImages/a1.jpg: image: found 'image file is trunc"):
        VocSource(voc_options(root)).read("a1")


def test_which_file_is_the_image(root):
    images = root / "JPEGImages"
    # A stale <filename> that no file has: the id counts.
    assert read(root, voc_xml("a1", filename="gone.jpg"))[0].filename == "a1.jpg"
    assert read(root, voc_xml("a1", filename=""))[0].filename == "a1.jpg"
    # One that another image has: the id counts, and it is said.
    sample, (problem,) = read(root, voc_xml("a1", filename="a2.jpg"))
    assert (sample.filename, problem.action) == ("a1.jpg", checks.NAME_IGNORED)
    # No image of this id: <filename> counts, whatever its format.
    (images / "a1.jpg").unlink()
    (images / "real.png").write_bytes(picture(kind="PNG"))
    sample, issues = read(root, voc_xml("a1", filename="real.png"))
    assert (sample.filename, sample.image_format, issues) == ("real.png", "png", [])
    # The content decides on the format.
    (images / "a1.jpg").write_bytes(picture(kind="PNG"))
    assert read(root, voc_xml("a1"))[0].image_format == "png"


def test_ids_that_lead_out_of_the_folder(root):
    (root / "ImageSets/Main/train.txt").write_text("../../secret\n")
    source = VocSource(voc_options(root))
    with pytest.raises(BadRecord, match=r"id in the split file: found '../../secret.xml'"):
        source.read(source.ids()[0])


def test_class_names_are_those_of_all_splits(root):
    (root / "Annotations/other.xml").write_text(voc_xml("other", voc_object("bird")))
    (root / "Annotations/broken.xml").write_text("<")
    assert VocSource(voc_options(root)).class_names == ["bird", "cat", "dog"]
    names = ("dog", "cat", "horse")
    assert VocSource(voc_options(root, class_names=names)).class_names == list(names)


def test_no_class_at_all(tmp_path):
    root = write_voc(tmp_path, count=1)
    with pytest.raises(UserError, match="found no object with a class name"):
        VocSource(voc_options(root))


def test_split_files(root):
    split = root / "ImageSets/Main/odd.txt"
    split.write_bytes(b"\xef\xbb\xbfa2\r\n\r\n a 0 \r\n")
    assert VocSource(voc_options(root, "odd")).ids() == ["a2", "a 0"]
    for content, message in (
        ("", "odd.txt: found no image id"),
        ("\n \n", "odd.txt: found no image id"),
        ("a1\na2\na1\n", "line 3: id 'a1' is already on line 1"),
        (b"\xff\xfe", "not readable as UTF-8"),
    ):
        split.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(UserError, match=message):
            VocSource(voc_options(root, "odd"))
    with pytest.raises(UserError, match=r"valid.txt: no such split file; splits there: odd, train"):
        VocSource(voc_options(root, "valid"))


def test_a_folder_that_is_no_voc_data(tmp_path):
    with pytest.raises(UserError, match="found 0 images, expected a VOC data set: XML files"):
        VocSource(voc_options(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda xml: f"\n<?xml version='1.0'?>{xml}", "not at start of entity: line 2"),
        (lambda xml: xml.replace("<object>", "<path>a & b</path><object>"), "invalid token"),
        (lambda xml: BOMB, "a DTD or entity"),
        (lambda xml: xml.replace("dog", "狗").encode("gbk"), "UTF-8, since no encoding is decl"),
    ],
)
def test_one_defect_of_all_files_is_told_with_the_first(root, change, message):
    for path in (root / "Annotations").glob("*.xml"):
        changed = change(voc_xml(path.stem, voc_object("dog")))
        path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    with pytest.raises(UserError, match=f"a0.xml: XML: .*{message}.*; so 5 of 5 annotations"):
        VocSource(voc_options(root))


def test_declared_encodings_are_decoded(root):
    xml = '<?xml version="1.0" encoding="GBK"?>' + voc_xml("a1", voc_object("狗"))
    (root / "Annotations/a1.xml").write_bytes(xml.encode("gbk"))
    source = VocSource(voc_options(root))
    assert "狗" in source.class_names
    assert len(source.read("a1")[0].boxes) == 1
    (root / "Annotations/a1.xml").write_bytes(xml.replace("GBK", "ascii").encode("gbk"))
    with pytest.raises(BadRecord, match="expected the declared encoding ascii; line 1 has other"):
        source.read("a1")


def test_a_list_of_one_class(root, capsys):
    (root / "ImageSets/Main/dog_train.txt").write_text("a0  1\na1 -1\na2  0\n")
    assert VocSource(voc_options(root, "dog_train")).ids() == ["a0", "a2"]
    assert "2 of 3 images have the flag 1 or 0" in capsys.readouterr().out


def test_a_class_name_that_is_none(root):
    (root / "Annotations/a1.xml").write_text(voc_xml("a1", voc_object("w" * 1000)))
    with pytest.raises(BadRecord, match=r"a1.xml: object, name: .* at most 200 characters"):
        VocSource(voc_options(root, class_names=("cat",))).read("a1")
