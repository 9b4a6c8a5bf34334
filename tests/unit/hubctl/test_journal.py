"""`hubctl logs`: the journal's records as lines for people and as JSON, whatever is in them."""

import json

from hubctl.journal import for_people, record
from tests.unit.hubctl.conftest import Hubctl

AT = {"__REALTIME_TIMESTAMP": "1795422708334000", "_SYSTEMD_UNIT": "openclaw-hub.service", "PRIORITY": "6"}


def entry(message: object, **more: str) -> str:
    return json.dumps({**AT, **more, "MESSAGE": message})


def test_what_the_hub_says_is_taken_apart() -> None:
    said = record(entry(json.dumps({"event": "hub is ready", "level": "info", "timestamp": "x", "seq": 7})))
    assert said == {
        "time": "2026-11-23T08:31:48.334000+00:00",
        "part": "hub",
        "level": "info",
        "event": "hub is ready",
        "seq": 7,
    }
    assert for_people(said).endswith(":48 hub    hub is ready seq=7")


def test_what_others_say_is_a_line_of_theirs() -> None:
    said = record(entry("Ready to accept connections", _SYSTEMD_UNIT="openclaw-hub-redis.service", PRIORITY="4"))
    assert said is not None
    assert (said["part"], said["level"], said["event"]) == ("redis", "warning", "Ready to accept connections")
    assert " redis  WARNING Ready" in for_people(said)


def test_what_systemd_says_of_a_unit_belongs_to_that_unit() -> None:
    said = record(entry("Started", _SYSTEMD_UNIT="init.scope", UNIT="openclaw-hub-tls.service"))
    assert said is not None
    assert said["part"] == "tls"


def test_a_trace_stands_on_lines_of_its_own_and_nothing_drives_the_terminal() -> None:
    hostile = json.dumps({"event": "crashed\x1b[2J", "level": "error", "exception": "Traceback\n  line"})
    said = record(entry(hostile))
    assert said is not None
    lines = for_people(said).splitlines()
    assert "ERROR crashed\\x1b[2J" in lines[0]
    assert lines[1:] == ["    Traceback", "      line"]


def test_bytes_and_noise_are_borne() -> None:
    said = record(entry([104, 105, 255]))
    assert said is not None
    assert said["event"].startswith("hi")
    assert record("no json") is None
    assert record(entry("[1, 2]")) is not None


def test_where_nothing_is_installed_it_says_where_the_log_is(hubctl: Hubctl) -> None:
    result = hubctl("logs")
    assert result.exit_code == 1
    assert "hubctl run" in result.stderr
    assert "redis.log" in result.stderr
