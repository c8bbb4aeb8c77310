import pytest

from yolo_tf.config import AugmentConfig, Config, DataConfig, TransferConfig
from yolo_tf.config.recipes import find_recipe, load_recipe
from yolo_tf.train.choices import choose, epochs_for, table


@pytest.mark.parametrize(
    ("images", "transferred", "epochs"),
    [
        (205, False, 33),
        (205, True, 40),
        (24, False, 150),  # no more than that
        (64, True, 128),
        (10_000, False, 33),  # no fewer than that
        (10_000, True, 30),
    ],
)
def test_few_images_are_seen_more_often(images, transferred, epochs):
    assert epochs_for(images, transferred) == epochs


def test_a_plain_recipe_gets_mosaic_averages_and_a_length():
    config = Config(data=DataConfig(train="x", val="y"))
    chosen = choose(config, 205, set(), new_schedule=True, parameters=1e6)
    train, augment = config.train, config.data.augment
    assert (train.epochs, train.evaluate_every, train.patience) == (33, 6, 3)
    assert (train.optimizer.name, train.optimizer.learning_rate) == ("adamw", 2e-3)
    assert (augment.mosaic, augment.off_epochs, augment.off) == (0.5, 5, "mixing")
    assert train.averages.decay > 0
    assert train.export == ("saved_model",)
    assert all(choice.flag.startswith("--") for choice in chosen)
    lines = table(chosen).splitlines()
    assert len({line.index("--") for line in lines[1:]}) == 1  # aligned


def test_what_is_given_stays():
    config = Config(
        data=DataConfig(train="x", val="y", augment=AugmentConfig(mosaic=1.0, off_epochs=2)),
        transfer=TransferConfig(source="w.weights"),
    )
    config.train.epochs, config.train.patience = 7, 1
    given = {
        "train.epochs", "train.patience", "train.evaluate_every", "train.export",
        "data.augment.off_epochs", "train.averages.decay", "train.optimizer.learning_rate",
    }  # fmt: skip
    before = repr(config)
    assert choose(config, 50, given, new_schedule=True, parameters=1e6) == []
    assert repr(config) == before


def test_yolo_n_keeps_its_tuned_values_on_the_set_it_was_tuned_on():
    config = load_recipe(find_recipe("yolo_n"))
    config.data.val = "y"
    before = load_recipe(find_recipe("yolo_n"))
    choose(config, 205, set(), new_schedule=False, parameters=3e6)
    assert config.train.epochs == before.train.epochs
    assert config.train.optimizer == before.train.optimizer
    assert config.data.augment == before.data.augment
    assert config.train.averages == before.train.averages


def test_without_validation_nothing_is_evaluated():
    config = Config(data=DataConfig(train="x"))
    choose(config, 205, set(), new_schedule=False, parameters=1e6)
    assert config.train.patience == 0
