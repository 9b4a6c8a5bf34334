"""Redis that dies, freezes, forgets, hangs up or is full of lies: the oracle's verdict is empty, and nobody waits."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic

import msgspec
import psutil
import pytest
import redis

from tests.hub import HubProcess
from tests.oracle import Company, company, p99
from tests.servers import RedisServer, own_redis

STOPPED_S = 5.0
"""The soak stops it for a minute."""

SLOWEST_POST_S = 0.3
SLOWEST_DELIVERY_S = 1.0
SLACK = 5
"""What is asked of a machine that does something else besides; the soak asks for the figures themselves."""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with own_redis() as running:
        yield running


@pytest.fixture
async def hub(server: RedisServer, tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path, HUB_REDIS_URL=server.url) as running:
        yield running


def private_redis(hub: HubProcess) -> psutil.Process:
    """The server that the hub started for itself."""
    children = psutil.Process(hub.pid).children(recursive=True)
    return next(child for child in children if "server" in child.name())


async def until_redis_is(hub: HubProcess, up: bool, within_s: float = 10.0) -> None:
    async with hub.client() as admin, asyncio.timeout(within_s):
        while ((await admin.ok("GET", "/readyz"))["parts"]["redis"] == "ok") != up:
            await asyncio.sleep(0.05)


def nobody_waited(talkers: Company, since_s: float) -> None:
    """Neither for an answer nor for a delivery."""
    assert p99(talkers.posts_s(since_s)) <= SLOWEST_POST_S * SLACK
    assert max(talkers.lags_s(since_s)) <= SLOWEST_DELIVERY_S * SLACK


async def test_messages_go_on_while_redis_is_stopped(hub: HubProcess, server: RedisServer) -> None:
    async with company(hub) as talkers:
        await talkers.progress(40)
        since_s = monotonic()
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(STOPPED_S)
        nobody_waited(talkers, since_s)
        await until_redis_is(hub, up=False)
        await asyncio.to_thread(server.start)
        await until_redis_is(hub, up=True)
        await talkers.progress(40)


async def test_messages_go_on_while_redis_is_frozen(hub: HubProcess, server: RedisServer) -> None:
    async with company(hub) as talkers:
        await talkers.progress(40)
        since_s = monotonic()
        server.process.send_signal(signal.SIGSTOP)
        try:
            await until_redis_is(hub, up=False)
            await asyncio.sleep(STOPPED_S)
            nobody_waited(talkers, since_s)
        finally:
            server.process.send_signal(signal.SIGCONT)
        await until_redis_is(hub, up=True)
        await talkers.progress(40)


async def test_messages_go_on_while_the_private_redis_dies_and_it_comes_back(own_hub: HubProcess) -> None:
    async with company(own_hub) as talkers:
        await talkers.progress(20)
        private_redis(own_hub).kill()
        await talkers.progress(60)
        await until_redis_is(own_hub, up=True)
        await talkers.progress(20)


async def test_a_hub_without_redis_starts_and_serves(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_REDIS_URL="redis://127.0.0.1:1/0") as hub, company(hub) as talkers:
        await talkers.progress(50)


async def test_a_redis_that_forgets_is_filled_again_and_nobody_gains_or_loses_access(
    hub: HubProcess, server: RedisServer
) -> None:
    async with company(hub, agents=20) as talkers, hub.client() as admin:
        secret = await admin.channel(isPrivate=True)
        (inside, guest), (_, stranger) = await admin.agent(), await admin.agent()
        await admin.ok("PUT", f"/api/channels/{secret}/members/{inside}")
        async with hub.client(guest) as member, hub.client(stranger) as other:
            await member.ok("PUT", f"/api/channels/{secret}/presence", {"status": "dnd"})
            for forget in (flush, restart):
                await asyncio.to_thread(forget, server)
                async with asyncio.timeout(10 * SLACK):
                    while not await asyncio.to_thread(holds, server, secret, inside):
                        await asyncio.sleep(0.1)
                path = f"/api/messages?channelId={secret}"
                assert (await member.call("GET", path)).status == 200
                assert (await other.call("GET", path)).status == 404
                assert (await other.call("POST", "/api/messages", {"channelId": secret, "content": "x"})).status == 404
                shown = (await member.ok("GET", f"/api/channels/{secret}/presence"))["presence"]
                assert [(p["agentId"], p["status"]) for p in shown] == [(inside, "dnd")]
                await member.say(secret, "still here")
        await talkers.progress(20)


def flush(server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as keys:
        keys.flushall()


def restart(server: RedisServer) -> None:
    server.stop()
    server.start()


def holds(server: RedisServer, channel_id: str, agent_id: str) -> bool:
    """Whether the presence and the members stand in Redis."""
    with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(server.url) as keys:
        present = keys.exists(f"presence:{channel_id}:{agent_id}")
        return bool(present) and bool(keys.sismember(f"channel:{channel_id}:members", agent_id))
    return False


async def test_a_subscription_that_is_killed_every_two_seconds_is_noticed_by_nobody(
    hub: HubProcess, server: RedisServer
) -> None:
    async with company(hub):
        with redis.Redis.from_url(server.url) as outsider:
            for _ in range(4):
                assert outsider.execute_command("CLIENT", "KILL", "TYPE", "pubsub") >= 1
                await asyncio.sleep(2)


async def test_a_subscription_whose_buffer_overflows_is_noticed_by_nobody(hub: HubProcess, server: RedisServer) -> None:
    with redis.Redis.from_url(server.url) as outsider:
        outsider.config_set("client-output-buffer-limit", "pubsub 64kb 64kb 0")
        async with company(hub) as talkers:
            await talkers.progress(20)
            since_s = monotonic()
            name = f"pubsub:channel:{talkers.channel_id}"
            overflows = 0
            for _ in range(10):
                before = subscriber(outsider)
                outsider.publish(name, b" " * 250_000)
                await talkers.progress(10)
                overflows += subscriber(outsider) != before
            assert overflows == 10
            assert max(talkers.lags_s(since_s)) <= 2 * SLACK


def subscriber(outsider: redis.Redis) -> object:
    """Which connection is the hub's ear; none while it is being opened again."""
    return next((client["id"] for client in outsider.client_list(_type="pubsub")), None)


