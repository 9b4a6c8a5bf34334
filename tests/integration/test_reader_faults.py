"""Readers that stall, vanish, come in crowds or with any cursor: the others do not notice, and all end up with all."""

import asyncio
import re
import socket
from pathlib import Path
from time import monotonic

import psutil

from tests.crowd import Crowd, exact_rest
from tests.faults import link
from tests.hub import Client, HubProcess, envelope
from tests.oracle import company, p99

STALLED = 10
CONNECTS = 100
"""The soak tries a thousand."""

CROWD = 1000
SLACK = 5
"""What is asked of a machine that does something else besides."""

MANY = {"HUB_STREAMS_PER_TOKEN": "0", "HUB_STREAMS_TOTAL": "4096"}


async def metric(client: Client, name: str) -> float:
    """One number of /metrics; 0 while it is not there."""
    text = (await client.call("GET", "/metrics")).body.decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def streams_open(client: Client) -> int:
    """How many streams have a seat."""
    text = (await client.call("GET", "/metrics")).body.decode()
    return int(sum(float(value) for value in re.findall(r"^hub_sse_connections{.*} (\S+)$", text, re.MULTILINE)))


async def until_open(client: Client, count: int, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while await streams_open(client) != count:
            await asyncio.sleep(0.1)


def stalled_stream(hub: HubProcess, token: str, channel_id: str) -> socket.socket:
    """A stream that is asked for and never read."""
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", hub.port))
    lines = (f"GET /api/events?channels={channel_id} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}")
    stalled.sendall("\r\n".join([*lines, "", ""]).encode())
    return stalled


async def test_readers_that_stall_are_cut_in_time_and_cost_the_others_nothing(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, **MANY) as hub, hub.client() as admin, company(hub) as talkers:
        aside = await admin.channel()
        process = psutil.Process(hub.pid)
        since_s = monotonic()
        await asyncio.sleep(5)
        before = p99(talkers.lags_s(since_s))
        resident = process.memory_info().rss
        crowd = await streams_open(admin)
        stalled = [stalled_stream(hub, hub.admin_token, aside) for _ in range(STALLED)]
        try:
            await until_open(admin, crowd + STALLED, 15)
            since_s = monotonic()
            for _ in range(12):  # less than what makes the hub cut at once, more than their kernels hold
                await admin.say(aside, "x" * 50_000)
            grown = process.memory_info().rss - resident
            stalled_s = monotonic()
            await until_open(admin, crowd, 15 * SLACK)
            assert monotonic() - stalled_s <= 15 * SLACK
        finally:
            for connection in stalled:
                connection.close()
        assert grown / STALLED <= 2 << 20
        assert p99(talkers.lags_s(since_s)) <= max(2 * before, 0.1) * SLACK
        assert all(reader.connects == 1 for reader in talkers.readers), "nobody else was cut"


async def test_a_reader_whose_link_is_cut_frees_its_seat_and_is_shown_offline(tmp_path: Path) -> None:
    with link() as cable:
        settings = {"HUB_SERVER_HOST": "0.0.0.0", "HUB_STREAMS_PER_TOKEN": "1"}
        async with HubProcess(tmp_path, **settings) as hub, hub.client() as admin, admin.stream() as frames:
            channel_id = await admin.general()
            agent_id, token = await admin.agent()
            url = f"http://{cable.address}:{hub.port}/api/events"
            curl = cable.on_the_other_host("curl", "-sN", "-H", f"Authorization: Bearer {token}", url)
            far = await asyncio.create_subprocess_exec(*curl, stdout=asyncio.subprocess.PIPE)
            try:
                assert far.stdout is not None
                await asyncio.wait_for(far.stdout.readuntil(b"hub.hello"), 15)
                async with hub.client(token) as agent:
                    await agent.ok("PUT", f"/api/channels/{channel_id}/presence", {"status": "online"})
                    cable.cut()
                    cut_s = monotonic()
                    frames.passing = frozenset({"agent.joined", "system.performance.alert"})
                    assert (await agent.call("GET", "/api/events")).status == 429, "the hub cannot know yet"
                told: dict[str, float] = {}
                while len(told) < 2:
                    frame = await frames.next(100)
                    if frame.event == "agent.left" and agent_id in envelope(frame)["event"]["data"]["affectedAgents"]:
                        told["left"] = monotonic() - cut_s
                    elif frame.event == "channel.presence" and '"offline"' in str(frame.data):
                        told["offline"] = monotonic() - cut_s
                assert told["left"] <= 60 + 10
                assert told["offline"] <= 90 * 2
            finally:
                far.kill()
                await far.communicate()


async def test_a_thousand_streams_that_were_opened_and_closed_leave_nothing(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, **MANY) as hub, hub.client() as admin:
        process = psutil.Process(hub.pid)
        before = process.num_fds()
        crowd = Crowd(hub, CROWD)
        await crowd.come()
        assert process.num_fds() > before + 0.9 * CROWD
        crowd.go()
        async with asyncio.timeout(20 * SLACK):
            while await streams_open(admin) or process.num_fds() > before + 5:
                await asyncio.sleep(0.2)


async def test_a_thousand_readers_come_back_together_and_catch_up(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, **MANY) as hub:
        async with hub.client() as admin:
            channel_id = await admin.general()
            crowd = Crowd(hub, CROWD)
            await crowd.come()
            said = [(await admin.say(channel_id, str(number)))["message"]["id"] for number in range(10)]
            await crowd.until_all_heard(said)
        await hub.kill()
        await hub.start()
        began_s = monotonic()
        async with hub.client() as admin:
            said += [(await admin.say(channel_id, str(number)))["message"]["id"] for number in range(10)]
            await crowd.come()
            assert monotonic() - began_s <= 10 * SLACK
            said.append((await admin.say(channel_id, "the last"))["message"]["id"])
            await crowd.until_all_heard(said)
        assert crowd.heard == [said] * CROWD, "each once, in order"
        crowd.go()


async def test_whoever_connects_while_much_is_said_gets_the_exact_rest(own_hub: HubProcess) -> None:
    async with company(own_hub, agents=20, rate=200) as talkers:
        await talkers.progress(200)
        for _ in range(CONNECTS):
            await exact_rest(own_hub, talkers)
