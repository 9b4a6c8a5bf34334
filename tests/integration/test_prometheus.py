"""A real Prometheus scrapes a hub under load with the shipped files: every rule and every panel has an answer."""

import asyncio
import contextlib
import json
import math
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from hubctl.assets import deploy_dir
from server.core.stats import POINT_EDGES_S, STAGE_EDGES_S
from tests.hub import Client, Frames, HubProcess
from tests.servers import prometheus_server

LOAD_S = 14.5
"""Longer than typing lasts, so that something runs out."""

RATE = "20s"


def prepared(folder: Path, port: int) -> Path:
    """The shipped files, in a hurry: scraped and evaluated every second, at the test's port."""
    shutil.copytree(deploy_dir() / "prometheus", folder)
    for path in folder.glob("*.yml"):
        text = re.sub(r"interval: \w+", "interval: 1s", path.read_text("utf-8"))
        path.write_text(text.replace("127.0.0.1:8080", f"127.0.0.1:{port}"))
    return folder / "prometheus.yml"


async def load(hub: HubProcess) -> None:
    """All that a hub is there for, for a while."""
    async with hub.client() as admin:
        channel_id = await admin.channel()
        agent_id, token = await admin.agent()
        async with hub.client(token) as agent, agent.stream() as frames:
            await agent.ok("PUT", f"/api/channels/{channel_id}/members/{agent_id}", {})
            await agent.ok("PUT", f"/api/channels/{channel_id}/typing", {"started": True})
            frames.passing = frozenset()
            seen: list[str | None] = []
            reading = asyncio.create_task(read_all(frames, seen))
            # far too late, and often: the objective burns, and everybody is told
            await agent.ok("POST", "/api/latency", {"points": {"painted": counted(POINT_EDGES_S, 14, 2000, 1500)}})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOAD_S):
                    while True:
                        await one_turn(admin, agent, channel_id)
            reading.cancel()
            assert "system.performance.alert" in seen


async def read_all(frames: Frames, seen: list[str | None]) -> None:
    while True:
        seen.append((await frames.next(60)).event)


def counted(edges_s: tuple[float, ...], place: int, count: int, sum_s: float) -> dict[str, Any]:
    return {"counts": [count if at == place else 0 for at in range(len(edges_s) + 1)], "sum": sum_s}


async def one_turn(admin: Client, agent: Client, channel_id: str) -> None:
    said = [await agent.say(channel_id, f"{number}") for number in range(10)]
    await agent.call("PUT", f"/api/messages/{said[0]['message']['id']}/reactions/👍")
    await admin.call("PUT", f"/api/channels/{channel_id}/typing", {"started": True})
    await admin.call("PUT", f"/api/channels/{channel_id}/typing", {"started": False})
    await admin.call("PUT", f"/api/channels/{channel_id}/presence", {"status": "online"})
    await admin.call("GET", f"/api/messages?channelId={channel_id}")
    points, stages = counted(POINT_EDGES_S, 3, 1, 0.009), counted(STAGE_EDGES_S, 0, 1, 0.0004)
    names = ("agent_handled", "ui_handled", "rendered", "painted")
    report = {"points": dict.fromkeys(names, points), "stages": dict.fromkeys(("handle", "render", "paint"), stages)}
    await agent.call("POST", "/api/latency", {**report, "clockErrorMs": 1})
    await asyncio.sleep(0.5)


class Prometheus:
    """Questions to a running one."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(self, path: str, **params: str) -> Any:
        async with self._session.get(f"/api/v1/{path}", params=params) as response:
            answer = await response.json()
        assert answer["status"] == "success", (params, answer)
        return answer["data"]

    async def values(self, expr: str) -> list[float]:
        found = await self.ask("query", query=expr)
        return [float(one["value"][1]) for one in found["result"]]

    async def value(self, expr: str) -> float:
        (only,) = await self.values(expr)
        return only


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prometheus(tmp_path_factory: Any) -> AsyncIterator[Prometheus]:
    """One that has watched a hub under load."""
    folder = tmp_path_factory.mktemp("prometheus")
    async with HubProcess(folder, HUB_PROBE_EVERY_S="0.5") as hub:
        config = prepared(folder / "shipped", hub.port)
        with prometheus_server(config, folder) as url:
            await load(hub)
            async with aiohttp.ClientSession(url) as session:
                yield Prometheus(session)


def queries() -> list[tuple[str, str]]:
    """Each panel's queries, the dashboard's variables filled in."""
    made = json.loads((deploy_dir() / "grafana/dashboards/openclaw-hub.json").read_text("utf-8"))
    filled = {"$__rate_interval": RATE, "$instance": ".*"}
    found = []
    for panel in made["panels"]:
        for target in panel.get("targets", ()):
            expr = target["expr"]
            for name, value in filled.items():
                expr = expr.replace(name, value)
            assert "$" not in expr, expr
            found.append((panel["title"], expr))
    return found


# one test of all of it: rates are gone soon after the load is
@pytest.mark.asyncio(loop_scope="module")
async def test_every_panel_every_rule_and_the_sum_of_the_hops(prometheus: Prometheus) -> None:
    empty = []
    for title, expr in queries():
        if not any(math.isfinite(value) for value in await prometheus.values(expr)):
            empty.append((title, expr))
    assert empty == []
    groups = (await prometheus.ask("rules"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 100
    assert [(rule["name"], rule.get("lastError")) for rule in rules if rule["health"] != "ok"] == []
    stages = "accept|store|publish|fanout"
    mean = "sum(hub_message_stage_seconds_sum{%s}) / scalar(hub_message_stage_seconds_count{stage='store'})"
    hops_s = await prometheus.value(mean % f"stage=~'{stages}'")
    fanned_out = "{point='fanned_out'}"
    whole_s = await prometheus.value(
        f"hub_message_latency_seconds_sum{fanned_out} / hub_message_latency_seconds_count{fanned_out}"
    )
    assert abs(hops_s - whole_s) <= 0.1 * whole_s
    assert await prometheus.value("scrape_samples_scraped{job='hub'}") <= 800
