"""GET /api/health: what the hub says of itself, and that it outlives a restart."""

import sqlite3

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
        assert points["painted"] == {"point": "painted", "budgetMs": 50, "count": 0}
        stages = {one["stage"]: one for one in after["stages"]}
        assert list(stages) == ["accept", "store", "publish", "fanout", "handle", "render", "paint"]
        assert stages["store"]["meanMs"] <= points["stored"]["meanMs"]


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
