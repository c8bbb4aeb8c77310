"""Configs as YAML files: the record in a run folder, and the way back."""

import dataclasses
from pathlib import Path

import yaml

from yolo_tf import config as config_module
from yolo_tf.config import Config, to_dict
from yolo_tf.config.check import check_config
from yolo_tf.errors import UserError, unknown_name
from yolo_tf.files import write_text
from yolo_tf.text_files import read_yaml


def write_config(config: Config, path: Path) -> None:
    """Writes every value of a config; the file is never half written."""
    text = yaml.safe_dump(to_dict(config), sort_keys=False, default_flow_style=None, width=100)
    write_text(path, text)


def read_config(path: Path) -> Config:
    """The config that `write_config` wrote.

    Raises:
      UserError: the file is missing, is not such a file, or has a name that we do not know.
    """
    if not path.exists():
        raise UserError(f"{path}: not found; expected the config.yaml of a run folder")
    config = _from_dict(read_yaml(path), f"{path}: config")
    if not isinstance(config, Config):
        raise UserError(f"{path}: found {type(config).__name__}, expected type: Config at the top")
    try:
        check_config(config)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return config


def _from_dict(value, where: str):
    """Dicts that name their type -> dataclasses, lists -> tuples, the rest as it is."""
    if isinstance(value, dict) and "type" in value:
        cls = getattr(config_module, str(value["type"]), None)
        if not dataclasses.is_dataclass(cls):
            raise UserError(f"{where}.type: {value['type']!r} is not a class of yolo_tf.config")
        known = {f.name: f for f in dataclasses.fields(cls)}
        fields = {}
        for name, item in value.items():
            if name == "type":
                continue
            if name not in known:
                raise UserError(f"{where}: {unknown_name(name, known)}")
            fields[name] = _from_dict(item, f"{where}.{name}")
        return cls(**fields)
    if isinstance(value, dict):
        return {key: _from_dict(item, f"{where}[{key}]") for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_from_dict(item, where) for item in value)
    return value
