"""Finds the files that setup installs (units, configurations), in a checkout and in an installed wheel alike."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def deploy_dir() -> Path:
    """The folder with systemd/, redis/ and so on: beside this file in a wheel, at the top level in a checkout."""
    inside = PACKAGE / "deploy"
    return inside if inside.is_dir() else PACKAGE.parent / "deploy"
