"""The report of a bench as one HTML file that needs nothing else: no script, no font, light and dark."""

import math
from collections.abc import Sequence
from html import escape

from hubctl.bench.verdict import Line
from hubctl.load.latencies import Latencies

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 220, 20, 28, 24
FIRST_MS, LAST_MS = 0.1, 1000.0
COLUMNS = 100
TICKS_MS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --page: #fff; --line: #d9dee4; --bar: #2f6fdd;
  --good: #17803d; --bad: #c02626; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaee; --soft: #9aa4b0; --page: #14171b; --line: #333a43;
  --bar: #6ea0f5; --good: #4cc274; --bad: #f27070; } }
body { margin: 2rem auto; max-width: 46rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--page); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; } th { color: var(--soft); font-weight: 500; }
.reached { color: var(--good); } .missed { color: var(--bad); font-weight: 600; } .open, .doubt { color: var(--soft); }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
svg rect { fill: var(--bar); } svg .axis { stroke: var(--line); }
svg .mark { stroke: var(--bad); stroke-dasharray: 4 3; }
"""

WORDS = {True: ("reached", "reached"), False: ("missed", "missed"), None: ("open", "not measured")}


def page(run: str, lines: Sequence[Line], doubts: Sequence[str], spreads: Sequence[tuple[str, Latencies]]) -> str:
    """The whole document; `run` says what was run when, `spreads` are drawn in order, each under its name."""
    rows = "".join(_row(line) for line in lines)
    notes = "".join(f'<p class="doubt">Doubtful: {escape(words)}.</p>' for words in doubts)
    charts = "".join(f"<h2>{escape(name)}, ms</h2>{chart(name, spread)}" for name, spread in spreads if spread.total)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>hubctl bench</title><style>{STYLE}</style></head><body><main>"
        f"<h1>hubctl bench</h1><p>{escape(run)}</p>"
        "<table><thead><tr><th>what</th><th>asked</th><th>measured</th><th>verdict</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>{notes}{charts}</main></body></html>\n"
    )


def chart(name: str, spread: Latencies) -> str:
    """How many took how long, on a logarithmic axis, with lines at p50 and p99."""
    columns = [0] * COLUMNS
    for ms, count in spread.buckets():
        columns[min(COLUMNS - 1, int(_share(ms) * COLUMNS))] += count
    tallest = max(columns)
    step = (WIDTH - 2 * LEFT) / COLUMNS
    bars = "".join(
        f'<rect x="{LEFT + number * step:.1f}" y="{HEIGHT - BOTTOM - _tall(count, tallest):.1f}" '
        f'width="{step - 1:.1f}" height="{_tall(count, tallest):.1f}"/>'
        for number, count in enumerate(columns)
        if count
    )
    marks = "".join(_mark(f"p{share * 100:g}", spread.quantile_ms(share) or 0.0) for share in (0.5, 0.99))
    ticks = "".join(f'<text x="{_x(ms):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{ms:g}</text>' for ms in TICKS_MS)
    label = f"{name}: {spread.total} values in ms, logarithmic"
    axis = f'<line class="axis" x1="{LEFT}" x2="{WIDTH - LEFT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{axis}{bars}{marks}{ticks}</svg>'
    )


def _row(line: Line) -> str:
    style, words = WORDS[line.reached]
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in (line.what, line.asked, line.measured))
    return f'<tr>{cells}<td class="{style}">{words}</td></tr>'


def _mark(name: str, ms: float) -> str:
    x = _x(ms)
    anchor = "end" if x > WIDTH * 0.8 else "start"
    shift = -4 if anchor == "end" else 4
    line = f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
    y = TOP - 4 if name == "p99" else TOP - 14
    return f'{line}<text x="{x + shift:.1f}" y="{y}" text-anchor="{anchor}">{name} {ms:.1f} ms</text>'


def _tall(count: int, tallest: int) -> float:
    # The square root, so that the rare slow ones can be seen beside the many fast ones.
    return math.sqrt(count / tallest) * (HEIGHT - BOTTOM - TOP)


def _share(ms: float) -> float:
    span = math.log(LAST_MS / FIRST_MS)
    return min(1.0, max(0.0, math.log(max(ms, FIRST_MS) / FIRST_MS) / span))


def _x(ms: float) -> float:
    return LEFT + _share(ms) * (WIDTH - 2 * LEFT)
