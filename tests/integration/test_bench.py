"""`hubctl bench` on a real hub: it measures, it judges, and it leaves nothing behind."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from tests.hub import ROOT, HubProcess

TINY = ("--agents", "3", "--rate", "40", "--seconds", "1", "--ramp", "0")
BURST = 200


async def bench(hub: HubProcess, *arguments: str, token: str | None = None) -> asyncio.subprocess.Process:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HUB_")} | {
        "HUB_URL": hub.url,
        "HUB_TOKEN": token or hub.admin_token,
        "PYTHONPATH": str(ROOT),
    }
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "hubctl", "bench", *arguments)
    return await asyncio.create_subprocess_exec(*command, env=environ, stdout=pipe, stderr=pipe)


async def traces(hub: HubProcess) -> list[str]:
    """What a bench has made and not removed."""
    async with hub.client() as admin:
        agents = (await admin.ok("GET", "/api/agents"))["agents"]
        channels = (await admin.ok("GET", "/api/channels"))["channels"]
    names = [agent["id"] for agent in agents] + [channel["name"] for channel in channels]
    return [name for name in names if name.startswith("bench-")]


async def test_a_bench_measures_judges_and_cleans_up(own_hub: HubProcess, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    process = await bench(own_hub, *TINY, "--burst", str(BURST), "--json", "--report", str(report))
    out, err = await process.communicate()
    found = json.loads(out)
    assert found["answered"] == 40 + BURST, err
    assert found["burst"]["post"]["count"] == BURST
    assert {hop for hop, (_, count) in found["hops"].items() if count == 40} == {"stored", "published", "fanned_out"}
    assert (found["lost"], found["twice"], found["refused"]) == (0, 0, 0)
    assert found["delivery"]["count"] == 120
    assert found["presence"]["count"] > 0
    assert found["typing"]["count"] > 0
    assert found["residentBytes"] > 10_000_000
    assert {line["what"] for line in found["verdict"]} >= {"delivery p50", "memory", "TTL accuracy", "lost", "twice"}
    missed = [line for line in found["verdict"] if line["reached"] is False]
    assert process.returncode == int(bool(missed))
    assert "<svg" in report.read_text("utf-8")
    assert await traces(own_hub) == []


async def test_a_bench_that_is_broken_off_cleans_up_too(own_hub: HubProcess) -> None:
    for how in (signal.SIGINT, signal.SIGTERM):
        process = await bench(own_hub, "--agents", "3", "--seconds", "600")
        async with asyncio.timeout(30):
            while len(await traces(own_hub)) < 4:
                await asyncio.sleep(0.05)
        process.send_signal(how)
        _, err = await process.communicate()
        assert process.returncode == 1, err
        assert await traces(own_hub) == []


async def test_a_bench_takes_an_admin(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin:
        _, token = await admin.agent()
    process = await bench(own_hub, *TINY, token=token)
    _, err = await process.communicate()
    assert process.returncode == 1
    assert b"admin" in err


async def test_a_hub_with_too_few_seats_is_told_of(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_STREAMS_TOTAL="2") as crowded:
        process = await bench(crowded, *TINY)
        _, err = await process.communicate()
        assert process.returncode == 1
        assert b"429" in err
        assert await traces(crowded) == []
