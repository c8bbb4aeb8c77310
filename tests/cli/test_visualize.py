import pytest


def test_draws_a_sheet_and_says_where(command, shapes_records, tmp_path):
    path = tmp_path / "new/seen.png"
    done = command(
        "visualize", f"--data={shapes_records.train}", f"--output={path}", "--images=4",
        "--config.input_size=64,96", "--config.data.augment.erase=1",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "4 images of step 0, 64x96 (height x width)" in done.out
    assert f"written to {path}" in done.out
    assert path.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data=x"], "--output is missing"),
        (["--output=a.png"], "--data is missing"),
        (["--data=x", "--output=a.gif"], "--output: found 'a.gif', expected a name ending in"),
        (["--data=/nothing/x*", "--output={folder}/a.png"], "no file matches"),
    ],
)
def test_mistakes_are_one_line(command, tmp_path, arguments, message):
    done = command("visualize", *(argument.format(folder=tmp_path) for argument in arguments))
    assert message in done.error()