async def test_ten_thousand_forged_repeated_and_reordered_publishes_reach_nobody(
    hub: HubProcess, server: RedisServer
) -> None:
    async with company(hub, agents=20) as talkers:
        await talkers.progress(20)
        name = f"pubsub:channel:{talkers.channel_id}"
        real = [event for event in talkers.readers[0].events if event["event"]["type"] == "channel.message"][:10]
        with redis.Redis.from_url(server.url) as outsider:
            for number in range(1000):
                genuine = real[number % len(real)]
                ahead = {**genuine, "seq": genuine["seq"] + 1000 + number}
                told = [genuine, {**genuine, "senderId": "maya"}, ahead, {**ahead, "channelSeq": 1}]
                forged = [{"event": genuine["event"], "timestamp": 1, "seq": seq} for seq in range(-3, 3)]
                pipeline = outsider.pipeline(transaction=False)
                for value in told + forged:
                    pipeline.publish(name, msgspec.json.encode(value))
                await asyncio.to_thread(pipeline.execute)
        await talkers.progress(20)
        assert [reader.foreign for reader in talkers.readers] == [0] * 20
        async with hub.client() as admin:
            metrics = (await admin.call("GET", "/metrics")).body.decode()
        dropped = float(metrics.partition('hub_foreign_events_total{result="forged_seq"} ')[2].split()[0])
        assert dropped == 9000, "all but the true ones again, which ring a bell that has rung"


async def test_a_hub_that_gets_no_processor_does_not_take_that_for_redis_being_away(hub: HubProcess) -> None:
    async with company(hub) as talkers:
        await talkers.progress(40)
        # each time something else is under way to Redis; the last one is longer than the silence of a subscription
        for stopped_s in (*[0.8] * 12, 4.0):
            psutil.Process(hub.pid).suspend()
            await asyncio.sleep(stopped_s)
            psutil.Process(hub.pid).resume()
            await talkers.progress(10)
    assert "redis is away" not in hub.log_text
