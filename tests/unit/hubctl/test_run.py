"""`hubctl run` becomes the hub: the same flags, and no password where others can read it."""

import sys
from pathlib import Path

from hubctl.commands.run import Flags, server_process
from tests.unit.hubctl.conftest import Hubctl


def test_flags_are_passed_on_and_passwords_go_by_environment() -> None:
    flags = Flags(Path("hub.toml"), Path("/data"), "::1", 9000, "redis://:hush@r", "postgresql://u:hush@d/x")
    argv, environ = server_process(flags, {"HOME": "/home/me", "HUB_REDIS_URL": "redis://other"})
    assert argv[0] == sys.executable
    assert argv[-10:] == [
        *("-m", "server"),
        *("--config", "hub.toml", "--data-dir", "/data", "--host", "::1", "--port", "9000"),
    ]
    assert environ == {
        "HOME": "/home/me",
        "HUB_REDIS_URL": "redis://:hush@r",
        "HUB_DATABASE_URL": "postgresql://u:hush@d/x",
    }


def test_nothing_given_leaves_all_to_the_settings() -> None:
    argv, environ = server_process(Flags(None, None, None, None, None, None), {"A": "1"})
    assert argv == [sys.executable, "-P", "-m", "server"]
    assert environ == {"A": "1"}


def test_a_file_that_is_not_there_is_wrong_usage(hubctl: Hubctl) -> None:
    result = hubctl("run", "--config", "/no/such/hub.toml")
    assert result.exit_code == 2
    assert "/no/such/hub.toml" in result.stderr


def test_a_wrong_setting_is_wrong_usage(hubctl: Hubctl) -> None:
    result = hubctl("run", env={"HUB_LIMITS_MESSAGE": "many"})
    assert result.exit_code == 2
    assert "limits.message" in result.stderr
