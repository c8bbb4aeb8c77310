import pytest

from tests.benchmark.recipes import plausible, tiny
from tests.data.records import made
from yolo_tf.benchmark import pipeline
from yolo_tf.errors import UserError

pytestmark = pytest.mark.long  # minutes of measuring; test_step is in the short run


def test_draws_images_where_there_is_no_data(monkeypatch):
    drawn = []

    def draw(folder):
        drawn.append(folder)
        return draw_records(folder, images=3, size=(40, 60))

    draw_records = pipeline.draw_records
    monkeypatch.setattr(pipeline, "draw_records", draw)
    found = pipeline.measure_pipeline(tiny(), seconds=0.05)
    assert len(drawn) == 1
    assert found["images"] == 3
    assert found["mean_pixels"] == 40 * 60
    assert found["mean_bytes"] > 500
    assert list(found["figures"]) == ["bound", *pipeline.VARIANTS, "recipe"]
    for figures in found["figures"].values():
        assert plausible(figures)
        assert figures["share"] > 0
        assert figures["processor_share"] > 0
    assert found["figures"]["bound"]["share"] == 1


def test_takes_records(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "VARIANTS", {"base": None})
    box = (0.1, 0.1, 0.6, 0.5)
    pattern = made.write(tmp_path, [[made.record("a", [box]), made.record("b")]])
    config = tiny()
    config.data.names = str(tmp_path / "names.txt")
    (tmp_path / "names.txt").write_text("\n".join(made.NAMES))
    found = pipeline.measure_pipeline(config, seconds=0.05, pattern=pattern)
    assert (found["data"], found["images"]) == (pattern, 2)
    assert plausible(found["figures"]["recipe"])
    assert config.data.train == ""  # the recipe stays as it was


def test_a_damaged_image_is_named(tmp_path):
    damaged = made.record("bad one", image=b"\xff\xd8\xff no image")
    pattern = made.write(tmp_path, [[made.record("a"), damaged]])
    config = tiny()
    config.data.names = str(tmp_path / "names.txt")
    (tmp_path / "names.txt").write_text("\n".join(made.NAMES))
    with pytest.raises(UserError, match=r"record 2: image: found bytes .* a JPEG or PNG"):
        pipeline.measure_pipeline(config, seconds=0.05, pattern=pattern)
