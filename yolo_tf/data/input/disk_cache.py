"""Decoded images on the disk, for trainings of many epochs on a machine with a slow processor.

An image's file is named by a fingerprint of its encoded bytes and of how we decode: it cannot be
stale, whatever happens to the records, and any number of data sets and trainings share it. Files
are written before a training starts, each under another name until it is whole.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from yolo_tf.data.decode import decode_image, image_size
from yolo_tf.data.records.files import record_dataset
from yolo_tf.errors import UserError
from yolo_tf.files import cache_folder, replacing
from yolo_tf.progress import Bar

_AUTO = tf.data.AUTOTUNE
# Changes with the content of the files: the decoder's settings, and their layout.
_VERSION = f"photos-2-tf{tf.__version__}"
_KEYS = ((0x5EED, 1), (0x5EED, 2))  # of two independent 63-bit fingerprints
_HEADER = 8  # bytes: height and width, int32
_AT_ONCE = 16  # records to parse
_SPARE = 1e9  # bytes that stay free on the disk


class DiskCache:
    """Images under a folder.

    Args:
      folder: "": ~/.cache/yolo_tf, or below XDG_CACHE_HOME.
    """

    def __init__(self, folder: str = ""):
        self.folder = (Path(folder) if folder else cache_folder()) / _VERSION

    def fill(self, paths: list[str], parse) -> None:
        """Decodes the images of TFRecord files that are not there yet, and says where they are.

        Args:
          parse: serialized records [B] -> examples with "encoded" [B].

        Raises:
          UserError: the folder cannot be written, or the disk is too small.
        """
        records = record_dataset(paths, num_parallel_reads=1).batch(_AT_ONCE)
        examples = records.map(lambda record: parse(record)["encoded"], num_parallel_calls=_AUTO)
        examples = examples.unbatch()
        wanted = examples.map(lambda e: (self.path(e), image_size(e)), num_parallel_calls=_AUTO)
        sizes = {os.fsdecode(name): size for name, size in wanted.as_numpy_iterator()}
        missing = {name for name in sizes if not os.path.exists(name)}
        total = sum(3 * int(np.prod(size, dtype=np.int64)) for size in sizes.values())
        print(f"cache        {self.folder}: {len(sizes)} images, {total / 1e9:.1f} GB")
        if missing:
            needed = sum(3 * int(np.prod(sizes[name], dtype=np.int64)) for name in missing)
            self._prepare(needed)
            self._write(examples, missing)

    def read(self, encoded: tf.Tensor) -> tf.Tensor:
        """The image [h, w, 3] uint8 of an encoded image whose file is there."""
        content = tf.io.read_file(self.path(encoded))
        size = tf.io.decode_raw(tf.strings.substr(content, 0, _HEADER), tf.int32)
        pixels = tf.io.decode_raw(content, tf.uint8)[_HEADER:]
        return tf.ensure_shape(tf.reshape(pixels, tf.concat([size, [3]], 0)), [None, None, 3])

    def path(self, encoded: tf.Tensor) -> tf.Tensor:
        """Name of the file of an encoded image, a string tensor."""
        prints = [
            tf.strings.to_hash_bucket_strong(encoded, np.iinfo(np.int64).max, list(key))
            for key in _KEYS
        ]
        texts = [tf.strings.as_string(p, width=19, fill="0") for p in prints]
        # A thousand folders: file systems are slow with many files in one.
        part = tf.strings.substr(texts[0], 16, 3)
        return tf.strings.join([str(self.folder), "/", part, "/", *texts])

    def _prepare(self, needed: int) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise UserError(
                f"data.cache_dir: cannot write to {self.folder}: {error.strerror}"
            ) from None
        if needed + _SPARE > free:
            raise UserError(
                f"data.cache=disk: the images need {needed / 1e9:.1f} GB, {self.folder} has"
                f" {free / 1e9:.1f} GB free: set data.cache_dir to a larger disk, or"
                " data.cache=none"
            )

    def _write(self, examples, missing: set[str]) -> None:
        def decode(encoded):
            image = decode_image(encoded)
            return self.path(encoded), image

        names = tf.constant(sorted(missing))
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(names, tf.ones([len(missing)], tf.int64)), 0
        )
        examples = examples.filter(lambda e: table.lookup(self.path(e)) > 0)
        decoded = examples.map(decode, num_parallel_calls=_AUTO).prefetch(_AUTO)
        bar = Bar(decoded.as_numpy_iterator(), "caching", len(missing), unit="image", leave=False)
        for name, image in bar:
            path = Path(os.fsdecode(name))
            if path.exists():  # twice in the records
                continue
            path.parent.mkdir(exist_ok=True)
            with replacing(path) as temporary:
                header = np.array(image.shape[:2], np.int32).tobytes()
                temporary.write_bytes(header + image.tobytes())
