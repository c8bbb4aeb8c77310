"""Files from a server on this machine that misbehaves as servers do."""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from yolo_tf import downloads
from yolo_tf.downloads import Download, fetch
from yolo_tf.errors import UserError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SIZE = len(CONTENT)
CUT = 100_000  # bytes after which a connection is cut


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.server.requests.append((self.path, start))
        self.server.agents.add(self.headers["User-Agent"])
        getattr(self, self.path.strip("/").partition("/")[0])(start)

    def send(self, content, start=0, status=None, length=None, **headers):
        self.send_response(status or (206 if start else 200))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for name, value in headers.items():
            self.send_header(name, value)
        if length != "none":
            self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content[start:][:length] if isinstance(length, int) else content[start:])
        self.close_connection = True

    def good(self, start):
        self.send(CONTENT, start)

    def cut(self, start):
        self.send(CONTENT, start, length=CUT)

    def dies(self, start):
        self.send(CONTENT, start, length=0 if start else CUT)

    def marked(self, start):
        same = self.headers.get("If-Range") in (None, '"1"')
        self.send(CONTENT, start if same else 0, length=CUT, ETag='"1"')

    def no_range(self, start):
        whole = sum(path == "/no_range" for path, _ in self.server.requests) > 1
        self.send(CONTENT, length=None if whole else CUT)

    def refuses_range(self, start):
        self.send(b"", status=416) if start else self.good(0)

    def wrong(self, start):
        self.send(bytes(len(CONTENT)), start)

    def page(self, start):
        self.send(b"<html>Sign in</html>")

    def endless(self, start):
        self.send(CONTENT * 3, length="none")

    def no_length(self, start):
        self.send(CONTENT, length="none")

    def stalls(self, start):
        self.send(CONTENT, start, length=CUT)
        time.sleep(1)

    def moved(self, start):
        self.send(b"", status=302, Location="/good")

    def circle(self, start):
        self.send(b"", status=302, Location="/circle")

    def elsewhere(self, start):
        self.send(b"", status=302, Location="ftp://127.0.0.1/file")

    def missing(self, start):
        self.send(b"no such file", status=404)

    def broken(self, start):
        self.send(b"sorry", status=503)


@pytest.fixture(scope="module")
def started():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(started, monkeypatch):
    """Of `requests` (path, first byte) and `agents`; `url` makes an address."""
    monkeypatch.setattr(downloads, "_PAUSE", 0.0)
    monkeypatch.setattr(downloads, "_TIMEOUT", (2, 0.3))
    monkeypatch.setenv("no_proxy", "*")
    started.requests, started.agents = [], set()
    base = f"http://127.0.0.1:{started.server_port}"
    return SimpleNamespace(state=started, url=lambda path: f"{base}/{path}")


@pytest.fixture
def get(server, tmp_path):
    """Function (paths, ...) -> the downloaded file."""

    def run(*paths, size=SIZE, sha256=(SHA256,), exact=True):
        path = tmp_path / "cache" / "net.weights"
        urls = tuple(server.url(name) for name in paths)
        fetch(Download(urls, size, sha256, exact), path)
        return path

    return run


def only_file(path):
    return [other.name for other in path.parent.iterdir()] == [path.name]


def test_a_file_is_fetched_once(get, server, capsys):
    path = get("good")
    assert path.read_bytes() == CONTENT
    assert only_file(path)
    assert get("good") == path
    assert server.state.requests == [("/good", 0)]
    assert capsys.readouterr().out.count("downloading") == 1
    assert not any("python" in agent.lower() for agent in server.state.agents)


@pytest.mark.parametrize("path", ["moved", "no_length", "good"])
def test_ways_to_give_a_file(get, path):
    assert get(path).read_bytes() == CONTENT


def test_a_cut_transfer_goes_on_where_it_ended(get, server):
    path = get("cut")
    assert path.read_bytes() == CONTENT
    assert only_file(path)
    starts = [start for _, start in server.state.requests]
    assert starts[0] == 0
    assert len(starts) >= 3
    assert starts == sorted(set(starts))


