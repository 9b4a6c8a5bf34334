"""Tables: drawn by rich on a terminal, aligned columns of plain text elsewhere."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hubctl import safe

FREE_TEXT = frozenset({"name", "topic", "state", "device", "details"})
"""Columns whose text others chose, of any length."""

FREE_TEXT_WIDTH = 40

Rows = Sequence[Sequence[str]]


def show(headings: Sequence[str], rows: Rows, *, empty: str) -> None:
    """Print `rows` under `headings` on stdout; `empty` is said on stderr when there are none."""
    if not rows:
        print(empty, file=sys.stderr)
        return
    clean = [[safe.line(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(headings, clean)
    else:
        print(aligned([heading.upper() for heading in headings], clean))


def aligned(headings: Sequence[str], rows: Rows) -> str:
    """The table as text, two blanks between columns, wide characters counted as two."""
    lines = [headings, *rows]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def day(timestamp_ms: object) -> str:
    """A time in ms since the epoch as a local date, `-` for none."""
    return _local(timestamp_ms, "%Y-%m-%d")


def minute(timestamp_ms: object) -> str:
    """A time in ms since the epoch as a local date and time, `-` for none."""
    return _local(timestamp_ms, "%Y-%m-%d %H:%M")


def _local(timestamp_ms: object, shape: str) -> str:
    if not isinstance(timestamp_ms, int):
        return "-"
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).astimezone().strftime(shape)


def _draw(headings: Sequence[str], rows: Rows) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold", max_width=FREE_TEXT_WIDTH if heading in FREE_TEXT else None)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    # Ids are there to be copied: on a terminal too narrow the lines run over, rather than the cells being broken.
    console.width = max(console.width, console.measure(table, options=console.options.update(width=10_000)).maximum)
    console.print(table, crop=False)
