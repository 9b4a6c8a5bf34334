"""Tests of an installed hub: they boot a machine, take minutes and need root; only `make test-system` runs them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.bare import base_system
from tests.system.booted import ROOT, Booted, wheel_of, wheelhouse
from tests.system.future import Wheels

collect_ignore_glob = [] if os.environ.get("HUB_TEST_SYSTEM") else ["test_*.py"]


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """One bare machine for the whole story, booted; gone afterwards."""
    folder = tmp_path_factory.mktemp("system")
    wheel = wheel_of(ROOT, folder / "dist")
    booted = Booted(Path(folder, "root"), base_system(), wheelhouse(), wheel)
    try:
        booted.boot()
        yield booted
    finally:
        booted.discard()


@pytest.fixture(scope="session")
def wheels(machine: Booted, tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    """Versions that are to come, where the machine finds them."""
    return Wheels(tmp_path_factory.mktemp("future"), machine.dist)
