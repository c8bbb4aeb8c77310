"""report.html: an evaluation as one page that needs nothing beside it, no network either."""

import base64
import html
from dataclasses import dataclass

from yolo_tf.evaluate.report import (
    ReportSection,
    figures_section,
    sections,
    shown,
    warnings,
)

# Whatever a class is called, the page loads nothing.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_FIRST = "First the truths, then what reaches the threshold of this report. A click enlarges."
_WORST = f"{_FIRST} What is no mistake of this kind is thin and grey."
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --quiet: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { margin: 2.5rem 0 .5rem; } p { margin: .3rem 0 1rem; }
h1, .facts, figcaption, td:first-child { overflow-wrap: anywhere; }
.tiles { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
.tile b { display: block; font-size: 1.5rem; } .tile span { font-size: .8rem; }
.warning { border-left: .3rem solid #d33; padding-left: .75rem; }
.wide { max-height: 40rem; overflow: auto; position: relative; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .2rem .6rem; text-align: right; }
th, td { white-space: nowrap; } td:first-child { white-space: normal; }
:is(th, td):first-child { text-align: left; min-width: 7rem; }
tr:nth-child(even) { background: var(--quiet); }
.text :is(th, td):last-child { text-align: left; white-space: normal; }
.wide:has(.sortable) { border: 1px solid var(--line); width: fit-content; max-width: 100%; }
.sortable thead { background: Canvas; position: sticky; top: 0; z-index: 2; }
.sortable :is(th, td):first-child { background: Canvas; left: 0; position: sticky; }
.sortable tr { background: none; } .sortable thead td { font-weight: bold; }
.sortable th { cursor: pointer; }
.sortable [aria-sort=ascending]::after { content: ' ▲'; }
.sortable [aria-sort=descending]::after { content: ' ▼'; }
img { background: #fff; height: auto; max-width: 100%; } figure { margin: 0; }
.album { display: grid; gap: 1rem; margin-top: 1rem; }
.album { grid-template-columns: repeat(auto-fill, minmax(min(100%, 28rem), 1fr)); }
.album figure { cursor: zoom-in; } .album .large { cursor: zoom-out; grid-column: 1 / -1; }
.row { display: flex; flex-wrap: wrap; gap: .25rem; }
.row img { flex: 1 1 13rem; min-width: 0; object-fit: contain; }
.whole { margin-top: 1rem; overflow-x: auto; } .whole img { flex: none; max-width: none; }
figcaption { font-size: .9rem; }
@media (max-width: 30rem) { th, td { padding: .2rem .4rem; } }
@media print { .wide { max-height: none; } }
"""
# A click on a head sorts by its column: numbers from the least, at a second click from the
# greatest; texts by the alphabet; "-" comes last. A click on an image enlarges it.
_SCRIPT = """
for (const head of document.querySelectorAll('.sortable th')) head.onclick = () => {
  const body = head.closest('table').tBodies[0], column = head.cellIndex;
  const down = head.ariaSort === 'ascending';
  for (const other of head.parentNode.cells) other.ariaSort = null;
  head.ariaSort = down ? 'descending' : 'ascending';
  const cell = row => row.cells[column].textContent;
  const order = (a, b) => a.localeCompare(b, undefined, { numeric: column === 0 });
  const compare = column === 0 ? order : (a, b) => a - b;
  body.append(...[...body.rows].sort((a, b) => {
    a = cell(a), b = cell(b);
    if (a === '-' || b === '-') return (a === '-') - (b === '-');
    return down ? compare(b, a) : compare(a, b);
  }));
};
for (const figure of document.querySelectorAll('.album figure'))
  figure.onclick = () => figure.classList.toggle('large');
"""


@dataclass(frozen=True)
class ReportImage:
    """An image of the page, or some side by side."""

    caption: str
    files: tuple[bytes, ...]  # PNG or JPEG


def page(
    metrics: dict, title: str, facts: dict[str, str], images: dict[str, list[ReportImage]]
) -> str:
    """The page.

    Args:
      metrics: of `analysis.analyse`.
      title: shown on top.
      facts: name -> text, what was evaluated on what.
      images: heading -> images, in order; those of a section's heading belong to it.
    """
    tables = sections(metrics)
    lines = "<br>".join(f"{_safe(name)}: {_safe(text)}" for name, text in facts.items())
    parts = [f"<h1>{_safe(title)}</h1><p class=facts>{lines}</p>", _tiles(metrics)]
    parts += [f"<p class=warning>{_safe(text)}</p>" for text in warnings(metrics)]
    for section in tables:
        heading = section.heading
        parts += [_section(section), _album(heading, images.get(heading, []))]
    headings = {section.heading for section in tables}
    for heading in (name for name in images if name not in headings):
        text = _WORST if heading.startswith("Most") else _FIRST
        parts += [f"<h2>{_safe(heading)}</h2><p>{text}</p>"]
        parts += [_album(heading, images[heading])]
    parts += [_section(figures_section(metrics))]
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        f'<meta http-equiv=Content-Security-Policy content="{_POLICY}">'
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{_safe(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}<script>{_SCRIPT}</script></body></html>\n"
    )


def _tiles(metrics: dict) -> str:
    tiles = {name: metrics[name] for name in ("images", "boxes", "AP", "AP50", "AP75")}
    tiles |= {f"{name} at {metrics['threshold']:.3f}": metrics[name] for name in ("P", "R", "F1")}
    cells = [f"<b>{shown(value)}</b><span>{name}</span>" for name, value in tiles.items()]
    return f"<div class=tiles>{''.join(f'<div class=tile>{cell}</div>' for cell in cells)}</div>"


def _section(section: ReportSection) -> str:
    text = f"<h2>{_safe(section.heading)}</h2>"
    text += f"<p>{_safe(section.text)}</p>" if section.text else ""
    if not section.rows:
        return text
    head = _row("th", section.titles) + (_row("td", section.total) if section.total else "")
    body = "".join(_row("td", row) for row in section.rows)
    kind = "sortable" if section.total else "text" if section.texts else ""
    text += "<p>A click on a head sorts by that column.</p>" if section.total else ""
    table = f"<table class='{kind}'><thead>{head}</thead><tbody>{body}</tbody></table>"
    return f"{text}<div class=wide>{table}</div>"


def _row(tag: str, cells: list[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{_safe(text)}</{tag}>' for text in cells)}</tr>"


def _album(heading: str, images: list[ReportImage]) -> str:
    figures = "".join(_figure(image) for image in images)
    # A matrix is scrolled: scaled down, its labels would be too small.
    kind = "whole" if heading == "Confusion" else "album"
    return f"<div class={kind}>{figures}</div>" if figures else ""


def _figure(image: ReportImage) -> str:
    text = _safe(image.caption)
    images = "".join(f"<img alt='{text}' src='{_source(file)}'>" for file in image.files)
    return f"<figure><div class=row>{images}</div><figcaption>{text}</figcaption></figure>"


def _source(file: bytes) -> str:
    kind = "png" if file.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"


def _safe(text) -> str:
    return html.escape(str(text))
