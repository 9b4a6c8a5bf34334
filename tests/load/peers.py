"""The servers that are compared, each started for one run: the floor, nchan with Redis, a bare handler, the hub."""

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.hub import Client, HubProcess
from tests.load.generator import Peer
from tests.servers import free_port, listens

NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
START_TIMEOUT_S = 10.0
AGENTS = 111
NO_REAL_LIMIT = 1_000_000
"""A limit that is checked and never reached, so that checking it is part of what is measured."""

NO_SEATS_LIMIT = {"HUB_STREAMS_TOTAL": "20000", "HUB_STREAMS_PER_TOKEN": "0"}

NGINX_CONF = """
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 19000; }}
http {{
  access_log off;
  keepalive_requests 10000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream redis {{ nchan_redis_server "redis://127.0.0.1:{redis_port}/"; }}
  server {{
    listen 127.0.0.1:{port};
    location = /sub {{
      nchan_subscriber eventsource; nchan_subscriber_first_message newest;
      nchan_channel_id $arg_id; nchan_redis_pass redis;
    }}
    location = /pub {{
      nchan_publisher; nchan_channel_id $arg_id; nchan_redis_pass redis;
      nchan_message_buffer_length 100; nchan_message_timeout 5m;
    }}
  }}
}}
"""


class StartError(Exception):
    """A server did not start; the text says which."""


def nchan_is_installed() -> bool:
    """Whether the peer in C can be started on this machine."""
    return NCHAN_MODULE.exists() and bool(shutil.which("nginx")) and bool(shutil.which("redis-server"))


@contextlib.asynccontextmanager
async def floor(folder: Path, *, joined: bool = False) -> AsyncIterator[Peer]:
    """One write per delivery and nothing else; or, joined, one per reader and turn of its loop."""
    port = free_port()
    name, words = ("floor, joined", ["joined"]) if joined else ("floor", [])
    async with _running(port, str(folder / "floor"), str(port), *words):
        yield Peer(name, port, r"GET / HTTP/1.1\r\n\r\n", r"POST / HTTP/1.1\r\n", '{"content":"hello %m"}')


@contextlib.asynccontextmanager
async def nchan(folder: Path) -> AsyncIterator[Peer]:
    """nginx with nchan, its channels in a Redis of its own."""
    port, redis_port = free_port(), free_port()
    home = folder / "nginx"
    home.mkdir()
    home.chmod(0o755)
    conf = home / "nginx.conf"
    conf.write_text(NGINX_CONF.format(module=NCHAN_MODULE, port=port, redis_port=redis_port))
    redis = ("redis-server", "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home))
    nginx = ("nginx", "-p", str(home), "-c", str(conf), "-e", "error.log")
    async with _running(redis_port, *redis), _running(port, *nginx):
        subscribe = r"GET /sub?id=a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
        publish = r"POST /pub?id=a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        yield Peer("nchan + Redis", port, subscribe, publish, '{"content":"hello %m"}')


@contextlib.asynccontextmanager
async def bare() -> AsyncIterator[Peer]:
    """An aiohttp handler that answers JSON with JSON."""
    port = free_port()
    async with _running(port, sys.executable, str(Path(__file__).with_name("bare.py")), str(port)):
        publish = r"POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        yield Peer("bare aiohttp", port, "", publish, '{"channelId":"a","content":"hello %m"}')


@contextlib.asynccontextmanager
async def hub(folder: Path, name: str = "hub") -> AsyncIterator[tuple[Peer, HubProcess]]:
    """The hub with everything that it does, limits checked; 111 agents in one private channel."""
    home = folder / name
    home.mkdir()
    async with HubProcess(home, **NO_SEATS_LIMIT) as process:
        async with process.client() as admin:
            channel_id = await admin.channel(isPrivate=True)
            tokens = [(await guest(admin, channel_id))[1] for _ in range(AGENTS)]
        yield hub_peer(process, home, tokens, [channel_id]), process


async def guest(admin: Client, channel_id: str) -> tuple[str, str]:
    """A new agent in this channel, whose limit is checked and never reached, and its token."""
    agent_id, token = await admin.agent(limits={"message": NO_REAL_LIMIT})
    await admin.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}", {"role": "member"})
    return agent_id, token


def hub_peer(process: HubProcess, home: Path, tokens: Sequence[str], channel_ids: Sequence[str]) -> Peer:
    """A running hub as the generator sees it: these agents say what they say in these channels in turn."""
    (home / "tokens").write_text("\n".join(tokens))
    (home / "channels").write_text("\n".join(channel_ids))
    words = r"Host: localhost\r\nAuthorization: Bearer %t\r\n"
    return Peer(
        "hub",
        process.port,
        rf"GET /api/events HTTP/1.1\r\n{words}\r\n",
        rf"POST /api/messages HTTP/1.1\r\n{words}Content-Type: application/json\r\n",
        '{"channelId":"%c","content":"hello %m"}',
        home / "tokens",
        home / "channels",
    )


@contextlib.asynccontextmanager
async def _running(port: int, *command: str) -> AsyncIterator[None]:
    """Run a server that listens on `port` until the block ends."""
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig", "KILL", *command, stdin=quiet, stdout=quiet, stderr=quiet
    )
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while not listens(port):
                if process.returncode is not None:
                    raise StartError(f"{command[0]} ended with {process.returncode}")
                await asyncio.sleep(0.02)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
