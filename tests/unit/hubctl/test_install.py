"""What install.sh refuses before it touches anything."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "deploy/install.sh"


@pytest.mark.parametrize(("architecture", "words"), [("armhf", "built for 32 bits"), ("riscv64", "built for riscv64")])
def test_a_processor_without_wheels_is_named_before_pip_tries_to_build_them(
    tmp_path: Path, architecture: str, words: str
) -> None:
    wheel = tmp_path / "openclaw_hub-1.0.0-py3-none-any.whl"
    wheel.touch()
    (tmp_path / "dpkg").write_text(f"#!/bin/sh\necho {architecture}\n")
    (tmp_path / "dpkg").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["sh", SCRIPT, "--wheel", wheel], env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert words in ended.stderr
