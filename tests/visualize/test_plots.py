import pytest
from PIL import Image

from yolo_tf.visualize import plots
from yolo_tf.visualize.plots import plot_results

TABLE = """epoch,loss,box_loss,loss_16,memory_mb,learning_rate,seconds,val_loss,AP,AP50,custom
1,9.5,3,5,900,0.001,12,,,,4
2,7,2.5,4,950,0.01,11,8,.01,.05,5
3,nan,2,3,950,0.01,11,inf,,text,6
"""


def test_writes_an_image(tmp_path):
    (tmp_path / "results.csv").write_text(TABLE)
    plot_results(tmp_path / "results.csv", tmp_path / "results.png")
    with Image.open(tmp_path / "results.png") as image:
        assert image.format == "PNG"
        assert min(image.size) > 200
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("text", ["", "epoch,loss\n", "epoch,loss\n1,\n", "epoch,loss\n1,2\n"])
def test_empty_and_short_tables(tmp_path, text):
    (tmp_path / "results.csv").write_text(text)
    plot_results(tmp_path / "results.csv", tmp_path / "results.png")
    assert (tmp_path / "results.png").stat().st_size > 0


def test_gaps_and_panels():
    names = TABLE.splitlines()[0].split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in TABLE.splitlines()[1:]]
    curves = plots._curves(rows)
    assert curves["loss"] == [(1, 9.5), (2, 7)]
    assert curves["val_loss"] == [(2, 8)]
    assert curves["AP50"] == [(2, 0.05)]
    panels = plots._panels(curves)
    assert panels["loss"] == ["loss", "val_loss"]
    assert panels["average precision"] == ["AP", "AP50"]
    assert panels["most memory so far, MB"] == ["memory_mb"]
    assert panels["custom"] == ["custom"]
    assert "loss_16" not in panels
    assert "seconds" not in panels
