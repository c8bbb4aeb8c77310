"""Building shards on Apache Beam: one element of the pipeline is one shard.

A shard is a function of the data alone, so that neither runner, workers nor bundles can change a
byte; images never travel between workers, and finished shards stay when the pipeline is ended. The
price: no more shards than there are can be built at a time. Each worker opens the source and
writes to the build folder itself, so both must lie where all of them can reach them.
"""

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yolo_tf.data.build.folder import BuildFolder, IssueLog
from yolo_tf.data.build.reading import read_one
from yolo_tf.data.build.shard import build_shard
from yolo_tf.data.records.writing import shard_ids
from yolo_tf.data.sources.base import Options, Source
from yolo_tf.data.sources.selection import open_source
from yolo_tf.errors import UserError
from yolo_tf.files import write_text


@dataclass(frozen=True)
class _Job:
    """What a worker needs to build any shard."""

    kind: Callable[[Options], Source]
    options: Options
    folder: BuildFolder
    skip_bad: bool
    image_folder: Path | None


def build_on_beam(
    source: Source,
    folder: BuildFolder,
    indices: Sequence[int],
    options: Sequence[str],
    skip_bad: bool,
    image_folder: Path | None = None,
) -> None:
    """Builds the shards `indices` in a pipeline and waits for it.

    Args:
      options: of the pipeline, "NAME=VALUE" such as "runner=FlinkRunner".

    Raises:
      UserError: Beam is not installed, its options are faulty, or what building a shard raised:
        the first shard's, if several failed.
    """
    beam, pipeline_options = _load_beam(options)
    print(f"Beam builds {len(indices)} shards in {folder.path}")
    job = _Job(
        open_source if source.options.format else type(source),
        replace(source.options, input=_absolute(source.options.input)),
        replace(folder, output=folder.output.resolve()),
        skip_bad,
        image_folder.resolve() if image_folder else None,
    )
    _open.cache_clear()
    with beam.Pipeline(options=pipeline_options) as pipeline:
        _ = (
            pipeline
            | "Shards" >> beam.Create(list(indices))
            | "Share out" >> beam.Reshuffle()
            | "Build" >> beam.Map(functools.partial(_build, job))
        )
    failed = [index for index in indices if folder.failure(index).exists()]
    if failed:
        raise UserError(folder.failure(failed[0]).read_text(encoding="utf-8"))
    missing = [index for index in indices if folder.report(index) is None]
    if missing:
        raise UserError(
            f"{folder.path}: shard {missing[0]} is missing after the pipeline, expected all "
            f"{len(indices)}: do its workers see this folder?"
        )


def _load_beam(options: Sequence[str]):
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
        from apache_beam.runners.runner import create_runner
    except ImportError as error:
        raise UserError(
            f"--runner=beam needs Apache Beam, which is not installed ({error}): "
            "pip install 'yolo_tf[beam]'"
        ) from None
    flags = [f"--{option.strip().lstrip('-')}" for option in options if option.strip()]
    for flag in flags:
        if not flag[2:].split("=")[0].isidentifier():
            raise UserError(f"--beam_options: found {flag[2:]!r}, expected NAME=VALUE")
    try:
        parsed = PipelineOptions(flags)
        parsed.get_all_options()  # checks the values
        create_runner(parsed.view_as(StandardOptions).runner or "DirectRunner")
    except SystemExit:  # of argparse, which has printed what is wrong
        raise UserError(f"--beam_options: found {','.join(options)!r}, see above") from None
    except (ValueError, ImportError, AttributeError) as error:
        problem = " ".join(str(error).split())[:200]
        raise UserError(f"--beam_options: {problem}") from None
    return beam, parsed


def _absolute(path: str) -> str:
    """Workers may stand in another folder."""
    return str(Path(path).resolve()) if path and Path(path).exists() else path


@functools.lru_cache(maxsize=1)
def _open(kind: Callable, options: Options) -> Source:
    """The source, once in a worker process."""
    return kind(options)


def _build(job: _Job, index: int) -> None:
    """Builds one shard; a user's mistake goes to a file, since Beam would bury it in tracebacks."""
    if any(job.folder.path.glob("*.error")):
        return  # the build has failed already
    try:
        source = _open(job.kind, job.options)
        ids = shard_ids(source.ids(), index, job.folder.count)
        readings = (read_one(source, source_id) for source_id in ids)
        log = IssueLog(job.skip_bad, silent=True)
        build_shard(job.folder, index, readings, source.class_names, log, job.image_folder)
    except UserError as error:
        print(f"shard {index}: {error}", file=sys.stderr)
        write_text(job.folder.failure(index), str(error))
