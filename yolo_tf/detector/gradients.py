"""Gradients of the loss of a batch, at once or in parts for the memory of one part."""

import tensorflow as tf
import tf_keras

from yolo_tf.heads.base import Head


def batch_gradients(
    network: tf_keras.Model, head: Head, images, targets, parts: int = 1, scale: float = 1.0
) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
    """Values by image, and the gradient of the loss of the global batch, on one replica.

    The sum of the losses by image is divided by the global batch, so the sum of the gradients over
    any number of replicas with equal shares of the batch is the same.

    Args:
      network: images -> {stride: raw output}.
      head: its loss.
      images: [B, H, W, 3].
      targets: as `head.encode` made them.
      parts: B / parts images at a time go through the network; divides B. The gradient is that of
        the whole batch, whatever the loss counts over it; batch norm alone sees parts.
      scale: factor of the loss, for float16.

    Returns:
      name -> [B] as of `head.loss`; gradients by `network.trainable_variables`, times `scale`.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    factor = scale / tf.cast(tf.shape(images)[0] * replicas, tf.float32)
    if parts == 1:
        with tf.GradientTape() as tape:
            values = head.loss(targets, network(images, training=True))
            loss = factor * tf.reduce_sum(values["loss"])
        return values, tape.gradient(loss, network.trainable_variables)
    images, targets = _split((images, targets), parts)
    if head.by_image:
        return _loss_in_parts(network, head, images, targets, factor)
    return _network_in_parts(network, head, images, targets, factor)


def _loss_in_parts(network, head, images, targets, factor):
    """For a loss of an image that depends on this image alone: one pass over the parts."""
    parts, size = images.shape[0], tf.shape(images)[1]
    names = head.value_names()

    def add(part, sums, values):
        with tf.GradientTape() as tape:
            found = head.loss(_part(targets, part), network(images[part], training=True))
            loss = factor * tf.reduce_sum(found["loss"])
        gradients = tape.gradient(loss, network.trainable_variables)
        values = [array.write(part, found[n]) for array, n in zip(values, names, strict=True)]
        return part + 1, _sum(sums, gradients), values

    arrays = [tf.TensorArray(tf.float32, parts, element_shape=[None]) for _ in names]
    _, sums, arrays = _for_parts(parts, add, _zeros(network), arrays)
    values = [tf.reshape(array.stack(), [parts * size]) for array in arrays]
    return dict(zip(names, values, strict=True)), sums


def _network_in_parts(network, head, images, targets, factor):
    """For a loss that counts over the batch: outputs, their gradient, then each part once more.

    A forward pass more than `_loss_in_parts`. Source: L. Gao et al., "Scaling Deep Contrastive
    Learning Batch Size under Memory Limited Setup", 2021, arXiv:2101.06983.
    """
    parts = images.shape[0]
    strides = sorted(head.strides)

    def forward(part, arrays):
        outputs = network(images[part], training=True)
        return part + 1, [
            array.write(part, outputs[s]) for array, s in zip(arrays, strides, strict=True)
        ]

    arrays = [tf.TensorArray(tf.float32, parts) for _ in strides]
    _, arrays = _for_parts(parts, forward, arrays)
    raw = {stride: _join(array.stack()) for stride, array in zip(strides, arrays, strict=True)}
    with tf.GradientTape() as tape:
        tape.watch(raw)
        values = head.loss(tf.nest.map_structure(_join, targets), raw)
        loss = factor * tf.reduce_sum(values["loss"])
    by_output = _split(tape.gradient(loss, raw), parts)
    # The second pass must not move the statistics of batch norm again.
    moving = network.non_trainable_variables
    before = [tf.identity(variable) for variable in moving]

    def add(part, sums):
        with tf.GradientTape() as tape:
            outputs = network(images[part], training=True)
        gradients = tape.gradient(
            [outputs[stride] for stride in strides],
            network.trainable_variables,
            output_gradients=[by_output[stride][part] for stride in strides],
        )
        return part + 1, _sum(sums, gradients)

    _, sums = _for_parts(parts, add, _zeros(network))
    for variable, value in zip(moving, before, strict=True):
        variable.assign(value)
    return values, sums


def _for_parts(parts, body, *state):
    """One part after the other: no more than one is in memory."""
    return tf.while_loop(lambda part, *_: part < parts, body, (0, *state), parallel_iterations=1)


def _split(nest, parts: int):
    """[B, ...] -> [parts, B / parts, ...]."""

    def split(value):
        size = value.shape[0] // parts if value.shape[0] else tf.shape(value)[0] // parts
        return tf.reshape(value, [parts, size, *value.shape[1:]])

    return tf.nest.map_structure(split, nest)


def _join(value):
    return tf.reshape(value, [-1, *value.shape[2:]])


def _part(nest, part):
    return tf.nest.map_structure(lambda value: value[part], nest)


def _zeros(network) -> list[tf.Tensor]:
    return [tf.zeros(variable.shape) for variable in network.trainable_variables]


def _sum(sums, gradients) -> list[tf.Tensor]:
    return [a + tf.cast(b, a.dtype) for a, b in zip(sums, gradients, strict=True)]
