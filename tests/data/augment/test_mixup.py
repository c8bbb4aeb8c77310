import numpy as np
import tensorflow as tf

from tests.data.augment import scene
from yolo_tf.config import AugmentConfig
from yolo_tf.data.augment import mosaic


def test_boxes_of_both_and_their_brightness():
    boxes = np.random.default_rng(0).uniform(0.1, 0.9, (6, 2, 4))
    batch = scene.batch(boxes, np.arange(12).reshape(6, 2))
    batch.pop("whole")
    out = mosaic.mixup(batch, AugmentConfig(mixup=1), 3)
    images = tf.cast(batch["image"], tf.float32)
    mixed = mosaic.mix_images(images, out["partner"], out["share"]).numpy()
    for number, partner in enumerate(out["partner"].numpy()):
        assert partner != number
        share = float(out["share"][number])
        assert 0.05 < share < 0.95
        expected = share * images[number] + (1 - share) * images[partner]
        np.testing.assert_allclose(mixed[number], expected, atol=1e-3)
        labels = [2 * number, 2 * number + 1, 2 * partner]  # three rows alone
        assert out["classes"][number].numpy().tolist() == labels
        assert int(out["dropped"][number]) == 1
        np.testing.assert_allclose(out["boxes"][number, 2], boxes[partner, 0], atol=1e-6)


def test_off_and_alone():
    for count, chance in ((5, 0), (1, 1)):
        batch = scene.batch([[[0.1, 0.1, 0.5, 0.5]]] * count)
        batch.pop("whole")
        out = mosaic.mixup(batch, AugmentConfig(mixup=chance), 2)
        assert np.all(out["share"] == 1)
        assert out["classes"].numpy().tolist() == [[0, -1]] * count


def test_shares_are_like_beta_8_8():
    batch = scene.batch(np.zeros((500, 1, 4)), size=(1, 1))
    batch.pop("whole")
    share = mosaic.mixup(batch, AugmentConfig(mixup=1), 1)["share"].numpy()
    assert abs(np.mean(share) - 0.5) < 0.03
    assert abs(np.std(share) - np.sqrt(1 / 68)) < 0.015  # of Beta(8, 8)
