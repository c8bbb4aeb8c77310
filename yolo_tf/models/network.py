"""The Keras model of a network: image in, raw outputs {stride: tensor} out; it saves and loads.

Keras writes the description of a model as JSON, whose keys are texts, and sorts those: strides 8
and 16 would come back as "16" and "8", and the layers, whose weights are found by their order, in
another order. So the description has "00008" and "00016", and a loaded network integers again.
"""

import tf_keras

from yolo_tf.models.layers import register

_DIGITS = 5  # of a stride, so that texts sort like the numbers


@register
class Network(tf_keras.Model):
    """A functional Keras model whose outputs are a dict {stride: [B, rows, cols, channels]}.

    `network.save("x.keras")` and `tf_keras.models.load_model("x.keras")` give the same network with
    the same weights, once `yolo_tf` is imported.

    Args:
      inputs: a Keras input [B, H, W, 3], values in [0, 1].
      outputs: stride in pixels -> its tensor.
      name: of the model.
    """

    def get_config(self) -> dict:
        config = super().get_config()
        outputs = config["output_layers"]
        config["output_layers"] = {f"{stride:0{_DIGITS}}": outputs[stride] for stride in outputs}
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> "Network":
        model = tf_keras.Model.from_config(config, custom_objects)
        outputs = {int(stride): tensor for stride, tensor in model.output.items()}
        return cls(model.input, outputs, name=model.name)
