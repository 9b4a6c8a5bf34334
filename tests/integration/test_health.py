"""GET /api/health: what the hub says of itself, and that it outlives a restart."""

import asyncio
import sqlite3
from pathlib import Path

from server.core.stats import POINT_EDGES_S
from tests.hub import HubProcess


async def test_how_well_it_does(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin:
        before = await admin.ok("GET", "/api/health")
        assert [one["name"] for one in before["objectives"]] == ["post", "fanned_out", "painted", "signals", "ttl"]
        assert all("share" not in one and "sentence" not in one for one in before["objectives"])
        general = await admin.general()
        for number in range(5):
            await admin.say(general, str(number))
        after = await admin.ok("GET", "/api/health")
        points = {one["point"]: one for one in after["points"]}
        assert points["stored"]["count"] == 5
        assert points["stored"]["budgetMs"] == 5
        assert 0 < points["stored"]["meanMs"] < 1000
        assert sum(points["stored"]["counts"]) == 5
        assert after["edgesMs"] == [edge_s * 1000 for edge_s in POINT_EDGES_S]
        nothing = [0] * (len(POINT_EDGES_S) + 1)
        assert points["painted"] == {"point": "painted", "budgetMs": 50, "count": 0, "counts": nothing}
        stages = {one["stage"]: one for one in after["stages"]}
        assert list(stages) == ["accept", "store", "publish", "fanout", "handle", "render", "paint"]
        assert stages["store"]["meanMs"] <= points["stored"]["meanMs"]


async def test_parts_and_numbers(tmp_path: Path) -> None:
    async with HubProcess(tmp_path, HUB_PROBE_EVERY_S="0.2") as hub, hub.client() as admin, admin.stream():
        async with asyncio.timeout(15):
            while "probeMs" not in (health := await admin.ok("GET", "/api/health")):
                await asyncio.sleep(0.05)
        assert health["parts"] == {"database": "ok", "redis": "ok", "disk": "ok", "canary": "ok"}
        assert health["streams"] >= 1
        assert health["residentBytes"] > 10_000_000
        assert health["diskFreeBytes"] > 1_000_000_000
        assert abs(health["startedAt"] - (await admin.ok("GET", "/api/time"))["time"]) < 60_000
        assert health["alerts"] == []
        assert (await admin.ok("GET", "/readyz"))["parts"] == health["parts"]


async def test_what_it_runs_with_is_told_without_passwords(tmp_path: Path, redis_url: str) -> None:
    with_password = redis_url.replace("unix://", "unix://default:s3cret@") + "?password=s3cret"
    async with HubProcess(tmp_path, HUB_REDIS_URL=with_password) as hub, hub.client() as admin:
        settings = await admin.ok("GET", "/api/settings")
        assert settings["limits"]["message"] == 10
        assert settings["server"]["port"] == hub.port
        assert "s3cret" not in str(settings)
        assert settings["redis"]["url"].startswith("unix://default:***@")
    assert "s3cret" not in hub.log_text


async def test_the_budget_outlives_a_restart(own_hub: HubProcess) -> None:
    counts = [990, *[0] * 9, 2, *[0] * (len(POINT_EDGES_S) - 11), 8]
    async with own_hub.client() as admin:
        await admin.ok("POST", "/api/latency", {"points": {"painted": {"counts": counts, "sum": 30.0}}})
    await own_hub.stop()
    with sqlite3.connect(own_hub.data_dir / "hub.db") as database:
        kept = database.execute("SELECT objective, bad, total FROM objectives ORDER BY objective").fetchall()
    database.close()
    assert ("painted", 8, 1000) in kept
    await own_hub.start()
    async with own_hub.client() as admin:
        standing = (await admin.ok("GET", "/api/health"))["objectives"]
    (painted,) = (one for one in standing if one["name"] == "painted")
    assert (painted["bad"], painted["total"], painted["goal"], painted["burning"]) == (8, 1000, 0.95, False)
    assert abs(painted["share"] - 0.992) < 1e-9
    assert abs(painted["budgetLeft"] - 0.84) < 1e-9
    assert painted["sentence"] == "99.2% of messages were painted within 100 ms this week"
