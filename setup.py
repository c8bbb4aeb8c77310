"""Package of yolo_tf; settings of the tools are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

# tensorflow-datasets needs importlib-resources and does not say so.
TFDS = ["tensorflow-datasets", "importlib-resources"]
VIDEO = ["opencv-python-headless<5"]
TFLITE = ["ai-edge-litert"]
ONNX = ["onnx", "onnxruntime", "tf2onnx"]

setup(
    name="yolo_tf",
    version="0.1.0",
    description="Trains, evaluates and ships one-stage object detectors with TensorFlow",
    long_description=(Path(__file__).parent / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    keywords="object-detection yolo darknet tensorflow keras tflite",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
    python_requires=">=3.10,<3.13",
    # configs/ and data/ are installed too, so that recipes work outside a checkout.
    packages=[*find_packages(include=["yolo_tf", "yolo_tf.*"]), "yolo_tf.configs", "yolo_tf.names"],
    package_dir={"yolo_tf.configs": "configs", "yolo_tf.names": "data"},
    package_data={"yolo_tf.names": ["*.names"]},
    # constraints.txt holds the exact versions that were tested.
    install_requires=[
        "absl-py",
        "defusedxml",
        "faster-coco-eval",
        "matplotlib",
        "ml-collections",
        "numpy",
        "Pillow",
        "PyYAML",
        "requests",
        "tensorboard",
        "tensorflow>=2.21,<2.22",
        "tf-keras>=2.21,<2.22",
        "tqdm",
    ],
    extras_require={
        "beam": ["apache-beam"],
        "onnx": ONNX,
        "tfds": TFDS,
        "tflite": TFLITE,
        "video": VIDEO,
        "test": [
            "hypothesis",
            *VIDEO,
            *TFLITE,
            *ONNX,
            "pytest",
            "pytest-xdist",
            "ruff",
            # With Python 3.10 it wants an older protobuf than constraints.txt has.
            *(f"{name}; python_version >= '3.11'" for name in TFDS),
        ],
    },
    entry_points={"console_scripts": ["yolo-tf = yolo_tf.cli.main:main"]},
)
