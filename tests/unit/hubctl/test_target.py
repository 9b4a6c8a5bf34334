"""Which hub, and as whom."""

from pathlib import Path

import click
import pytest

from hubctl.errors import Failure
from hubctl.target import Target, find_target


def found(environ: dict[str, str], data_dir: Path | None = None, url: str | None = None) -> Target:
    return find_target(environ, url, data_dir, root=False)


def test_the_environment_comes_first(tmp_path: Path) -> None:
    environ = {"HUB_URL": "https://hub.example/chat/", "HUB_TOKEN": " abc\n", "HUB_DATA_DIR": str(tmp_path)}
    assert found(environ) == Target("https://hub.example/chat", "abc", "HUB_TOKEN")
    assert found(environ, url="http://[::1]:9000").url == "http://[::1]:9000"


def test_then_the_file_of_the_data_directory(tmp_path: Path) -> None:
    for name in ("flag", "variable", "default/openclaw-hub"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "admin.token").write_text(f"{name[:4]}\n")
    environ = {"XDG_DATA_HOME": str(tmp_path / "default"), "HUB_TOKEN": ""}
    assert found(environ).token == "defa"
    environ["HUB_DATA_DIR"] = str(tmp_path / "variable")
    assert found(environ).token == "vari"
    assert found(environ, tmp_path / "flag") == Target(
        "http://127.0.0.1:8080", "flag", str(tmp_path / "flag" / "admin.token")
    )


def test_no_token_says_where_it_was_looked_for(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path)}
    target = find_target(environ, None, None, root=True)
    assert target.token is None or target.token_source == "/var/lib/openclaw-hub/admin.token"
    assert "admin.token" in found(environ).token_source


@pytest.mark.parametrize("token", ["a b", "a\nHost: x", "ä", "\x1b[2J"])
def test_what_is_no_token_is_refused_unsent(token: str) -> None:
    with pytest.raises(Failure, match="HUB_TOKEN"):
        found({"HUB_TOKEN": token})


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://x", "http://", "http://u:p@x", "http://x:99999", "http://x?a"]
)
def test_an_address_that_is_none_is_wrong_usage(url: str) -> None:
    with pytest.raises(click.UsageError):
        found({"HUB_URL": url})
