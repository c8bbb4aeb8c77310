import numpy as np
import pytest
from PIL import Image

from tests.small import small_config
from yolo_tf.analysis.visualize_data import visualize_data
from yolo_tf.errors import UserError


def test_draws_the_images_of_a_training(shapes_records, tmp_path):
    config = small_config(shapes_records.train)
    config.data.augment.mosaic = 0.5
    sheets = {}
    for name, step in (("first", 0), ("again", 0), ("later", 2)):
        path = tmp_path / f"{name}.png"
        found = visualize_data(config, path, images=10, step=step)
        assert (found["images"], found["steps"], found["sizes"]) == (10, 2, [(64, 96)])
        assert found["boxes"] > 5
        assert found["dropped"] >= 0
        sheets[name] = np.asarray(Image.open(path))
    np.testing.assert_array_equal(sheets["first"], sheets["again"])
    assert np.any(sheets["first"] != sheets["later"])


def test_without_augmentation_nothing_is_cut(shapes_records, tmp_path):
    config = small_config(shapes_records.train)
    assert visualize_data(config, tmp_path / "a.jpg", images=3, augment=False)["cut"] == 0
    assert (tmp_path / "a.jpg").stat().st_size > 1000


def test_no_records(tmp_path):
    with pytest.raises(UserError, match="no file matches"):
        visualize_data(small_config(str(tmp_path / "none*")), tmp_path / "a.png")
