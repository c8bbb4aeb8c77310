"""Published files, fetched once: resumed, checked, and never half under their name."""

import hashlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from tqdm import tqdm

from yolo_tf.errors import UserError
from yolo_tf.files import alone_with, cause

_AGENT = "Mozilla/5.0 (compatible; yolo_tf)"  # pjreddie.com refuses the agents of libraries
_TIMEOUT = (10, 30)  # seconds to connect, and between two pieces
_CHUNK = 1 << 16  # bytes
_IDLE_TRIES = 3  # requests in a row that bring nothing
_MOST_TRIES = 50  # requests to one address
_PAUSE = 1.0  # seconds before a request is repeated
_LINE_EVERY = 30.0  # seconds between two lines of progress where there is no terminal
_SPARE = 2  # a file whose size is not known exactly may have this times as many bytes


class _Failed(Exception):
    """Why one address does not give the file."""


@dataclass(frozen=True)
class Download:
    """A file and where it is published.

    Args:
      urls: http(s) addresses of the same file, tried in this order.
      size: bytes.
      sha256: of each version that was published under this name; empty: none is known.
      exact: whether every version has exactly `size` bytes.
    """

    urls: tuple[str, ...]
    size: int
    sha256: tuple[str, ...] = ()
    exact: bool = True

    @property
    def most(self) -> int:
        """Bytes at which a transfer is broken off."""
        return self.size if self.exact else _SPARE * self.size

    def problem(self, path: Path) -> str:
        """What makes a file another one than this; empty where nothing does."""
        found = path.stat().st_size
        if not (found == self.size if self.exact else 0 < found <= self.most):
            return f"it has {found:,} bytes, {self.size:,} are expected"
        if self.sha256 and (digest := sha256_of(path)) not in self.sha256:
            return f"its SHA-256 is {digest}, {' or '.join(self.sha256)} is expected"
        return ""

    def marks(self) -> str:
        """Size and SHA-256, by which people know the right file."""
        about = "" if self.exact else "about "
        digest = " or ".join(self.sha256) or "not published"
        return f"{about}{self.size:,} bytes, SHA-256 {digest}"


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def fetch(download: Download, path: Path) -> None:
    """Has the file at `path`: as it lies there, or downloaded. Waits while another process does it.

    What was received is kept beside it as `NAME.part`; the next call resumes from there.

    Raises:
      UserError: another file lies there, it cannot be written, or no address gives the file; the
        message says where to put it by hand.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone_with(path):
            if not path.exists():
                _download(download, path)
                return
            problem = download.problem(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {cause(error)}") from None
    if problem:
        raise UserError(
            f"{path}: not the published file: {problem}; remove it, and it is downloaded anew"
        )


def _download(download: Download, path: Path) -> None:
    part, reasons = path.with_name(f"{path.name}.part"), []
    for url in download.urls:
        print(f"downloading {url} to {path} ({download.size / 1e6:,.1f} MB)", flush=True)
        try:
            _from_one(url, download, part)
        except _Failed as failed:
            reasons.append(f"{urlsplit(url).netloc}: {failed}")
            print(reasons[-1], flush=True)
            continue
        os.replace(part, path)
        return
    raise UserError(
        f"{path.name}: cannot be downloaded ({'; '.join(reasons)}); try again later, or get it"
        f" elsewhere and put it at {path} ({download.marks()})"
    )


def _from_one(url: str, download: Download, part: Path) -> None:
    """Leaves the whole and checked file at `part`.

    Raises:
      _Failed: with the reason. What was received stays, unless it is known to be wrong.
    """
    if not download.sha256:  # nothing would tell that two halves are not of one file
        part.unlink(missing_ok=True)
    while True:
        resumed = _length(part) > 0
        _receive(url, download, part)
        problem = download.problem(part)
        if not problem:
            return
        part.unlink()
        if not resumed:
            raise _Failed(problem)


def _receive(url: str, download: Download, part: Path) -> None:
    """Asks until all bytes are there; an interrupted transfer is resumed."""
    if download.exact and _length(part) == download.size:
        return
    idle, transfer = 0, _Transfer(url, download, part)
    for _ in range(_MOST_TRIES):
        before = _length(part)
        try:
            if transfer.run():
                return
            reason = f"ended after {_length(part):,} of {download.size:,} bytes"
        except requests.RequestException as error:
            reason = _reason(error)
            if error.response is not None and error.response.status_code < 500:
                raise _Failed(reason) from None
        idle = 0 if _length(part) > before else idle + 1
        if idle >= _IDLE_TRIES:
            break
        time.sleep(_PAUSE)
    raise _Failed(reason)


class _Transfer:
    """Requests to one address that follow each other."""

    def __init__(self, url: str, download: Download, part: Path):
        self.url, self.download, self.part = url, download, part
        self.version = None  # the server's mark of the file's content
        self.session = requests.Session()
        self.session.auth = lambda request: request  # none of ~/.netrc

    def run(self) -> bool:
        """One request; whether the file is whole then."""
        start = _length(self.part)
        headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
        if start and not self.download.sha256 and not self.version:
            start = 0
        if start:
            headers["Range"] = f"bytes={start}-"
            if self.version:
                headers["If-Range"] = self.version
        with self.session.get(self.url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            self._check_address(response)
            if response.status_code == 416:  # what is there is no beginning of this file
                self.part.unlink(missing_ok=True)
                return False
            response.raise_for_status()
            if not _goes_on(response, start):
                start = 0
            tag = response.headers.get("ETag", "")
            self.version = None if tag.startswith("W/") else tag or None
            return self._write(response, start)

    def _check_address(self, response: requests.Response) -> None:
        addresses = [hop.url for hop in [*response.history, response]]
        if self.url.startswith("https:") and not all(a.startswith("https:") for a in addresses):
            raise _Failed("leads to an address without encryption")

    def _write(self, response: requests.Response, start: int) -> bool:
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        if total is not None:
            self._check_total(total)
        done, progress = start, _Progress(self.part.stem, start, total or self.download.size)
        with self.part.open("ab" if start else "wb") as file, progress:
            for chunk in response.iter_content(_CHUNK):
                done += len(chunk)
                if done > self.download.most:
                    file.truncate(0)
                    raise _Failed(f"sends more than {self.download.most:,} bytes")
                file.write(chunk)
                progress.update(done)
        return done == (self.download.size if self.download.exact else total or done)

    def _check_total(self, total: int) -> None:
        expected = self.download.size
        if not (total == expected if self.download.exact else total <= self.download.most):
            raise _Failed(f"has {total:,} bytes, {expected:,} are expected")


def _goes_on(response: requests.Response, start: int) -> bool:
    """Whether the server sends the rest from byte `start` on; many send all again."""
    given = response.headers.get("Content-Range", "")
    return start > 0 and response.status_code == 206 and given.startswith(f"bytes {start}-")


class _Progress:
    """A bar in a terminal; elsewhere a line every 30 seconds."""

    def __init__(self, name: str, done: int, total: int):
        self.name, self.total, self.first = name, total, done
        self.started = self.told = time.monotonic()
        unit = {"unit": "B", "unit_scale": True}
        self.bar = tqdm(desc=name, total=total, initial=done, leave=False, disable=None, **unit)
        self.lines = not sys.stderr.isatty()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.bar.close()

    def update(self, done: int) -> None:
        self.bar.update(done - self.bar.n)
        now = time.monotonic()
        if self.lines and now - self.told >= _LINE_EVERY:
            self.told = now
            speed = (done - self.first) / (now - self.started)
            print(
                f"{self.name}: {done / 1e6:,.1f} of {self.total / 1e6:,.1f} MB,"
                f" {speed / 1e6:.2f} MB/s",
                flush=True,
            )


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.TooManyRedirects):
        return "redirects without end"
    if error.response is not None:
        return f"answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {_TIMEOUT[0]} seconds"
    if isinstance(error, requests.Timeout) or "Read timed out" in str(error):
        return f"sends nothing for {_TIMEOUT[1]} seconds"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if isinstance(error, requests.exceptions.InvalidSchema):
        return "leads to an address that is not http(s)"
    return "cannot be reached"