def test_a_server_without_ranges_sends_all_again(get, server):
    assert get("no_range").read_bytes() == CONTENT
    assert len(server.state.requests) == 2


def test_a_server_that_stalls_is_asked_again(get, server):
    assert get("stalls").read_bytes() == CONTENT
    assert len(server.state.requests) >= 3


def test_another_call_goes_on(get, server, tmp_path):
    with pytest.raises(UserError, match="cannot be downloaded"):
        get("dies")
    path = tmp_path / "cache" / "net.weights"
    kept = path.with_name("net.weights.part").stat().st_size
    assert not path.exists()
    assert 0 < kept <= CUT
    server.state.requests.clear()
    assert get("good").read_bytes() == CONTENT
    assert only_file(path)
    assert server.state.requests == [("/good", kept)]


@pytest.mark.parametrize("path", ["good", "refuses_range"])
def test_a_part_of_another_file_is_thrown_away(get, tmp_path, path):
    part = tmp_path / "cache" / "net.weights.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 1000)
    assert get(path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("missing", "answers 404 Not Found"),
        ("broken", "answers 503 Service Unavailable"),
        ("wrong", "its SHA-256 is "),
        ("page", "has 20 bytes, 300,000 are expected"),
        ("endless", "sends more than 300,000 bytes"),
        ("circle", "redirects without end"),
        ("elsewhere", r"not http\(s\)"),
    ],
)
def test_mirrors(get, tmp_path, capsys, first, reason):
    with pytest.raises(UserError, match=reason) as error:
        get(first)
    assert f"put it at {tmp_path}/cache/net.weights (300,000 bytes, SHA-256 {SHA256})" in str(
        error.value
    )
    assert not (tmp_path / "cache" / "net.weights").exists()
    assert get(first, "good").read_bytes() == CONTENT
    assert "127.0.0.1" in capsys.readouterr().out


def test_no_connection(server, tmp_path):
    with pytest.raises(UserError, match="cannot be reached"):
        fetch(Download(("http://127.0.0.1:9/x",), 5, ("0" * 64,)), tmp_path / "x")


def test_without_a_published_hash(get, server, tmp_path):
    part = tmp_path / "cache" / "net.weights.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 1000)  # of whatever file
    assert get("marked", sha256=()).read_bytes() == CONTENT
    starts = [start for _, start in server.state.requests]
    assert starts[0] == 0
    assert len(starts) >= 3


def test_without_a_hash_and_a_mark_halves_are_not_joined(get, server):
    with pytest.raises(UserError, match="SHA-256 not published"):
        get("cut", sha256=())
    assert {start for _, start in server.state.requests} == {0}


def test_a_size_that_is_not_known_exactly(get):
    assert get("no_length", size=280_000, sha256=(), exact=False).read_bytes() == CONTENT


def test_a_size_far_from_the_one_known(get):
    with pytest.raises(UserError, match="has 300,000 bytes, 100,000 are expected"):
        get("good", size=100_000, sha256=(), exact=False)


def test_a_wrong_file_in_the_cache_is_named(get, server):
    path = get("good")
    path.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(UserError, match=r"not the published file: its SHA-256 is .*; remove it"):
        get("good")


def test_two_at_once_fetch_once(get, server):
    found, threads = [], []
    for _ in range(2):
        threads.append(threading.Thread(target=lambda: found.append(get("cut").read_bytes())))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert found == [CONTENT, CONTENT]
    assert sum(start == 0 for _, start in server.state.requests) == 1


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        fetch(Download((server.url("good"),), 5), tmp_path / "file" / "x")


def test_progress_where_nobody_watches(get, monkeypatch, capsys):
    monkeypatch.setattr(downloads, "_LINE_EVERY", 0.0)
    get("good")
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines
    assert lines[-1].startswith("net.weights: 0.3 of 0.3 MB, ")
