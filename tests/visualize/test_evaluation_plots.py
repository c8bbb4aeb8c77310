import numpy as np
import pytest
from PIL import Image

from yolo_tf.visualize.evaluation_plots import Panel, draw_confusion, draw_curves


@pytest.mark.parametrize(
    ("classes", "left_out"),
    [
        (2, ""),
        (30, ""),
        (150, "50 less frequent classes left out"),
    ],
)
def test_the_matrix_fits_a_page(classes, left_out, tmp_path):
    matrix = np.eye(classes + 1, dtype=int) * 3
    assert draw_confusion(matrix, [f"class {n}" for n in range(classes)], tmp_path / "m.png") == (
        left_out
    )
    assert 200 < Image.open(tmp_path / "m.png").width < 1600


def test_classes_without_entries_are_left_out(tmp_path):
    matrix = np.zeros([5, 5], int)
    matrix[1, 1] = matrix[4, 2] = 1
    text = draw_confusion(matrix, list("abcd"), tmp_path / "m.png")
    assert text == "2 classes that are neither there nor found left out"
    assert draw_confusion(matrix * 0, list("abcd"), tmp_path / "empty.png").startswith("4 classes")


@pytest.mark.parametrize("classes", [0, 1, 30])
def test_curves_of_any_number_of_classes(classes, tmp_path):
    """The legend does not grow with the classes, nor does the image."""
    x = np.linspace(0, 1, 11)
    y = np.full([40, 11], np.nan)
    y[:classes] = 1 - x
    panel = Panel("recall", "score threshold", x, y, 1 - x if classes else x * np.nan)
    names = [f"${n} of a long name that has to be cut" for n in range(40)]
    draw_curves(panel, names, list(range(40)), 0.3, tmp_path / "c.png")
    assert Image.open(tmp_path / "c.png").size == (750, 660)
