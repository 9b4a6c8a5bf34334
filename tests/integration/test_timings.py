"""Timings: what clients report, the hops of one message, and what /metrics makes of both."""

import re
from typing import Any

import pytest

from server.core.reporters import REPORTS_A_MINUTE
from server.core.stats import POINT_EDGES_S, STAGE_EDGES_S
from tests.hub import Client, HubProcess


def buckets(edges_s: tuple[float, ...], place: int, count: int, sum_s: float) -> dict[str, Any]:
    return {"counts": [count if at == place else 0 for at in range(len(edges_s) + 1)], "sum": sum_s}


async def sample(client: Client, series: str) -> float:
    """One value of /metrics; 0 where it is not there yet."""
    answer = await client.call("GET", "/metrics")
    found = re.search(rf"^{re.escape(series)} (\S+)$", answer.body.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_reports_become_part_of_the_histograms(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin:
        painted = {"points": {"painted": buckets(POINT_EDGES_S, 8, 5, 0.23)}, "clockErrorMs": 1.5}
        await admin.ok("POST", "/api/latency", painted)
        lost = buckets(STAGE_EDGES_S, 14, 1, 2)
        handled = {"stages": {"handle": buckets(STAGE_EDGES_S, 1, 2, 0.0016), "paint": lost}}
        await admin.ok("POST", "/api/latency", handled)
        assert await sample(admin, 'hub_message_latency_seconds_bucket{le="0.04",point="painted"}') == 0
        assert await sample(admin, 'hub_message_latency_seconds_bucket{le="0.05",point="painted"}') == 5
        assert await sample(admin, 'hub_message_latency_seconds_sum{point="painted"}') == 0.23
        assert await sample(admin, 'hub_message_stage_seconds_count{stage="handle"}') == 2
        assert await sample(admin, 'hub_message_stage_seconds_bucket{le="1.0",stage="paint"}') == 0
        assert await sample(admin, 'hub_client_reports_total{result="taken"}') == 2
        assert await sample(admin, "hub_client_clock_error_seconds_count") == 1


async def test_what_cannot_be_is_clamped_and_what_a_wrong_clock_says_is_left_out(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin:
        await admin.ok("POST", "/api/latency", {"points": {"rendered": buckets(POINT_EDGES_S, 4, 10, 1e6)}})
        assert await sample(admin, 'hub_message_latency_seconds_sum{point="rendered"}') == pytest.approx(0.15)
        assert await sample(admin, 'hub_client_reports_total{result="clamped"}') == 1
        wrong = {"points": {"painted": buckets(POINT_EDGES_S, 0, 9, 0.01)}, "clockErrorMs": 80}
        await admin.ok("POST", "/api/latency", wrong | {"stages": {"render": buckets(STAGE_EDGES_S, 0, 1, 0.0004)}})
        assert await sample(admin, 'hub_message_latency_seconds_count{point="painted"}') == 0
        assert await sample(admin, 'hub_message_stage_seconds_count{stage="render"}') == 1
        assert await sample(admin, 'hub_client_reports_total{result="clock"}') == 1
        assert await sample(admin, 'hub_client_clock_error_seconds_bucket{le="0.05"}') == 0


@pytest.mark.parametrize(
    "body",
    [
        {"points": {"seen": buckets(POINT_EDGES_S, 0, 1, 0.001)}},
        {"points": {"stored": buckets(POINT_EDGES_S, 0, 1, 0.001)}},
        {"more": 1},
        {"points": {"painted": {"counts": [1, 2], "sum": 0.1}}},
        {"points": {"painted": buckets(POINT_EDGES_S, 0, 10_001, 0.1)}},
        {"points": {"painted": buckets(POINT_EDGES_S, 0, -1, 0.1)}},
        {"points": {"painted": buckets(POINT_EDGES_S, 0, 1, -0.1)}},
        {"points": {"painted": buckets(POINT_EDGES_S, 0, 1, 0.1) | {"max": 1}}},
        {"clockErrorMs": -1},
    ],
)
async def test_what_is_not_a_report_is_refused(shared_hub: HubProcess, body: dict[str, Any]) -> None:
    async with shared_hub.client() as admin:
        answer = await admin.call("POST", "/api/latency", body)
        assert (answer.status, answer.body["code"]) in {(422, "invalid_field"), (422, "unknown_field")}


async def test_reports_are_bounded(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        _, token = await admin.agent()
    async with shared_hub.client(token) as agent:
        statuses = [(await agent.call("POST", "/api/latency", {})).status for _ in range(REPORTS_A_MINUTE + 1)]
        assert statuses == [204] * REPORTS_A_MINUTE + [429]
        last = await agent.call("POST", "/api/latency", {})
        assert 0 < int(last.headers["Retry-After"]) <= 61


async def test_the_hops_of_a_message(shared_hub: HubProcess) -> None:
    async with shared_hub.client() as admin:
        channel_id = await admin.channel(isPrivate=True)
        async with admin.stream(f"?channels={channel_id}") as frames:
            said = await admin.say(channel_id, "how long?")
            await frames.until("channel.message")
            message_id = said["message"]["id"]
            traced = await admin.ok("GET", f"/api/messages/{message_id}/latency")
        assert (traced["id"], traced["seq"]) == (message_id, said["seq"])
        hops = traced["hops"]
        assert list(hops) == ["accepted", "stored", "published", "fanned_out"]
        assert 0 < hops["accepted"] < hops["stored"] < hops["published"]
        assert hops["stored"] < hops["fanned_out"] < 1000
        _, token = await admin.agent()
    async with shared_hub.client(token) as stranger:
        assert (await stranger.call("GET", f"/api/messages/{message_id}/latency")).status == 404


async def test_what_memory_does_not_know_is_absent(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin:
        said = await admin.say(await admin.general(), "before the restart")
    await own_hub.stop()
    await own_hub.start()
    async with own_hub.client() as admin:
        traced = await admin.ok("GET", f"/api/messages/{said['message']['id']}/latency")
        assert traced["hops"] == {}


async def test_open_streams_are_told_by_who_reads(own_hub: HubProcess) -> None:
    async with own_hub.client() as admin, admin.stream():
        assert await sample(admin, 'hub_sse_connections{client="agent"}') == 1
        assert await sample(admin, 'hub_sse_connections{client="page"}') == 0
        assert await sample(admin, "hub_sse_queue_depth_max") == 0
        assert await sample(admin, "process_resident_memory_bytes") > 10_000_000
