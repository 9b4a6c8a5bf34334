"""A link as a QR code on a terminal, for the phone; never into a pipe, a file or a log."""

import sys

import segno


def show_code(link: str) -> None:
    """Draw it, if a person looks at standard output."""
    if sys.stdout.isatty():
        segno.make(link, error="l", micro=False).terminal(sys.stdout, compact=True)
