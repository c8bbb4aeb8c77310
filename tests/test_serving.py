"""An export meets the contract of TensorFlow Serving, and the example client speaks it."""

import base64
import contextlib
import http.server
import importlib.util
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.small import add_micro, small_config
from yolo_tf.detector.build import build_detector
from yolo_tf.export import saved_model
from yolo_tf.export.trained import DETECTIONS, Trained

pytestmark = pytest.mark.long

CLIENT = Path(__file__).resolve().parents[1] / "docs" / "examples" / "rest_client.py"
SIGNATURES = {"serving_default": "images", "encoded": "encoded_images", "tf_example": "examples"}
SIZES = ((90, 40), (31, 200))  # of the images
SERVER = shutil.which("tensorflow_model_server")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The folder of a model as TensorFlow Serving wants it: one subfolder a version."""
    config = small_config(input_size=(64, 96))
    config.model.name = "micro"
    config.nms.score_threshold, config.nms.max_detections = 0.01, 5
    with pytest.MonkeyPatch.context() as patch:
        add_micro(patch)
        tf.random.set_seed(0)
        detector = build_detector(config, ["a", "b"])
        path = tmp_path_factory.mktemp("models") / "cells"
        path.mkdir()
        saved_model.write(Trained(detector, config), path / "1")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two images of different size as PNG files."""
    folder, random = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    paths = []
    for number, size in enumerate(SIZES):
        paths.append(folder / f"{number}.png")
        Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8)).save(paths[-1])
    return paths


@pytest.fixture(scope="module")
def expected(served, files):
    """What the graph finds in each of `files`."""
    run = tf.saved_model.load(str(served / "1")).signatures["encoded"]
    return {k: v.numpy() for k, v in run(tf.constant([f.read_bytes() for f in files])).items()}


def example(data: bytes) -> bytes:
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))
    features = tf.train.Features(feature={"image/encoded": feature})
    return tf.train.Example(features=features).SerializeToString()


def cli(*arguments) -> str:
    """Output of saved_model_cli, which lies beside the interpreter."""
    program = Path(sys.executable).with_name("saved_model_cli")
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_saved_model_cli_shows_the_signatures(served):
    text = cli("show", "--dir", served / "1", "--all")
    parts = dict(re.findall(r"signature_def\['(\w+)'\]:(.*?)Method name is", text, re.DOTALL))
    assert set(parts) - {"__saved_model_init_op"} == set(SIGNATURES)
    for signature, name in SIGNATURES.items():
        inputs, _, outputs = parts[signature].partition("outputs")
        assert re.findall(r"inputs\['(\w+)'\]", parts[signature]) == [name]
        assert set(re.findall(r"\['(\w+)'\] tensor_info", outputs)) == set(DETECTIONS), inputs
        # REST's row format wants the batch as the first axis of every output.
        assert len(re.findall(r"shape: \(-1", outputs)) == len(DETECTIONS), outputs


@pytest.mark.parametrize("signature", SIGNATURES)
def test_saved_model_cli_runs_each_signature(served, files, expected, tmp_path, signature):
    data = files[0].read_bytes()
    value = {
        "serving_default": np.asarray(Image.open(files[0]))[np.newaxis],
        "encoded": np.array([data]),
        "tf_example": np.array([example(data)]),
    }[signature]
    np.save(tmp_path / "input.npy", value)
    arguments = ["--tag_set", "serve", "--signature_def", signature, "--outdir", tmp_path]
    inputs = f"{SIGNATURES[signature]}={tmp_path / 'input.npy'}"
    cli("run", "--dir", served / "1", *arguments, "--inputs", inputs)
    for name in DETECTIONS:
        found = np.load(tmp_path / f"{name}.npy")
        np.testing.assert_allclose(found[0], expected[name][0], atol=1e-5, err_msg=name)


