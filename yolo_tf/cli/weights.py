"""Lists the weights that can be had by name, and fetches them into the cache.

  yolo-tf weights
  yolo-tf weights yolov4-tiny

Training starts from them with --weights=NAME and fetches them itself; this command is for having
them before, and for seeing what there is. Figures are those of their publishers on COCO, at the
input size that stands beside them. What NAME brings lies in ~/.cache/yolo_tf/weights, or below
XDG_CACHE_HOME, and is fetched once. An interrupted download is resumed.
"""

from yolo_tf.cli import common


def main(argv):
    from yolo_tf.darknet import published

    for weights in [published.get(name) for name in argv[1:]]:
        path = published.have(weights)
        checked = "size and SHA-256 are right" if weights.download.sha256 else _unchecked(path)
        print(f"{weights.name}: {path}, {checked}")
        print(f"  train with {_command(weights)}")
    if not argv[1:]:
        print("\n".join(_table()))


def _unchecked(path) -> str:
    from yolo_tf.downloads import sha256_of

    return f"no SHA-256 is published that would prove it; it has {sha256_of(path)}"


def _command(weights) -> str:
    if weights.networks:
        return f"--config={weights.networks[0]} --weights={weights.name}"
    cfg = weights.cfg.rpartition("/")[2]
    return f"--config=darknet --config.model.cfg={cfg} --weights={weights.name} ({weights.cfg})"


def _table() -> list[str]:
    from yolo_tf.darknet.published import PUBLISHED
    from yolo_tf.files import markdown_table

    titles = [
        "name", "MB", "classes", "AP", "AP50", "at", "network (--config)", "checked by", "cached",
        "source", "licence",
    ]  # fmt: skip
    rows = [_row(weights) for weights in PUBLISHED.values()]
    folder = next(iter(PUBLISHED.values())).path.parent
    return [
        *markdown_table(titles, rows),
        "",
        "COCO AP and AP50 in percent, as published. A part is the first layers alone.",
        f"Cached files lie in {folder}.",
        "yolo-tf weights NAME fetches one; train --weights=NAME starts from it.",
    ]


def _row(weights) -> list[str]:
    def figure(value):
        return "-" if value is None else f"{value:.1f}"

    return [
        weights.name,
        f"{weights.download.size / 1e6:.1f}",
        str(weights.classes or "part"),
        figure(weights.ap),
        figure(weights.ap50),
        str(weights.input_size or "-"),
        ", ".join(weights.networks) or f"its cfg, {weights.cfg.rpartition('/')[2]}",
        "SHA-256" if weights.download.sha256 else "size",
        "yes" if weights.path.exists() else "no",
        weights.source,
        weights.licence,
    ]


def entry():
    common.run(main, __doc__, arguments=True)


if __name__ == "__main__":
    entry()
