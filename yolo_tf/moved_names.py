"""Imports by the names that modules had before they moved: they still work, with a warning.

A module that is asked for by an old name gives the names of those that hold its contents now. They
are imported when one of these names is asked for.
"""

import importlib
import sys
import warnings
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType

# Module of today -> the old ones that lie in it, whole or in part.
_OLD_NAMES = {
    "analysis": "data.check",
    "analysis.check_dataset": "check_dataset",
    "analysis.coverage": "data.check.encoder heads.coverage",
    "analysis.duplicates": "data.check.boxes data.check.compare",
    "analysis.findings": "data.check.problems",
    "analysis.fit_anchors": "fit_anchors",
    "analysis.kinds": "data.check.kinds",
    "analysis.kmeans": "data.kmeans",
    "analysis.readers": "data.check.records data.check.samples",
    "analysis.readings": "data.check.facts",
    "analysis.report": "data.check.summary data.check.text",
    "analysis.split": "data.check.split",
    "analysis.survey": "data.check.album data.check.survey",
    "analysis.visualize_data": "visualize_data",
    "cli.common": "cli.recipe_default",
    "cli.process": "cli.pipe cli.quiet",
    "config.check": "config_check",
    "config.heads": "config_heads",
    "config.yaml_files": "config_io",
    "darknet.recipe": "darknet.fit",
    "data.augment.colour": "data.augment.erase",
    "data.augment.geometry": "data.augment.affine data.augment.crop data.augment.flip",
    "data.augment.mosaic": "data.augment.mixup",
    "data.augment.random": "data.augment.draw data.augment.sizes",
    "data.build.beam": "data.beam",
    "data.build.folder": "data.build_folder data.tally",
    "data.build.key": "data.build_key",
    "data.build.reading": "data.reading",
    "data.build.shard": "data.build_shard",
    "data.decode": "data.photo",
    "data.fingerprints": "data.check.fingerprint data.check.similar",
    "data.images": "data.jpeg",
    "data.input.disk_cache": "data.disk_cache",
    "data.input.pipeline": "data.pipeline",
    "data.input.stream": "data.service data.stream",
    "data.records.anchors": "data.anchors",
    "data.records.bad_records": "data.bad_records data.image_keys",
    "data.records.card": "data.card",
    "data.records.examples": "data.examples data.protos",
    "data.records.files": "data.record_files data.stream",
    "data.records.label_map": "data.label_map data.names_file data.pbtxt",
    "data.records.names": "data.names",
    "data.records.parsing": "data.parsing data.tfrecord",
    "data.records.statistics": "data.statistics data.window",
    "data.records.tfds_files": "data.tfds_files",
    "data.records.writing": "data.shards data.tfrecord",
    "data.sources.coco_index": "data.json_lists",
    "data.sources.yolo": "data.sources.yolo_labels",
    "detect.base": "photo_detector",
    "detect.detections": "detections",
    "detect.inputs": "data.pictures",
    "detect.predictor": "photo_detector",
    "detector.build": "build",
    "detector.from_darknet": "darknet_model",
    "detector.from_yolox": "yolox_model",
    "detector.gradients": "gradients",
    "detector.metrics": "metrics",
    "errors": "config_io",
    "evaluate.analysis": "evaluate.curves",
    "evaluate.matching": "evaluate.records",
    "evaluate.metrics": "evaluate.coco evaluate.voc",
    "evaluate.report_folder": "evaluate.examples",
    "evaluate.run": "evaluate.replicas",
    "export.export": "export_model",
    "export.tflite": "export.tflite_join",
    "files": "quiet tables",
    "heads.ssd.priors": "heads.ssd.codec",
    "heads.yolo.codec": "heads.yolo.classes",
    "heads.yolo.level": "heads.yolo.candidates",
    "heads.yolo.losses.common": "heads.yolo.losses.base",
    "loading": "convert",
    "models.layers": "models.activations",
    "models.ssd": "models.vgg",
    "runs.checkpoint": "train.checkpoint",
    "runs.checkpoint_files": "train.checkpoint_files",
    "runs.compare": "compare",
    "runs.folder": "train.run_folder train.saver",
    "runs.recipe_files": "recipe_files",
    "runs.results": "train.record",
    "train.callbacks": "train.non_finite",
    "train.devices": "train.strategy",
    "train.dry_run": "train.flops train.trial",
    "train.fitting": "fitting",
    "train.optimizers": "train.schedules",
    "train.precision": "train.non_finite",
    "train.progress": "train.memory train.record",
    "train.tensorboard": "train.profiler",
    "train.validation": "train.pictures",
    "visualize.dataset_plots": "visualize.anchor_plot",
    "visualize.draw": "visualize.font",
    "visualize.plots": "visualize.figures",
}
# Of modules that moved: old name -> the name of today.
_RENAMED = {
    "Candidates": "AnchorCandidates",
    "Detections": "DetectionArrays",
    "Matches": "DetectionMatches",
    "Notes": "IssueLog",
    "PhotoDetector": "BaseDetector",
    "Record": "ResultsWriter",
    "Row": "FormatRow",
    "Share": "InputShard",
    "Tally": "Counts",
    "endless_stream": "shuffled_records",
    "photo_part": "example_part",
    "photo_size": "example_size",
    "photo_window": "image_placement",
    "picture_pixels": "image_pixels",
    "read_picture": "read_image",
}
_ROOT = "yolo_tf."


def _by_old_name() -> dict[str, list[str]]:
    modules = {}
    for new, names in _OLD_NAMES.items():
        for old in names.split():
            modules.setdefault(_ROOT + old, []).append(_ROOT + new)
    return modules


_MODULES = _by_old_name()


class _Finder:
    """Finds what the other finders do not: modules by their old names."""

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> ModuleSpec | None:
        if name not in _MODULES:
            return None
        package = any(other.startswith(f"{name}.") for other in _MODULES)
        return ModuleSpec(name, _Finder, is_package=package)

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """The usual kind of module."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        modules = _MODULES[module.__name__]
        _warn(module.__name__, " and ".join(modules))
        module.__getattr__ = _names_of(module.__name__, modules)


def register() -> None:
    """Lets imports by old names still work."""
    if _Finder not in sys.meta_path:
        sys.meta_path.append(_Finder)


def names_from(package: str, module: str) -> Callable[[str], object]:
    """The `__getattr__` of a package that stands where a module was: that module's names."""
    get = _names_of(package, [f"{package}.{module}"])

    def warn_and_get(name: str):
        value = get(name)
        _warn(f"{package}.{name}", f"{package}.{module}.{name}")
        return value

    return warn_and_get


def make_callable(module: str) -> None:
    """Lets a module be called as the function of its own name.

    It lies where that function was: `from yolo_tf.data.build import build`.
    """
    sys.modules[module].__class__ = _Function


class _Function(ModuleType):
    def __call__(self, *args, **kwargs):
        name = self.__name__.rpartition(".")[2]
        _warn(self.__name__, f"{self.__name__}.{name}")
        return getattr(self, name)(*args, **kwargs)


def _names_of(old: str, modules: list[str]) -> Callable[[str], object]:
    def get(name: str):
        if not name.startswith("__"):  # what the import system asks for
            for module in map(importlib.import_module, modules):
                for known in (name, _RENAMED.get(name)):
                    if known and hasattr(module, known):
                        return getattr(module, known)
        raise AttributeError(f"module {old!r} has no attribute {name!r}")

    return get


def _warn(old: str, new: str) -> None:
    warnings.warn(f"{old} is now {new}", DeprecationWarning, stacklevel=3)
