import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from yolo_tf.data.decode import decode_image
from yolo_tf.data.input import disk_cache
from yolo_tf.data.input.disk_cache import DiskCache
from yolo_tf.errors import UserError


def photo(seed, size=(5, 7)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    return tf.io.encode_png(pixels).numpy()


def parse(record):
    return {"encoded": record}


def shard(folder, photos):
    path = str(folder / "photos.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for encoded in photos:
            writer.write(encoded)
    return [path]


def files(cache):
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


def test_gives_the_decoded_images(tmp_path, capsys):
    photos = [photo(0), photo(1, (30, 2)), photo(0)]
    cache = DiskCache(str(tmp_path / "cache"))
    cache.fill(shard(tmp_path, photos), parse)
    assert f"{cache.folder}: 2 images" in capsys.readouterr().out
    assert len(files(cache)) == 2  # one of them is there twice
    for encoded in photos:
        np.testing.assert_array_equal(cache.read(tf.constant(encoded)), decode_image(encoded))


def test_is_filled_once_and_shared(tmp_path):
    cache = DiskCache(str(tmp_path / "cache"))
    cache.fill(shard(tmp_path, [photo(0), photo(1)]), parse)
    before = {path: path.stat().st_mtime_ns for path in files(cache)}
    DiskCache(str(tmp_path / "cache")).fill(shard(tmp_path, [photo(1), photo(0)]), parse)
    assert {path: path.stat().st_mtime_ns for path in files(cache)} == before


def test_a_changed_image_is_another_one(tmp_path):
    cache = DiskCache(str(tmp_path / "cache"))
    cache.fill(shard(tmp_path, [photo(0)]), parse)
    cache.fill(shard(tmp_path, [photo(1)]), parse)  # the same file, with another content
    assert len(files(cache)) == 2
    np.testing.assert_array_equal(cache.read(tf.constant(photo(1))), decode_image(photo(1)))


def test_one_bit_changes_the_name():
    cache = DiskCache("c")
    encoded = bytearray(photo(0))
    first = cache.path(tf.constant(bytes(encoded)))
    encoded[-1] ^= 1
    assert first != cache.path(tf.constant(bytes(encoded)))


def test_a_half_written_file_is_ignored(tmp_path, monkeypatch):
    """Broken off while it writes: nothing has the name of the whole file, and it is made anew."""
    cache = DiskCache(str(tmp_path / "cache"))
    paths = shard(tmp_path, [photo(0)])
    with monkeypatch.context() as patch:

        def half(path, data):
            with open(path, "wb") as file:
                file.write(data[: len(data) // 2])
            raise KeyboardInterrupt

        patch.setattr(Path, "write_bytes", half)
        with pytest.raises(KeyboardInterrupt):
            cache.fill(paths, parse)
    assert not os.path.exists(cache.path(tf.constant(photo(0))).numpy())
    cache.fill(paths, parse)
    np.testing.assert_array_equal(cache.read(tf.constant(photo(0))), decode_image(photo(0)))


def test_the_default_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert DiskCache().folder.parent == tmp_path / "yolo_tf"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert DiskCache().folder.parent == tmp_path / "home/.cache/yolo_tf"


def test_a_folder_that_cannot_be_used(tmp_path, monkeypatch):
    paths = shard(tmp_path, [photo(0)])
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"data\.cache_dir: cannot write to .*file"):
        DiskCache(str(tmp_path / "file")).fill(paths, parse)
    monkeypatch.setattr(disk_cache, "_SPARE", 1e18)
    with pytest.raises(UserError, match=r"need 0\.0 GB, .* free: set data\.cache_dir"):
        DiskCache(str(tmp_path / "full")).fill(paths, parse)
