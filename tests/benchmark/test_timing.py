import itertools
import time

import pytest

from yolo_tf.benchmark import timing
from yolo_tf.train import progress


def test_stream_speed_counts_images_a_second():
    def slow():
        while True:
            time.sleep(0.01)
            yield None

    found = timing.stream_speed(slow(), images=3, seconds=0.2)
    assert 30 < found["images_per_second"] <= 300  # a sleep is never shorter than asked
    assert found["lowest"] <= found["images_per_second"] <= found["highest"]


def test_the_warm_up_does_not_count():
    pulled = []

    def stream():
        for number in itertools.count():
            pulled.append(time.perf_counter())
            if number == 0:
                time.sleep(0.3)  # many windows long
            yield number

    assert timing.stream_speed(stream(), images=1, seconds=0.05)["lowest"] > 1 / 0.3
    assert len(pulled) > timing.WINDOWS


def test_speed_is_the_median():
    found = timing.speed([5.0, 1.0, 100.0])
    assert found == {"images_per_second": 5.0, "lowest": 1.0, "highest": 100.0}


def test_call_times_are_wall_clock_and_processor_time():
    wall, processor = timing.call_times(lambda: time.sleep(0.2))
    assert wall >= 0.2
    assert processor < 0.2


def test_machine_says_what_figures_depend_on():
    found = timing.machine()
    assert found["cores"] >= 1
    assert found["tensorflow"][0].isdecimal()
    assert found["load"] is None or found["load"] >= 0


def test_peak_memory_is_bytes():
    peak = progress.peak_memory()
    if peak is None:
        pytest.skip("this system does not tell the memory of a process")
    assert 50e6 < peak < 1e12  # TensorFlow alone needs more than 50 MB
