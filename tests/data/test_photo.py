import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.data import decode
from yolo_tf.data.decode import decode_image

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
JPEG, PNG = tf.io.encode_jpeg(PIXELS, quality=95), tf.io.encode_png(PIXELS)


@pytest.mark.parametrize("encoded", [JPEG, PNG])
def test_an_image_is_the_same_decoded_cached_or_in_parts(encoded):
    whole = decode_image(encoded)
    for example in ({"encoded": encoded, "rest": 1}, {"decoded": whole, "rest": 1}):
        decoded = decode.decoded(example)
        assert set(decoded) == {"decoded", "rest"}
        np.testing.assert_array_equal(decoded["decoded"], whole)
        safe, size = decode.example_size(example)
        assert size.numpy().tolist() == [40, 50]
        part = decode.example_part(safe, tf.constant([3, 10]), tf.constant([20, 50]))
        np.testing.assert_array_equal(part, whole[3:20, 10:50])


def test_what_is_no_image_is_refused():
    for data in (b"", b"GIF89a", b"\xff\xd8\xff damaged"):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode.example_size({"encoded": tf.constant(data)})
