"""Asks TensorFlow Serving for detections in images, by gRPC: pip install tensorflow-serving-api.

  python docs/examples/grpc_client.py --address=localhost:8500 --model=cells a.jpg b.png

needs pip install tensorflow-serving-api; prints a line for each detection: file, class number,
score, and box as ymin xmin ymax xmax, 0 to 1.
"""

import argparse
import sys
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc


def build_request(model: str, images: list[bytes]) -> predict_pb2.PredictRequest:
    """The request for detections in encoded images (JPEG, PNG, BMP)."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = "encoded"
    request.inputs["encoded_images"].CopyFrom(tf.make_tensor_proto(images, tf.string))
    return request


def predict(address: str, model: str, images: list[bytes], timeout: float = 60.0) -> dict:
    """Name of each output -> array, the images along its first axis.

    Raises:
      grpc.RpcError: what the server answered, or that it did not.
    """
    with grpc.insecure_channel(address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        response = stub.Predict(build_request(model, images), timeout=timeout)
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--address", default="localhost:8500", help="of the server")
    parser.add_argument("--model", required=True, help="name by which it is served")
    parser.add_argument("--score", type=float, default=0.25, help="lowest score that is printed")
    parser.add_argument("images", nargs="+", type=Path)
    arguments = parser.parse_args()
    try:
        images = [path.read_bytes() for path in arguments.images]
        found = predict(arguments.address, arguments.model, images)
    except OSError as error:
        sys.exit(f"error: {error}")
    except grpc.RpcError as error:
        sys.exit(f"error: {error.code().name}: {error.details()}")
    for row, path in enumerate(arguments.images):
        for number in range(found["num_detections"][row]):
            score = found["detection_scores"][row, number]
            if score >= arguments.score:
                label = found["detection_classes"][row, number]
                box = " ".join(f"{edge:.4f}" for edge in found["detection_boxes"][row, number])
                print(f"{path}\t{label}\t{score:.3f}\t{box}")


if __name__ == "__main__":
    main()
