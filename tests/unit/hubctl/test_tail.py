"""The tail: prints everything once, remembers, comes back, and says what it cannot bridge."""

import json
from pathlib import Path
from typing import Any

from tests.unit.hubctl.conftest import Hubctl
from tests.unit.hubctl.fake_hub import GENERAL, FakeHub, Reply

END = Reply({"detail": "token revoked", "code": "unauthorized"}, 401)
HELLO = b"retry: 100\nid: e:0\nevent: hub.hello\ndata: {}\n\n"


def message(seq: int, text: str = "") -> bytes:
    envelope: dict[str, Any] = {
        "seq": seq,
        "event": {"type": "channel.message", "message": {"senderId": "planner", "content": text or f"no {seq}"}},
        "timestamp": 1708517045000,
        "channelId": GENERAL["id"],
        "senderId": "planner",
    }
    return b"id: e:%d\nevent: channel.message\ndata: %b\n\n" % (seq, json.dumps(envelope).encode())


def seqs(output: str) -> list[int]:
    return [json.loads(line)["seq"] for line in output.splitlines()]


def asked_for(hub: FakeHub) -> list[tuple[dict[str, str], str | None]]:
    return [(asked.query, asked.headers.get("Last-Event-ID")) for asked in hub.asked if asked.path == "/api/events"]


def test_lines_for_people(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.streams = [HELLO + message(1, "hello\x1b[2J") + message(2)]
    result = hubctl("tail", "--count", "2")
    assert result.exit_code == 0
    assert result.stdout == (
        "2024-02-21 12:04:05 #general planner: hello\\x1b[2J\n2024-02-21 12:04:05 #general planner: no 2\n"
    )
    assert result.stderr == ""


def test_a_lost_stream_is_resumed_without_gap_or_repeat(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.streams = [HELLO + message(1) + message(2), HELLO.replace(b"e:0", b"e:2") + message(2) + message(3), END]
    result = hubctl("tail", "--json", "--since", "0", "general")
    assert seqs(result.stdout) == [1, 2, 3]
    channel = {"channels": GENERAL["id"]}
    assert asked_for(hub) == [({**channel, "since": "0"}, None), (channel, "e:2"), (channel, "e:3")]
    assert result.stderr.count("connection lost") == 2
    assert result.stderr.count("connection is back") == 1
    assert result.exit_code == 1
    assert "token from HUB_TOKEN" in result.stderr


def test_a_half_frame_is_asked_for_again(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.streams = [HELLO + message(1) + message(2)[:-2], HELLO.replace(b"e:0", b"e:1") + message(2)]
    result = hubctl("tail", "--json", "--count", "2")
    assert seqs(result.stdout) == [1, 2]
    assert asked_for(hub)[1][1] == "e:1"


def test_one_outage_is_told_once(hub: FakeHub, hubctl: Hubctl) -> None:
    busy = Reply({"detail": "starting", "code": "unavailable"}, 503)
    hub.streams = [HELLO + message(1), busy, Reply(breaks=True), HELLO + message(2)]
    result = hubctl("tail", "--json", "--count", "2")
    assert seqs(result.stdout) == [1, 2]
    assert result.stderr.count("\n") == 2


def test_a_first_connection_that_fails_ends_it(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.streams = [Reply({"detail": "too many streams", "code": "stream_limit"}, 429)]
    result = hubctl("tail")
    assert result.exit_code == 1
    assert "too many streams" in result.stderr


def test_the_cursor_file_moves_with_what_was_printed_and_with_silence(
    hub: FakeHub, hubctl: Hubctl, tmp_path: Path
) -> None:
    file = tmp_path / "cursor"
    hub.streams = [HELLO + message(1) + b"id: e:5\n\n", END]
    hubctl("tail", "--cursor", str(file))
    assert file.read_text() == "e:5\n"
    hub.streams = [HELLO.replace(b"e:0", b"e:5") + message(5) + message(6)]
    result = hubctl("tail", "--json", "--cursor", str(file), "--since", "0", "--count", "1")
    assert seqs(result.stdout) == [6]
    assert file.read_text() == "e:6\n"
    assert asked_for(hub)[-1] == ({}, "e:5")


def test_a_reset_names_the_gap_and_goes_on(hub: FakeHub, hubctl: Hubctl, tmp_path: Path) -> None:
    (tmp_path / "cursor").write_text("old:900\n")
    reset = b'id: e:4\nevent: hub.reset\ndata: {"epoch":"e","oldest":2,"seq":4,"reason":"another epoch"}\n\n'
    hub.streams = [HELLO + reset + message(4) + message(5)]
    result = hubctl("tail", "--json", "--count", "1", "--cursor", str(tmp_path / "cursor"))
    assert seqs(result.stdout) == [5]
    for word in ("GAP", "old:900", "another epoch", "from 2 to 4"):
        assert word in result.stderr


def test_typing_is_not_shown_unless_asked_for(hub: FakeHub, hubctl: Hubctl) -> None:
    typing = b'event: channel.typing\ndata: {"event":{"type":"channel.typing","agentId":"a"},"channelId":"x"}\n\n'
    hub.streams = [HELLO + typing + message(1)]
    assert "types" not in hubctl("tail", "--count", "1").stdout
    hub.streams = [HELLO + typing]
    result = hubctl("tail", "--count", "1", "--types", "channel.typing")
    assert result.stdout == "--:--:-- #x * a types\n"
    assert hub.asked[-2].query == {"types": "channel.typing"}


def test_a_new_channels_name_is_asked_for_once(hub: FakeHub, hubctl: Hubctl) -> None:
    joined = message(1).replace(str(GENERAL["id"]).encode(), b"99999999-9999")
    hub.reply("GET", "/api/channels/99999999-9999", Reply({"id": "99999999-9999", "name": "new"}))
    hub.streams = [HELLO + joined + joined.replace(b"e:1\n", b"e:2\n")]
    assert hubctl("tail", "--count", "2").stdout.count("#new planner") == 2
    assert [asked.path for asked in hub.asked].count("/api/channels/99999999-9999") == 1


def test_a_bye_for_good_ends_it(hub: FakeHub, hubctl: Hubctl) -> None:
    hub.streams = [HELLO + b'event: hub.bye\ndata: {"code":"token_revoked","retry":false}\n\n']
    result = hubctl("tail")
    assert result.exit_code == 1
    assert "token_revoked" in result.stderr


def test_a_bye_for_now_is_followed_by_another_try(hub: FakeHub, hubctl: Hubctl) -> None:
    bye = b'event: hub.bye\ndata: {"code":"shutdown","retry":true}\n\n'
    hub.streams = [HELLO + bye, HELLO + message(1)]
    result = hubctl("tail", "--json", "--count", "1")
    assert seqs(result.stdout) == [1]
    assert "shutdown" in result.stderr


def test_named_channels_are_all_that_is_shown(hub: FakeHub, hubctl: Hubctl) -> None:
    joined = b'id: e:1\nevent: agent.joined\ndata: {"event":{"type":"agent.joined"},"seq":1}\n\n'
    hub.streams = [HELLO + joined + message(2)]
    assert seqs(hubctl("tail", "--json", "--count", "1", "general").stdout) == [2]
