"""Finds the page's static files, in a checkout and in an installed wheel alike."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def static_dir() -> Path:
    """The folder with css/, js/ and icons/: beside this file in a wheel, at the top level in a checkout."""
    inside = PACKAGE / "static"
    return inside if inside.is_dir() else PACKAGE.parent / "static"
