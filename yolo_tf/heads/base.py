"""The contract between networks, heads and everything else.

A network turns images into raw outputs `{stride: [B, rows, cols, channels]}`; a head gives them
meaning. Training, evaluation, detection and export know a head by these methods alone.
"""

from abc import ABC, abstractmethod

import numpy as np
import tensorflow as tf

from yolo_tf.ops.candidates import CandidateConfig, Candidates, sort_candidates


class Head(ABC):
    """What the raw outputs of a network mean. A head owns no layers and no variables."""

    # Channels of an output, for each anchor, beside the classes. By them the length of a Darknet
    # file of weights tells its class count.
    box_channels: int = 5

    @property
    @abstractmethod
    def strides(self) -> tuple[int, ...]:
        """The levels that the head reads, ascending."""

    def anchor_sizes(self) -> np.ndarray | None:
        """[A, 2] float32 (width, height) pixels of the anchors; None where a head has none."""
        return None

    @property
    def by_image(self) -> bool:
        """Whether the loss of an image depends on this image alone, not on counts over others.

        A batch in parts (`gradients.batch_gradients`) then costs no second pass.
        """
        return False

    @property
    def across_replicas(self) -> bool:
        """Whether the loss adds up over replicas within the step, which XLA cannot compile."""
        return not self.by_image

    def for_first_epochs(self) -> tuple[int, "Head"]:
        """A number of first epochs and the head for these; its values have the same names."""
        return 0, self

    def for_last_epochs(self) -> "Head":
        """The head for the last epochs, those without augmentation; its values have one name."""
        return self

    @abstractmethod
    def encode(self, boxes: tf.Tensor, classes: tf.Tensor):
        """Ground truth as the loss wants it; called in `tf.data` after batching.

        Args:
          boxes: [B, N, 4] float32 yxyx normalised; all-zero rows are padding.
          classes: [B, N] int32; -1 is padding.

        Returns:
          A nest of tensors of static shape (but for B), handed to `loss` unchanged.
        """

    @abstractmethod
    def loss(self, targets, outputs: dict[int, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Loss and metrics by image.

        Returns:
          name -> [B] float32. "loss" is what is minimised, the other names are its parts
          ("box_loss", ...), metrics ("avg_iou", ...) and both by level ("box_loss_16", ...).
          The caller averages each over the images of the global batch, so a head that divides by
          a count over the batch must take that count over all replicas.
        """

    @abstractmethod
    def value_names(self) -> list[str]:
        """The names that `loss` returns."""

    @abstractmethod
    def decode(self, outputs: dict[int, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Boxes [B, M, 4] float32 yxyx normalised (not clipped) and scores [B, M, C] in [0, 1]."""

    def candidates(self, outputs: dict[int, tf.Tensor], config: CandidateConfig) -> Candidates:
        """The best (box, class) pairs, as `sort_candidates` finds them in what `decode` gives.

        A head of many boxes and classes finds them in the raw outputs, and decodes theirs alone.
        """
        return sort_candidates(*self.decode(outputs), config)

    @abstractmethod
    def output_channels(self, stride: int) -> int:
        """Channels that the network's last layer of this level must have."""

    def output_parts(self, stride: int) -> tuple[int, ...]:
        """Channels of the parts of a level, which add up to `output_channels`; the last: classes.

        A network may give each part layers of its own. One part alone: boxes and classes are
        mixed, or there are several of each in a cell.
        """
        return (self.output_channels(stride),)

    @abstractmethod
    def channel_classes(self, stride: int) -> np.ndarray:
        """[channels] int: the class of each channel of a level, -1 for one of no class.

        Those of all classes in order, as often as a cell has boxes: by this, weights go from one
        class list to another.
        """

    @abstractmethod
    def output_bias(self, stride: int) -> np.ndarray:
        """[channels] float32: bias of the last layer at the start of training."""


def class_weight(classes: tf.Tensor, weights: tuple[float, ...]) -> tf.Tensor | float:
    """The factor of the class error of each box.

    Args:
      classes: [...] int32 in -1..C-1; -1 is background or padding and counts once.
      weights: of the C classes; none: all count once.

    Returns:
      [...] float32.
    """
    if not weights:
        return 1.0
    return tf.gather(tf.constant((1.0, *weights), tf.float32), classes + 1)
