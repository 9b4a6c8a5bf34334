"""The balancers of docs/scale-out.md before two hubs: nothing is sticky, nothing is held back, and a hub may die."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hub import HubProcess, said
from tests.oracle import company
from tests.pair import two_hubs
from tests.servers import free_port, listens, started

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/scale-out.md"
AROUND_NGINX = """
daemon off;
pid nginx.pid;
events {{ }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
{shown}
}}
"""
BINDS = {"nginx": ("listen 80;", "listen 127.0.0.1:{port};"), "haproxy": ("bind :80", "bind 127.0.0.1:{port}")}


class Balanced(NamedTuple):
    """Two hubs, and what clients speak to instead."""

    front: HubProcess
    hubs: tuple[HubProcess, HubProcess]


def shown_configuration(kind: str, port: int, hubs: tuple[HubProcess, HubProcess]) -> str:
    """The configuration of the document, with the ports of this test in it."""
    found = re.search(rf"```{kind}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found is not None
    places = iter(f"127.0.0.1:{hub.port}" for hub in hubs)
    text, count = re.subn(r"10\.0\.0\.\d+:8080", lambda _: next(places), found[1])
    assert count == len(hubs)
    shown, ours = BINDS[kind]
    assert shown in text
    text = text.replace(shown, ours.format(port=port)).replace("Host chat.example", "Host localhost")
    return AROUND_NGINX.format(shown=text) if kind == "nginx" else text


def command_of(kind: str, home: Path) -> list[str]:
    """How the balancer is started there, in the foreground."""
    binary = shutil.which(kind) or shutil.which(kind, path="/usr/sbin")
    assert binary is not None, f"{kind} is missing: install {kind}"
    options = {
        "nginx": ["-p", str(home), "-c", "conf", "-e", "error.log"],
        "haproxy": ["-db", "-f", str(home / "conf")],
    }
    return [binary, *options[kind]]


@pytest.fixture(params=["nginx", "haproxy"])
async def balanced(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str, redis_url: str
) -> AsyncIterator[Balanced]:
    async with two_hubs(tmp_path, postgres_url, redis_url) as hubs:
        front = HubProcess(tmp_path / "front")
        front.data_dir = hubs[0].data_dir
        front.url = f"http://127.0.0.1:{(port := free_port())}"
        home = Path("/tmp") / f"hub-{request.param}-{port}"
        home.mkdir()
        home.chmod(0o755)
        try:
            (home / "conf").write_text(shown_configuration(request.param, port, hubs))
            command = command_of(request.param, home)
            with started(command, home / "log", home, ready=lambda: listens(port)):
                yield Balanced(front, hubs)
        finally:
            shutil.rmtree(home)


async def posts_taken(hub: HubProcess, token: str) -> float:
    """How many posts this hub answered."""
    async with hub.client(token) as client:
        metrics = (await client.call("GET", "/metrics")).body.decode()
    pattern = r'^hub_http_requests_total\{area="messages",code="2xx",method="POST"\} (.*)$'
    found = re.search(pattern, metrics, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_whoever_answers_it_is_one_hub(balanced: Balanced) -> None:
    front, hubs = balanced
    async with front.client() as admin, admin.stream() as frames:
        general = await admin.general()
        for number in range(20):
            await admin.say(general, f"word {number}")
            assert said((await frames.until("channel.message"))[-1]) == f"word {number}"
            room = await admin.channel(f"room-{number}")
            assert (await admin.ok("GET", f"/api/channels/{room}"))["name"] == f"room-{number}"
            names = {channel["name"] for channel in (await admin.ok("GET", "/api/channels"))["channels"]}
            assert f"room-{number}" in names
            agent_id, token = await admin.agent()
            async with front.client(token) as agent:
                assert (await agent.ok("GET", "/api/me"))["id"] == agent_id
    for hub in hubs:
        assert await posts_taken(hub, front.admin_token) > 0


async def test_a_hub_dies_and_its_clients_go_on_at_the_other(balanced: Balanced) -> None:
    front, hubs = balanced
    async with company(front, agents=20) as talkers:
        for hub in hubs:
            await talkers.progress(20)
            await hub.kill()
            await talkers.progress(40)
            await hub.start()
        await talkers.progress(20)
