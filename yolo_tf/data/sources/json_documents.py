"""JSON files that are read whole: those of tools in which people draw every box by hand."""

import json
from pathlib import Path

from yolo_tf.errors import UserError

MAX_BYTES = 128 * 1024 * 1024


def read_json(path: Path):
    """The content of a JSON file.

    Raises:
      UserError: missing, larger than such a file is, or no JSON.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(
                f"{path}: found {size} bytes, expected at most {MAX_BYTES}: export COCO"
            )
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: not readable as JSON: {str(error)[:200]}") from None
