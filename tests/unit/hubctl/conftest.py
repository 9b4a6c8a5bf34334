"""Fixtures of the command line's tests: a fake hub, and hubctl run against it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import CliRunner, Result

from hubctl.cli import main
from tests.unit.hubctl import fake_hub


class Hubctl(Protocol):
    """Runs hubctl with arguments; `text` is its standard input, `env` replaces variables (None removes one)."""

    def __call__(self, *arguments: str, text: str | bytes = "", env: dict[str, str | None] | None = None) -> Result: ...


@pytest.fixture
def hub() -> Iterator[fake_hub.FakeHub]:
    with fake_hub.running() as running:
        yield running


@pytest.fixture
def hubctl(hub: fake_hub.FakeHub, tmp_path: Path) -> Hubctl:
    def run(*arguments: str, text: str | bytes = "", env: dict[str, str | None] | None = None) -> Result:
        environ: dict[str, str | None] = {
            "HUB_URL": hub.url,
            "HUB_TOKEN": "secret-token",
            "HUB_DATA_DIR": None,
            "XDG_DATA_HOME": str(tmp_path),
            "TZ": "UTC",
        }
        result = CliRunner().invoke(main, arguments, input=text, env=environ | (env or {}))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
