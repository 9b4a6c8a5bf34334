"""`hubctl outsider`: how others reach the private Redis."""

import json
from pathlib import Path

from click.testing import CliRunner

from hubctl.cli import main


def test_it_prints_what_a_client_needs(tmp_path: Path) -> None:
    (tmp_path / "redis-outsider.password").write_text("secret\n")
    done = CliRunner().invoke(main, ["outsider", "--data-dir", str(tmp_path), "--json"])
    assert json.loads(done.output) == {
        "socket": str(tmp_path / "redis.sock"),
        "username": "outsider",
        "password": "secret",
    }


def test_without_a_hub_it_says_where_it_looked(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["outsider", "--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert str(tmp_path) in done.output
