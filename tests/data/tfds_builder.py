"""A small data set of TensorFlow Datasets for tests, prepared without any network."""

import io
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from tests.data.folders import NAMES, picture

tfds = pytest.importorskip("tensorflow_datasets", reason="needs tensorflow-datasets")


class Toy(tfds.core.GeneratorBasedBuilder):
    """Five images of 40 x 60 a split; image i has i % 3 boxes, "cat" then "dog"."""

    VERSION = tfds.core.Version("1.0.0")
    names = NAMES
    objects: ClassVar[dict] = {}  # further features of an object
    more: ClassVar[dict] = {}  # of an image

    def _info(self):
        box = {"bbox": tfds.features.BBoxFeature()}
        label = {"label": tfds.features.ClassLabel(names=self.names)}
        features = {
            "image": tfds.features.Image(),
            "image/filename": tfds.features.Text(),
            "objects": tfds.features.Sequence({**box, **label, **self.objects}),
            **self.more,
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(name) for name in ("train", "validation")}

    def _generate_examples(self, split):
        for i in range(5):
            yield i, self.example(split, i)

    def example(self, split, i):
        objects = [
            {
                "bbox": tfds.features.BBox(ymin=0.125, xmin=0.25, ymax=0.625, xmax=0.75),
                "label": self.names[n],
                **{key: spec[1] for key, spec in EXTRAS.items() if key in self.objects},
            }
            for n in range(i % 3)
        ]
        extra = dict.fromkeys(self.more, i + 1)
        return {
            "image": np.asarray(Image.open(io.BytesIO(picture(seed=i)))),
            "image/filename": f"{split}-{i}.jpg",
            "objects": objects,
            **extra,
        }


EXTRAS = {
    "is_difficult": (np.bool_, True),
    "is_crowd": (np.bool_, True),
    "is_truncated": (np.bool_, True),
    "area": (np.int64, 123),
}


class ToyFlags(Toy):
    """With everything that an object may have."""

    VERSION = tfds.core.Version("1.0.0")
    objects: ClassVar[dict] = {key: spec[0] for key, spec in EXTRAS.items()}
    more: ClassVar[dict] = {"image/id": np.int64}


class ToyFloatArea(Toy):
    """With an area that cannot be read in place."""

    VERSION = tfds.core.Version("1.0.0")
    objects: ClassVar[dict] = {"area": np.float32}


def prepare(builder_class, data_dir, file_format="tfrecord"):
    """Writes the data set; returns its folder."""
    builder = builder_class(data_dir=str(data_dir), file_format=file_format)
    config = tfds.download.DownloadConfig(num_shards=2)
    builder.download_and_prepare(download_config=config)
    return str(builder.data_dir)
