from tests.benchmark.recipes import plausible, tiny
from yolo_tf.benchmark.pipeline import measure_encoding


def test_measures_the_stream_and_single_calls():
    found = measure_encoding(tiny(), batch_size=3, num_classes=4, seconds=0.05)
    assert plausible(found["stream"])
    assert plausible(found["single"])
    assert 0 < found["call_seconds"] < 1
    sizes = {key: found[key] for key in ("batch_size", "boxes", "levels", "input_size")}
    assert sizes == {"batch_size": 3, "boxes": 8, "levels": 2, "input_size": [32, 64]}
