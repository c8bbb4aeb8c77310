from tests.analysis.made import NAMES, facts, filled, first_findings
from yolo_tf.analysis.duplicates import compare

BOX = [0.2, 0.2, 0.6, 0.6]


def found(*splits):
    compare(list(splits), NAMES)
    return [(f.kind, f.split, f.image) for f in first_findings(*splits)]


def images(*names, split="train", classes=(0, 1, 2), **settings):
    return [facts(n, [BOX] * len(classes), classes, split=split, **settings) for n in names]


def many(split, count=10, first=0):
    return [
        facts(f"{split}{n}", [BOX] * 3, [0, 1, 2], split=split, seed=first + n)
        for n in range(count)
    ]


def test_a_clean_set():
    assert found(filled("train", many("train")), filled("val", many("val", 3, 100))) == []


def test_copies_and_leaks():
    train = filled("train", [*many("train"), facts("again", [BOX], seed=3)])
    val = filled("val", [*many("val", 2, 100), facts("leak", [BOX], split="val", seed=4)])
    assert found(train, val) == [("same_image", "train", "again"), ("leak", "val", "leak")]
    leak = val.findings.first["leak"][0]
    assert leak.place == "val.tfrecord: record leak"
    assert leak.detail == "as train4 in train, train.tfrecord: record train4"


def test_images_that_look_alike():
    near, across = facts("near", [BOX], seed=500), facts("across", [BOX], split="val", seed=501)
    train_images = many("train")
    for image, like in ((near, train_images[3]), (across, train_images[5])):
        image.print = image.print._replace(grey=like.print.grey)
    train = filled("train", [*train_images, near])
    val = filled("val", [*many("val", 2, 100), across])
    assert found(train, val) == [("similar_image", "train", "near"), ("near_leak", "val", "across")]


def test_images_that_were_not_decoded_have_no_looks():
    train_images = many("train")
    for image in train_images:
        image.print = image.print._replace(grey=None)
    assert found(filled("train", train_images)) == []


def test_an_id_twice():
    train_images = many("train")
    train_images[2].source_id = train_images[1].source_id
    assert found(filled("train", train_images)) == [("same_id", "train", "train1")]
    # Splits may have the same ids.
    other = many("val", 3, 100)
    other[0].source_id = "train0"
    assert found(filled("train", many("train")), filled("val", other)) == []


def test_classes_that_one_split_alone_has():
    train = [facts(f"t{n}", [BOX] * 2, [0, 1], seed=n) for n in range(10)]
    val = filled("val", [facts("v", [BOX] * 2, [0, 2], split="val", seed=99)])
    assert found(filled("train", train), val) == [
        ("unmeasured_class", "train", "green"),
        ("untrained_class", "train", "blue"),
    ]
    # Without another split nothing is to be measured.
    assert found(filled("train", train)) == [("unused_class", "train", "blue")]


def test_a_rare_class():
    train = filled("train", [*many("train", 9), facts("x", [BOX] * 2, [0, 1], seed=50)])
    assert found(train) == [("rare_class", "train", "blue")]