class Handler(http.server.BaseHTTPRequestHandler):
    """The predict call of TensorFlow Serving (tensorflow.org/tfx/serving/api_rest) alone."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            assert self.path == "/v1/models/cells:predict", f"Servable not found: {self.path}"
            status, answer = 200, self.predict(body)
        except Exception as error:  # noqa: BLE001 - the server answers whatever goes wrong
            status, answer = 400, {"error": str(error)}
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(data)

    def predict(self, body):
        assert ("instances" in body) != ("inputs" in body), "one of instances and inputs"
        run = self.server.signatures[body.get("signature_name", "serving_default")]
        ((name, spec),) = run.structured_input_signature[1].items()
        row = "instances" in body
        value = _decoded(body["instances" if row else "inputs"])
        if row:
            value = [one[name] if isinstance(one, dict) else one for one in value]
        elif isinstance(value, dict):
            value = value[name]
        found = {k: v.numpy() for k, v in run(**{name: tf.constant(value, spec.dtype)}).items()}
        if not row:
            return {"outputs": {k: v.tolist() for k, v in found.items()}}
        assert {len(v) for v in found.values()} == {len(value)}, "outputs without a batch"
        rows = ({k: v[i].tolist() for k, v in found.items()} for i in range(len(value)))
        return {"predictions": list(rows)}

    def log_message(self, *_):
        pass


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"b64"}:
        return base64.b64decode(value["b64"], validate=True)
    return {name: _decoded(one) for name, one in value.items()}


@pytest.fixture(scope="module")
def url(served):
    """A server in this process that follows the contract."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.model = tf.saved_model.load(str(served / "1"))
    server.signatures = server.model.signatures
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def client():
    spec = importlib.util.spec_from_file_location("rest_client", CLIENT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def post(url, body):
    request = urllib.request.Request(f"{url}/v1/models/cells:predict", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)


def check_contract(url, files, expected):
    """Both formats and all signatures give `expected`; the client's rows are those."""
    rows = client().predict(url, "cells", [file.read_bytes() for file in files])
    assert len(rows) == len(files)
    for number, row in enumerate(rows):
        for name in DETECTIONS:
            np.testing.assert_allclose(row[name], expected[name][number], atol=1e-5)
    encoded = [{"b64": base64.b64encode(f.read_bytes()).decode()} for f in files]
    examples = [{"b64": base64.b64encode(example(f.read_bytes())).decode()} for f in files]
    pixels = np.asarray(Image.open(files[0]))[np.newaxis].tolist()
    for signature, value in (
        ("serving_default", pixels),
        ("encoded", encoded),
        ("tf_example", examples),
    ):
        name = SIGNATURES[signature]
        for inputs in (value, {name: value}):
            found = post(url, {"signature_name": signature, "inputs": inputs})["outputs"]
            for key in DETECTIONS:
                np.testing.assert_allclose(found[key], expected[key][: len(value)], atol=1e-5)
        named = [{name: one} for one in value]
        found = post(url, {"signature_name": signature, "instances": named})["predictions"]
        np.testing.assert_allclose(
            [one["detection_scores"] for one in found],
            expected["detection_scores"][: len(value)],
            atol=1e-5,
        )


def test_the_contract_of_the_rest_api(url, files, expected):
    assert expected["num_detections"].min() > 0
    check_contract(url, files, expected)


def test_the_example_client_prints_detections(url, files, expected, tmp_path):
    (tmp_path / "classes.txt").write_text("a\nb\n")
    arguments = [f"--url={url}", "--model=cells", "--score=0", f"--classes={tmp_path}/classes.txt"]
    done = subprocess.run(
        [sys.executable, CLIENT, *arguments, *files], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(lines) == expected["num_detections"].sum()
    assert lines[0][0] == str(files[0])
    assert lines[0][1] == "ab"[expected["detection_classes"][0, 0]]
    box = [float(edge) for edge in lines[0][3].split()]
    np.testing.assert_allclose(box, expected["detection_boxes"][0, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("model", "data", "message"), [("other", None, "not found"), ("cells", b"no image", "400")]
)
def test_the_example_client_tells_what_the_server_said(url, files, model, data, message):
    with pytest.raises(RuntimeError, match=message):
        client().predict(url, model, [data or files[0].read_bytes()])


@pytest.mark.skipif(SERVER is None, reason="no tensorflow_model_server on PATH")
def test_the_real_server(served, files, expected):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [f"--rest_api_port={port}", "--model_name=cells", f"--model_base_path={served}"]
    server = subprocess.Popen([SERVER, "--port=0", *arguments])
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(60):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{url}/v1/models/cells", timeout=5).close()
                break
            assert server.poll() is None, "the server ended"
            time.sleep(1)
        check_contract(url, files, expected)
    finally:
        server.terminate()
        server.wait(30)
