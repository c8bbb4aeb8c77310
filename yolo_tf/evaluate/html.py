"""report.html: an evaluation as one page that needs nothing beside it, no network either."""

import base64
import html
from pathlib import Path

from yolo_tf.evaluate.report import (
    CLASS_COLUMNS,
    class_rows,
    mistake_rows,
    shown,
    summary_rows,
)

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --quiet: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { margin: 2.5rem 0 .5rem; } p { margin: .3rem 0 1rem; }
.tiles { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
.tile b { display: block; font-size: 1.5rem; } .tile span { font-size: .8rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; white-space: nowrap; }
tr:nth-child(even) { background: var(--quiet); } .text :is(th, td):last-child { text-align: left; }
img { background: #fff; height: auto; max-width: 100%; } figure { margin: 1rem 0; }
figcaption { font-size: .9rem; }
"""


def page(metrics: dict, title: str, facts: dict[str, str], pictures: dict[str, tuple]) -> str:
    """The page.

    Args:
      metrics: of `analysis.analyse`.
      title: shown on top.
      facts: name -> text, what was evaluated on what.
      pictures: heading -> (caption, path of a PNG or JPEG file), in order.
    """
    lines = "<br>".join(f"{_safe(name)}: {_safe(text)}" for name, text in facts.items())
    tiles = [("images", metrics["images"]), ("boxes", metrics["boxes"])]
    tiles += [(name, metrics[name]) for name in ("AP50", "AP", "AP75", "voc_AP50")]
    parts = [f"<h1>{_safe(title)}</h1><p>{lines}</p><div class=tiles>"]
    parts += [f"<div class=tile><b>{shown(v)}</b><span>{_safe(k)}</span></div>" for k, v in tiles]
    parts += ["</div><h2>Classes</h2>"]
    parts += [f"<p>P and R at score {metrics['threshold']:.3f} and IoU 0.5.</p>"]
    parts += [_table(list(CLASS_COLUMNS), class_rows(metrics))]
    parts += ["<h2>Mistakes</h2>"]
    parts += [f"<p>Of detections that score {metrics['threshold']:.3f} or more.</p>"]
    parts += [_table(["kind", "number", "meaning"], mistake_rows(metrics), "text")]
    for heading, (caption, path) in pictures.items():
        parts += [f"<h2>{_safe(heading)}</h2>", _picture(caption, path)]
    parts += ["<h2>All figures</h2>"]
    parts += [_table(["", "figure", "meaning"], summary_rows(metrics), "text")]
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{_safe(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _table(titles: list[str], rows: list[list[str]], kind: str = "") -> str:
    head = "".join(f"<th>{_safe(text)}</th>" for text in titles)
    body = "".join(
        "<tr>" + "".join(f"<td>{_safe(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    return (
        f"<div class=wide><table class='{kind}'><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _picture(caption: str, path: Path) -> str:
    kind = "png" if path.suffix == ".png" else "jpeg"
    data = base64.b64encode(path.read_bytes()).decode()
    source = f"data:image/{kind};base64,{data}"
    text = _safe(caption)
    return f"<figure><img alt='{text}' src='{source}'><figcaption>{text}</figcaption></figure>"


def _safe(text) -> str:
    return html.escape(str(text))
