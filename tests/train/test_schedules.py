"""Learning rates by step, against their formulas."""

import math

import numpy as np
import pytest

from yolo_tf.config import ScheduleConfig
from yolo_tf.errors import UserError
from yolo_tf.train.optimizers import Schedule


def rates(steps, peak=0.1, steps_per_epoch=10, epochs=10, **settings):
    schedule = Schedule(ScheduleConfig(**settings), peak, steps_per_epoch, epochs)
    return np.array([float(schedule(step)) for step in steps])


def test_warmup_is_linear_and_ends_at_the_peak():
    found = rates(range(30), name="constant", warmup_epochs=2)
    expected = [0.1 * min((step + 1) / 20, 1) for step in range(30)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found[0] > 0  # the first update already moves


@pytest.mark.parametrize("warmup_epochs", [0, 0.04])
def test_without_warmup_the_first_step_has_the_peak(warmup_epochs):
    assert rates([0], name="constant", warmup_epochs=warmup_epochs) == pytest.approx([0.1])


def test_a_warmup_of_part_of_an_epoch():
    found = rates([0, 1, 4, 5], name="constant", warmup_epochs=0.5)
    np.testing.assert_allclose(found, [0.02, 0.04, 0.1, 0.1], rtol=1e-6)


def test_cosine():
    found = rates([0, 25, 50, 75, 100, 250], name="cosine", warmup_epochs=0, final_fraction=0.2)
    curve = [0.2 + 0.8 * 0.5 * (1 + math.cos(math.pi * p)) for p in (0, 0.25, 0.5, 0.75, 1, 1)]
    np.testing.assert_allclose(found, 0.1 * np.array(curve), rtol=1e-5)


def test_flat_cosine():
    found = rates(
        [0, 30, 60, 80, 100], name="flat_cosine", warmup_epochs=0, flat=0.6, final_fraction=0.2
    )
    np.testing.assert_allclose(found, [0.1, 0.1, 0.1, 0.06, 0.02], rtol=1e-5)
    assert rates([99], name="flat_cosine", warmup_epochs=0, flat=1.0) == pytest.approx([0.1])


def test_cosine_falls_all_the_way_after_the_warmup():
    found = rates(range(100), name="cosine", warmup_epochs=1)
    assert (np.diff(found[10:]) < 0).all()


def test_steps():
    found = rates([0, 79, 80, 89, 90, 99], name="steps", warmup_epochs=0)
    np.testing.assert_allclose(found, [0.1, 0.1, 0.01, 0.01, 0.001, 0.001], rtol=1e-5)


def test_steps_at_no_place_is_constant():
    found = rates([0, 99], name="steps", warmup_epochs=0, steps_at=(), step_factors=())
    np.testing.assert_allclose(found, [0.1, 0.1], rtol=1e-6)


def test_steps_with_factors_of_their_own():
    # yolov2.cfg starts low and goes up tenfold.
    settings = {"steps_at": (0.1, 0.5, 0.6), "step_factors": (10.0, 0.1, 0.5)}
    found = rates([9, 10, 50, 60], name="steps", warmup_epochs=0, **settings)
    np.testing.assert_allclose(found, [0.1, 1.0, 0.1, 0.05], rtol=1e-5)


def test_as_many_factors_as_steps():
    with pytest.raises(UserError, match=r"step_factors: found 1 values, expected 2"):
        rates([0], name="steps", step_factors=(0.1,))


def test_polynomial_and_exponential():
    found = rates([0, 50, 100], name="polynomial", warmup_epochs=0, power=2.0)
    np.testing.assert_allclose(found, [0.1, 0.025, 0], atol=1e-7)
    found = rates([0, 50, 100], name="exponential", warmup_epochs=0, final_fraction=0.01)
    np.testing.assert_allclose(found, [0.1, 0.01, 0.001], rtol=1e-5)


def test_darknets_burn_in():
    settings = {"warmup_updates": 4, "warmup_power": 4.0, "name": "constant"}
    np.testing.assert_allclose(
        rates(range(5), **settings), 0.1 * np.array([1, 16, 81, 256, 256]) / 256, rtol=1e-5
    )
    # Not more than a tenth of a short training.
    np.testing.assert_allclose(rates([0], epochs=2, **settings), 0.1 / 16, rtol=1e-5)


def test_it_counts_in_the_whole_training():
    # A resumed training asks for its later steps and gets what it would have got.
    short, long = (rates([50], epochs=epochs, warmup_epochs=0) for epochs in (10, 20))
    assert short < long


def test_an_unknown_name():
    with pytest.raises(UserError, match=r"schedule.name: found 'exp', expected one of"):
        Schedule(ScheduleConfig(name="exp"), 0.1, 10, 10)


def test_a_training_of_no_step_divides_by_nothing():
    assert rates([0], epochs=0, name="cosine", warmup_epochs=0) == pytest.approx([0.1])


def test_yolox():
    """Quadratic warm-up, cosine from its end to 15 epochs before the last, then 0.05.

    See algorithms.md 9.2.
    """
    settings = {
        "name": "cosine", "warmup_epochs": 5, "warmup_power": 2.0, "final_fraction": 0.05,
        "after_warmup": True, "last_epochs": 15,
    }  # fmt: skip
    found = rates(range(1000), epochs=100, **settings)
    for step in (0, 10, 48):
        assert found[step] == pytest.approx(0.1 * ((step + 1) / 50) ** 2, rel=1e-5)
    for step in (50, 300, 849):
        wave = 0.5 * (1 + math.cos(math.pi * (step - 50) / 800))
        assert found[step] == pytest.approx(0.1 * (0.05 + 0.95 * wave), rel=1e-4)
    np.testing.assert_allclose(found[850:], 0.005, rtol=1e-5)


def test_last_epochs_that_leave_no_curve():
    with pytest.raises(UserError, match=r"last_epochs: found 10.* leaves none of 10 epochs"):
        rates([0], last_epochs=10)
