import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from yolo_tf.visualize.draw import class_colour, draw_detections, mosaic, write_image

NAMES = ["RBC", "WBC", "Platelets"]


def blank(height, width):
    return np.full([height, width, 3], 30, np.uint8)


def test_box_lies_where_it_should():
    image = blank(100, 200)
    drawn = draw_detections(image, np.array([[0.5, 0.25, 0.9, 0.75]]), np.array([1]), None, NAMES)
    assert (image == 30).all()  # the caller's image is untouched
    colour = class_colour(1)
    assert drawn[70, 50].tolist() == drawn[70, 149].tolist() == list(colour)
    assert drawn[50, 100].tolist() == drawn[89, 100].tolist() == list(colour)
    assert (drawn[55:85, 55:145] == 30).all()  # nothing inside
    assert (drawn[91:] == 30).all()
    assert (drawn[:, 151:] == 30).all()


@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    rows=st.lists(
        st.tuples(*[st.floats(-1, 2)] * 4, st.integers(-1, 90), st.floats(0, 1)), max_size=4
    ),
)
@settings(max_examples=40, deadline=None)
def test_any_box_in_any_image(height, width, rows):
    table = np.array(rows, np.float64).reshape(-1, 6)
    drawn = draw_detections(
        blank(height, width), table[:, :4], table[:, 4].astype(int), table[:, 5], NAMES
    )
    assert drawn.shape == (height, width, 3)
    assert drawn.dtype == np.uint8


def test_padding_and_boxes_that_are_not_finite_are_left_out():
    boxes = np.array([[0.1, 0.1, 0.9, 0.9], [0.1, np.nan, 0.9, 0.9]], np.float32)
    drawn = draw_detections(blank(60, 60), boxes, np.array([-1, 0]), np.array([0.9, 0.9]), NAMES)
    assert (drawn == 30).all()


@pytest.mark.parametrize("box", [[0, 0, 0.2, 0.2], [0.0, 0.9, 0.2, 1.0], [0.9, 0.9, 1, 1]])
def test_labels_stay_whole_inside_the_image(box):
    """The plate of a label at an edge has the pixels of one in the middle."""

    def plate(box):
        drawn = draw_detections(
            blank(400, 400), np.array([box]), np.array([0]), np.array([0.5]), NAMES
        )
        outline = draw_detections(blank(400, 400), np.array([box]), np.array([0]), None, [""])
        return int((drawn != outline).any(axis=-1).sum())

    middle = plate([0.4, 0.4, 0.8, 0.8])
    assert plate(box) >= 0.8 * middle  # less the part that covers the box's own outline


def test_labels_of_boxes_in_one_place_do_not_cover_each_other():
    box = [0.3, 0.3, 0.7, 0.7]

    def plates(labels):
        """Pixels of each class's plate."""
        boxes, labels = np.array([box] * len(labels)), np.array(labels)
        named, bare = (
            draw_detections(blank(400, 400), boxes, labels, None, names) for names in (NAMES, [""])
        )
        colours = [class_colour(label) for label in labels]
        return np.array([(named == c).all(-1).sum() - (bare == c).all(-1).sum() for c in colours])

    alone = np.concatenate([plates([label]) for label in (0, 1, 2)])
    assert min(alone) > 100
    assert (plates([0, 1, 2]) > 0.5 * alone).all()


@pytest.mark.parametrize("names", ["äöüßéçñ", "αβγλ", "кошка"])
def test_letters_that_are_not_english_differ(names):
    """A font without them draws one and the same box for each."""
    box, label = np.array([[0.5, 0.1, 0.9, 0.9]]), np.array([0])
    drawn = [draw_detections(blank(200, 200), box, label, None, [c * 3]).tobytes() for c in names]
    assert len(set(drawn)) == len(set(names))


def test_larger_images_get_larger_labels_and_lines():
    def coloured(side):
        box = np.array([[0.3, 0.3, 0.8, 0.8]])
        drawn = draw_detections(blank(side, side), box, np.array([0]), np.array([0.5]), NAMES)
        return (drawn != 30).any(axis=-1).mean()

    assert coloured(1500) == pytest.approx(coloured(600), rel=0.25)


@pytest.mark.parametrize(("count", "least"), [(8, 120), (20, 60), (80, 12)])
def test_colours_are_distinct(count, least):
    colours = np.array([class_colour(label) for label in range(count)], int)
    distances = [np.linalg.norm(a - b) for a, b in itertools.combinations(colours, 2)]
    assert min(distances) >= least


def test_a_long_name_gives_way_to_the_score():
    """Name and score take the width of the image, whatever the name's length."""
    box, label = np.array([[0.5, 0.1, 0.9, 0.9]]), np.array([0])
    long, longer = (
        draw_detections(blank(90, 120), box, label, np.array([0.5]), ["abcde" * n])
        for n in (10, 20)
    )
    np.testing.assert_array_equal(long, longer)
    assert (long != draw_detections(blank(90, 120), box, label, None, ["abcde" * 10])).any()


def test_mosaic_holds_every_image():
    pictures = [np.full([20 + n, 30 - n, 3], 10 * n, np.uint8) for n in range(5)]
    sheet = mosaic(pictures, columns=2)
    for n, picture in enumerate(pictures):
        assert (sheet == 10 * n).all(axis=-1).sum() == picture.shape[0] * picture.shape[1]
    assert mosaic(pictures[:1]).shape == (28, 38, 3)
    assert max(mosaic([blank(3000, 40)]).shape) <= 660
    with pytest.raises(ValueError, match="no images"):
        mosaic([])


def test_images_are_written_as_their_name_says(tmp_path):
    for name, kind in (("a.jpg", "JPEG"), ("b.png", "PNG")):
        write_image(tmp_path / name, blank(8, 9))
        with Image.open(tmp_path / name) as image:
            assert (image.format, image.size) == (kind, (9, 8))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "b.png"]
    with pytest.raises(ValueError, match=r"ends in \.jpg"):
        write_image(tmp_path / "c.gif", blank(8, 9))
