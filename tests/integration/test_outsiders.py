"""Other programs on the hub's Redis: they hear the schema's wrapper, are heard as foreign, and cannot forge."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
import redis.asyncio as redis

from tests.hub import HubProcess, Json, envelope

NODE = Path(__file__).resolve().parents[1] / "node"


@contextlib.asynccontextmanager
async def outsider(hub: HubProcess) -> AsyncIterator[redis.Redis]:
    """A client on the private Redis, with the name and password that are meant for others."""
    password = (hub.data_dir / "redis-outsider.password").read_text().strip()
    socket = str(hub.data_dir / "redis.sock")
    client = redis.Redis(unix_socket_path=socket, username="outsider", password=password, protocol=2)
    async with client:
        yield client


class NodeProgram:
    """tests/node/outsider.mjs, which speaks in JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hears(self) -> Json:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 15)
        heard = msgspec.json.decode(line)
        assert isinstance(heard, dict)
        return heard

    def publishes(self, channel: str, value: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{channel} {msgspec.json.encode(value).decode()}\n".encode())


@contextlib.asynccontextmanager
async def node_program(hub: HubProcess) -> AsyncIterator[NodeProgram]:
    node = shutil.which("node")
    assert node, "node is missing: install nodejs and npm"
    assert (NODE / "node_modules").exists(), "ioredis is missing: run `npm ci` in tests/node, as `make test` does"
    password = (hub.data_dir / "redis-outsider.password").read_text().strip()
    process = await asyncio.create_subprocess_exec(
        *(node, str(NODE / "outsider.mjs"), str(hub.data_dir / "redis.sock"), "outsider", password),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    program = NodeProgram(process)
    assert await program.hears() == {"ready": True}
    yield program
    assert process.stdin is not None
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 15) == 0


def example(channel_id: str) -> Json:
    """The schema document's own example of publishing."""
    event = {
        "type": "channel.message",
        "channelId": channel_id,
        "message": {
            "id": "msg-uuid",
            "content": "Hello! 👋",
            "senderId": "backend-architect",
            "timestamp": 1708554000000,
        },
    }
    return {"event": event, "timestamp": 1708554000000, "channelId": channel_id, "senderId": "backend-architect"}


async def test_an_ioredis_program_hears_the_schemas_wrapper(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin, node_program(own_hub) as program, admin.stream() as frames:
        channel_id = await admin.general()
        posted = await admin.say(channel_id, "for everyone")
        heard = await program.hears()
        assert heard["channel"] == f"pubsub:channel:{channel_id}"
        assert heard["pattern"] == "pubsub:channel:*"
        wrapper = heard["payload"]
        assert wrapper.keys() == {"seq", "channelSeq", "event", "timestamp", "channelId", "senderId"}
        assert (wrapper["seq"], wrapper["senderId"], wrapper["channelId"]) == (posted["seq"], "hubctl", channel_id)
        message = {key: posted["message"][key] for key in ("id", "content", "senderId", "timestamp")}
        assert wrapper["event"] == {"type": "channel.message", "channelId": channel_id, "message": message}
        assert envelope(await frames.next()) == wrapper


async def test_what_an_ioredis_program_publishes_reaches_the_streams_marked(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin, node_program(own_hub) as program, admin.stream() as frames:
        channel_id = await admin.general()
        program.publishes(f"pubsub:channel:{channel_id}", example(channel_id))
        frame = await frames.next()
        assert (frame.id, frame.event) == (None, "channel.message")
        assert envelope(frame) == example(channel_id) | {"foreign": True}
        assert (await admin.ok("GET", f"/api/messages?channelId={channel_id}"))["messages"] == []


async def test_forged_repeated_and_reordered_publishes_reach_nobody(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin, outsider(own_hub) as program, admin.stream() as frames:
        channel_id = await admin.general()
        name = f"pubsub:channel:{channel_id}"
        posted = await admin.say(channel_id, "the real one")
        real = envelope(await frames.next())
        forged = real | {"senderId": "maya"}
        for seq in range(posted["seq"] - 1, posted["seq"] + 10):
            for value in (forged | {"seq": seq}, {"event": real["event"], "timestamp": 1, "seq": seq}, real):
                await program.publish(name, msgspec.json.encode(value))
        await program.publish(name, b'{"seq":' + b"9" * 400 + b"}")
        await admin.say(channel_id, "the next one")
        assert envelope(await frames.next())["event"]["message"]["content"] == "the next one"


async def test_what_is_malformed_or_changes_state_is_counted_and_dropped(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin, outsider(own_hub) as program, admin.stream() as frames:
        channel_id = await admin.general()
        name = f"pubsub:channel:{channel_id}"
        leave = {"type": "channel.member.leave", "channelId": channel_id, "agentId": "hubctl"}
        await program.publish(name, msgspec.json.encode(leave))
        await program.publish(name, b"\xff not json")
        await program.publish(name, b" " * 300_000)
        await program.publish(f"pubsub:channel:{uuid4()}", msgspec.json.encode(example(channel_id)))
        assert await frames.quiet()
        metrics = (await admin.call("GET", "/metrics")).body.decode()
    for reason in ("stateful", "malformed", "too_large", "unknown_channel"):
        assert f'hub_foreign_events_total{{result="{reason}"}} 1.0' in metrics


async def test_an_outsider_touches_no_key_and_runs_no_script(own_hub: HubProcess) -> None:
    async with outsider(own_hub) as program:
        for command in (("GET", "channel:x"), ("KEYS", "*"), ("EVAL", "return 1", "0"), ("PUBLISH", "hub:echo:x", "")):
            with pytest.raises(redis.ResponseError, match=r"NOPERM|permissions"):
                await program.execute_command(*command)


async def test_a_prefix_applies_to_every_channel(tmp_path: Path, redis_url: str) -> None:
    settings = {"HUB_REDIS_URL": redis_url, "HUB_REDIS_PREFIX": "openclaw:"}
    async with HubProcess(tmp_path, **settings) as hub, hub.client() as admin, admin.stream() as frames:
        channel_id = await admin.general()
        async with redis.Redis.from_url(redis_url, protocol=2) as client, client.pubsub() as ears:
            await ears.psubscribe("openclaw:pubsub:channel:*")
            await ears.get_message(timeout=5)
            await admin.say(channel_id, "hello")
            heard = await ears.get_message(timeout=5)
            assert heard["channel"] == f"openclaw:pubsub:channel:{channel_id}".encode()
            await frames.next()
            await client.publish(f"openclaw:pubsub:channel:{channel_id}", msgspec.json.encode(example(channel_id)))
            assert envelope(await frames.next())["foreign"] is True


async def test_nonsense_is_logged_once_and_not_each_time(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin, outsider(own_hub) as program:
        name = f"pubsub:channel:{await admin.general()}"
        for _ in range(20):
            await program.publish(name, b"nonsense")
        async with asyncio.timeout(5):
            while 'result="malformed"} 20.0' not in (await admin.call("GET", "/metrics")).body.decode():
                await asyncio.sleep(0.05)
    assert own_hub.log_text.count("was dropped") == 1
