"""The page's modules by themselves, in Chromium: frames out of bytes, rows in order, words as elements."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.hub import Hub

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shell(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page with the import map and nobody signed in."""
    hub = Hub(Path(tmp_path_factory.mktemp("hub")))
    hub.start()
    page = browser.new_page()
    page.goto(hub.address)
    yield page
    page.close()
    hub.kill()


def frames(shell: Page, text: str, at_a_time: int) -> Any:
    """What FrameReader makes of these bytes when they come in pieces."""
    script = """async ([text, size]) => {
      const { FrameReader } = await import("hub/stream");
      const [reader, bytes, frames] = [new FrameReader(), new TextEncoder().encode(text), []];
      for (let at = 0; at < bytes.length; at += size) frames.push(...reader.push(bytes.slice(at, at + size)));
      return frames;
    }"""
    return shell.evaluate(script, [text, at_a_time])


@pytest.mark.parametrize("at_a_time", [1, 2, 7, 1000])
def test_frames_come_whole_however_the_bytes_arrive(shell: Page, at_a_time: int) -> None:
    text = (
        ": a comment\nretry: 1500\nid: e:1\nevent: hub.hello\ndata: {}\n\n"
        "id: e:2\n\n"
        'id:e:3\r\nevent:channel.message\r\ndata: {"a":\r\ndata: "grüße 🌍"}\r\n\r\n'
        "data\n\n"
        "\n\nid: e:4\nevent: cut off"
    )
    assert frames(shell, text, at_a_time) == [
        {"retry": 1500, "id": "e:1", "event": "hub.hello", "data": "{}"},
        {"id": "e:2"},
        {"id": "e:3", "event": "channel.message", "data": '{"a":\n"grüße 🌍"}'},
        {"data": ""},
    ]


def test_rows_stand_in_the_hubs_order_and_once(shell: Page) -> None:
    script = """async () => {
      const { ChannelLog } = await import("hub/store");
      const log = new ChannelLog();
      const message = (id) => ({ id, content: id, senderId: "scout", timestamp: 1 });
      log.expect({ id: "mine", content: "mine", at: 1, state: "waiting" }, "maya");
      for (const [id, seq] of [["c", 3], ["a", 1], ["c", 3], ["d", 5]]) log.store(message(id), seq);
      log.foreign({ ...message("a"), content: "forged" }, "outsider");
      log.change("b", { content: "b, edited before it came" });
      log.store(message("b"), 2);
      const before = log.rows.map((row) => row.message.content);
      log.store({ ...message("mine"), senderId: "maya" }, 4);
      return [before, log.rows.map((row) => row.message.content)];
    }"""
    before, after = shell.evaluate(script)
    assert before == ["a", "b, edited before it came", "c", "d", "forged", "mine"]
    assert after == ["a", "b, edited before it came", "c", "mine", "d", "forged"]


def test_a_log_lets_go_of_what_nobody_reads(shell: Page) -> None:
    script = """async () => {
      const { ChannelLog } = await import("hub/store");
      const log = new ChannelLog();
      log.merge({ messages: [], hasMore: false });
      const store = (from, to) => {
        for (let seq = from; seq < to; seq += 1) {
          log.store({ id: `m${seq}`, content: "", senderId: "scout", timestamp: 1 }, seq);
          log.trim();
        }
        return log.rows.length;
      };
      const running = store(1, 1001);
      log.held = true;
      return [running, log.hasMore, store(1001, 1101) - running, log.oldest.id];
    }"""
    running, has_more, held, oldest = shell.evaluate(script)
    assert running <= 300
    assert has_more is True
    assert held == 100
    assert oldest == f"m{1001 - running}"


def test_a_crowd_folds_into_lines_that_leave_out_nobody(shell: Page) -> None:
    script = """async () => {
      const { ChannelLog } = await import("hub/store");
      const log = new ChannelLog();
      log.merge({ messages: [], hasMore: false });
      const say = (seq, more) => {
        const [senderId, timestamp] = [`agent-${seq % 20}`, 1e6 + seq];
        log.take({ id: `m${seq}`, content: `${seq}`, senderId, timestamp, ...more }, seq);
        log.trim();
      };
      for (let seq = 1; seq <= 15_000; seq += 1) say(seq, seq === 9000 ? { mentions: ["maya"] } : {});
      const shown = ({ kind, order, count = 1, senders }) => ({ kind, order, count, senders: senders?.size ?? 1 });
      return { rows: log.rows.map(shown), hasNewer: log.hasNewer };
    }"""
    found = shell.evaluate(script)
    rows = found["rows"]
    folds = [row for row in rows if row["kind"] == "fold"]
    assert len(rows) <= 150
    assert not found["hasNewer"]
    assert rows[-1]["order"] == 15_000
    for above, row in itertools.pairwise(rows):
        assert row["order"] - above["order"] == row["count"]
    assert {row["senders"] for row in folds} == {20}
    assert {"kind": "message", "order": 9000, "count": 1, "senders": 1} in rows


def test_an_id_is_a_uuid_without_a_secure_page(shell: Page) -> None:
    script = """async () => { const { uuid } = await import("hub/store"); return [uuid(), uuid()]; }"""
    one, other = shell.evaluate(script)
    assert one != other
    assert [len(part) for part in one.split("-")] == [8, 4, 4, 4, 12]
    assert one[14] == "4"
    assert one[19] in "89ab"


@pytest.mark.parametrize(
    ("content", "shape"),
    [
        ("plain <b>words</b>", [["P", "plain <b>words</b>"]]),
        ("a `b` c", [["P", "a b c"], ["CODE", "b"]]),
        ("hi @scout. and @nobody, a@scout", [["P", "hi @scout. and @nobody, a@scout"], ["SPAN", "@scout"]]),
        (
            "see https://a.example/x?y=1.",
            [["P", "see https://a.example/x?y=1."], ["A", "https://a.example/x?y=1"]],
        ),
        ("javascript:alert(1) data:text/html,x", [["P", "javascript:alert(1) data:text/html,x"]]),
        ("```sh\nls `x`\n```", [["FIGURE", "shCopyls `x`"], ["PRE", "ls `x`"]]),
        ("```\nnever ended", [["FIGURE", "Copynever ended"], ["PRE", "never ended"]]),
        ("``` not `a` fence", [["P", "``` not a fence"], ["CODE", "a"]]),
    ],
)
def test_words_become_elements_and_stay_words(shell: Page, content: str, shape: list[list[str]]) -> None:
    script = """async (content) => {
      const { words } = await import("hub/elements");
      const block = words(content, (id) => (id === "scout" ? "known" : ""));
      const shown = [...block.querySelectorAll("p, a, :not(pre) > code, p span, figure, pre")];
      return shown.map((element) => [element.tagName, element.textContent]);
    }"""
    assert shell.evaluate(script, content) == shape
