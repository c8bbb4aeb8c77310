"""Asks TensorFlow Serving for detections in image files, by its REST API; Python alone is needed.

  python docs/examples/rest_client.py --url=http://localhost:8501 --model=cells a.jpg b.png

prints a line for each detection: file, class, score, and box as ymin xmin ymax xmax, 0 to 1.
"""

import argparse
import base64
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path


def predict(url: str, model: str, images: list[bytes], timeout: float = 60.0) -> list[dict]:
    """Detections in encoded images (JPEG, PNG, BMP), which may differ in size.

    Args:
      url: of the server, http://HOST:PORT.

    Returns:
      For each image detection_boxes, detection_scores, detection_classes, num_detections.

    Raises:
      RuntimeError: with the server's own message.
    """
    body = {
        "signature_name": "encoded",
        "instances": [{"b64": base64.b64encode(image).decode("ascii")} for image in images],
    }
    request = urllib.request.Request(
        f"{url}/v1/models/{model}:predict",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.load(response)["predictions"]
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{error.code}: {error.read().decode()}") from None
    except urllib.error.URLError as error:
        raise RuntimeError(f"{url}: no answer: {error.reason}") from None


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", default="http://localhost:8501", help="of the server")
    parser.add_argument("--model", required=True, help="name by which it is served")
    parser.add_argument("--classes", help="classes.txt of the export; default: class numbers")
    parser.add_argument("--score", type=float, default=0.25, help="lowest score that is printed")
    parser.add_argument("images", nargs="+", type=Path)
    arguments = parser.parse_args()
    try:
        names = arguments.classes and Path(arguments.classes).read_text("utf-8").split("\n")
        images = [path.read_bytes() for path in arguments.images]
        results = predict(arguments.url, arguments.model, images)
    except (OSError, RuntimeError) as error:
        sys.exit(f"error: {error}")
    for path, found in zip(arguments.images, results, strict=True):
        for number in range(found["num_detections"]):
            score, label = (found[f"detection_{key}"][number] for key in ("scores", "classes"))
            if score >= arguments.score:
                box = " ".join(f"{edge:.4f}" for edge in found["detection_boxes"][number])
                print(f"{path}\t{names[label] if names else label}\t{score:.3f}\t{box}")


if __name__ == "__main__":
    main()
