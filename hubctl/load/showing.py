"""A bar on a terminal while something long goes on, and nothing at all elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text


class Show(Protocol):
    """Shows what is going on."""

    def __call__(self, words: str, share: float) -> None:
        """`share` of the whole (0 to 1) is done; `words` say what is under way."""


@contextmanager
def bar(name: str) -> Iterator[Show]:
    """A progress bar on stderr, gone when the block ends."""
    if not sys.stderr.isatty():
        yield lambda _words, _share: None
        return
    columns = (TextColumn(Text(name).plain), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda words, share: progress.update(task, description=words, completed=share)
