"""The formats that there are; apart from `formats`, for --help has no time for TensorFlow."""

FORMAT_NAMES = (
    "saved_model",
    "saved_model_bfloat16",
    "tflite",
    "tflite_float16",
    "tflite_int8",
    "onnx",
    "darknet",
    "keras",
)
