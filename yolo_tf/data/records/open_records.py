"""Records that are opened: their files, their classes, and what their labels mean."""

import functools
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yolo_tf.config import DataConfig
from yolo_tf.data.records.files import count_records, find_shards, record_dataset
from yolo_tf.data.records.names import check_classes, find_names
from yolo_tf.data.records.parsing import LabelTable, label_table, parse_examples

_PARSED_AT_ONCE = 64  # records


@dataclass(frozen=True)
class Records:
    """All that is to know of some record files before they are read.

    Attributes:
      pattern: shard path, glob or tfds:NAME:SPLIT, commas between several; for messages.
      paths: the files, sorted.
      class_names: the names behind class 0, 1, ...; empty: classes do not matter, all are unknown.
      labels: what labels and texts mean, a setting of `label_map`.
    """

    pattern: str
    paths: list[str]
    class_names: list[str]
    labels: str = ""

    @classmethod
    def open(
        cls, pattern: str, data: DataConfig | None = None, class_names: list[str] | None = None
    ) -> "Records":
        """Finds the files and makes sure that every class in them is known.

        Args:
          pattern: see `Records`.
          data: for its `names`, the class-name file, and `labels`; None: the defaults.
          class_names: those of a model; None: those of the records, see `names.find_names`.

        Raises:
          UserError: no file matches, nothing names the classes, or a record has another one.
        """
        data = data or DataConfig()
        if class_names is None:
            class_names = find_names(pattern, data.names, data.labels)
        check_classes(pattern, class_names, data.labels)
        return cls.unchecked(pattern, class_names, data.labels)

    @classmethod
    def unchecked(cls, pattern: str, class_names=(), labels: str = "") -> "Records":
        """The same without a look into the files, whose classes may be unknown.

        Raises:
          UserError: no file matches.
        """
        return cls(pattern, find_shards(pattern), list(class_names), labels)

    def table(self) -> LabelTable:
        """What `parsing.parse_examples` needs; to be made once, outside of `map`."""
        return label_table(self.class_names, self.labels)

    def count(self) -> int:
        """The number of records, from their lengths alone.

        Raises:
          UserError: a file is missing or truncated.
        """
        return count_records(self.paths)

    @functools.cached_property
    def presence(self) -> np.ndarray:
        """[records, classes] bool: the classes in each record, but of crowd boxes and padding.

        All records are read, once, but no image is decoded.
        """
        table, classes = self.table(), len(self.class_names)

        @tf.autograph.experimental.do_not_convert
        def classes_of(serialized):
            examples = parse_examples(serialized, table)
            real = (examples["classes"] >= 0) & ~examples["crowd"]
            return tf.where(real, examples["classes"], classes)

        batches = record_dataset(self.paths).batch(_PARSED_AT_ONCE).map(classes_of)
        found = [np.zeros((0, classes), bool)]
        for batch in batches.as_numpy_iterator():
            rows = np.zeros((len(batch), classes + 1), bool)
            np.put_along_axis(rows, batch, True, axis=1)
            found.append(rows[:, :classes])
        return np.concatenate(found)
