"""What a file system refuses, and streams that are closed: one line and exit code 1."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A command of a moment: it runs what comes behind as its main.
COMMAND = "from yolo_tf.cli import common\ndef main(argv):\n    {}\ncommon.run(main, 'A test.')"


def run(body: str, redirections: str = "") -> subprocess.CompletedProcess:
    line = f'exec "$0" "$@" {redirections}'
    words = ["sh", "-c", line, sys.executable, "-c", COMMAND.format(body)]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=60)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("open('/nowhere/a')", "/nowhere/a: No such file or directory"),
        ("open('x' * 5000)", "...xxx"),
        ("open('setup.py/a')", "setup.py/a: Not a directory"),
        ("open('yolo_tf')", "yolo_tf: Is a directory"),
        ("open(b'caf\\xe9.jpg')", "caf"),
        (
            "from yolo_tf.files import write_text; write_text('/dev/full/a', 'x')",
            "/dev/full/a: cannot be written: Not a directory",
        ),
    ],
)
def test_reading_and_writing(body, message):
    done = run(body)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 500


def test_a_bug_keeps_its_traceback():
    done = run("1 / 0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


def test_a_closed_stderr_takes_nothing_away(tmp_path):
    # What is opened first must not become file descriptor 2, to which libraries write.
    body = (
        f"import os; os.write(2, b'noise'); f = open({str(tmp_path / 'a')!r}, 'w');"
        " os.write(2, b'noise'); f.write('kept'); f.close(); print('done')"
    )
    done = run(body, "2>&-")
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert (tmp_path / "a").read_text() == "kept"


def test_an_error_is_said_on_stdout_where_stderr_is_closed():
    done = run("open('/nowhere')", "2>&-")
    assert (done.returncode, done.stdout) == (1, "error: /nowhere: No such file or directory\n")


def test_closed_and_full_stdout():
    assert run("print('x')", ">&-").returncode == 0
    done = run("print('x')", ">/dev/full")
    assert done.returncode == 1
    assert done.stderr == "error: standard output: no space left on the disk\n"


def test_names_that_are_no_utf8_are_printed():
    done = run("import os; print(os.fsdecode(b'caf\\xe9.jpg'))")
    assert (done.returncode, done.stdout) == (0, "caf\\udce9.jpg\n")


def test_what_was_written_before_is_named(tmp_path):
    body = (
        "from yolo_tf.files import write_text\n"
        f"    for n in range(5): write_text(f'{tmp_path}/{{n}}.txt', 'x')\n"
        f"    write_text('{tmp_path}/none/a', 'x')"
    )
    done = run(body)
    assert "cannot be written: No such file" in done.stderr
    assert done.stderr.endswith("; written before: 0.txt, 1.txt, 2.txt and 2 more\n")


def test_folders_for_results(tmp_path):
    file = tmp_path / "file"
    file.write_text("precious")
    make = "from pathlib import Path; common.make_folder('output', Path({!r}))"
    done = run(make.format(str(file)))
    assert done.stderr.startswith(f"error: --output={file}: cannot be written: ")
    done = run(make.format("/proc/a"))
    assert done.stderr.startswith("error: --output=/proc/a: cannot be written: ")
    assert run(make.format(str(tmp_path / "a/b"))).returncode == 0
    assert not list((tmp_path / "a/b").iterdir())
    done = run(f"from pathlib import Path; common.make_parent('output', Path({str(tmp_path)!r}))")
    assert "found a folder, expected a file to write" in done.stderr
    long = tmp_path / ("z" * 260 + ".jpg")  # the file's name, not its folder's
    done = run(f"from pathlib import Path; common.make_parent('output', Path({str(long)!r}))")
    assert "zzz.jpg: cannot be written: File name too long" in done.stderr
    assert file.read_text() == "precious"


def test_two_commands_into_one_folder(tmp_path):
    body = f"from pathlib import Path; common.make_folder('output', Path({str(tmp_path)!r}))"
    words = [sys.executable, "-c", COMMAND.format(f"{body}; print('held', flush=True); input()")]
    first = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ
    )
    assert first.stdout.readline() == "held\n"
    second = run(body)
    first.communicate("\n")
    assert second.returncode == 1
    assert "another process is writing there; wait for its end" in second.stderr
    assert run(body).returncode == 0
