"""The lock holds for every processor and every Python that the hub is installed on: each wheel exists, by its hash."""

import re

import pytest

from tests.system.booted import ARCHITECTURES, ROOT, wheelhouse


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_each_dependency_has_a_wheel(python: str, architecture: str) -> None:
    names = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "deploy/requirements.lock").read_text("utf-8"), re.MULTILINE))
    fetched = {
        wheel.name.split("-")[0].replace("_", "-").lower() for wheel in wheelhouse(python, architecture).iterdir()
    }
    assert names - fetched == set()
