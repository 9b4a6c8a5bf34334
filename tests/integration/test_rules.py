"""The rules for Prometheus: made as they are shipped, and each alert comes when it should and stays silent at night."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hubctl.assets import deploy_dir
from hubctl.cli import main
from hubctl.observe.made import files
from hubctl.observe.objectives import OBJECTIVES
from hubctl.observe.rules import BURNS, OPERATIONAL

RULES = ("hub.rules.yml", "hub.alerts.yml")
HUB = 'instance="hub:8080", job="hub"'

# objective: the series of all that counts, and the one that grows by what is bad (or, of a histogram, by what is good)
SERIES = {
    "post": (
        f'hub_http_requests_total{{{HUB}, area="messages", method="POST", code="2xx"}}',
        f'hub_http_requests_total{{{HUB}, area="messages", method="POST", code="5xx"}}',
    ),
    "fanned_out": (
        f'hub_message_latency_seconds_count{{{HUB}, point="fanned_out"}}',
        f'hub_message_latency_seconds_bucket{{{HUB}, point="fanned_out", le="0.05"}}',
    ),
    "painted": (
        f'hub_message_latency_seconds_count{{{HUB}, point="painted"}}',
        f'hub_message_latency_seconds_bucket{{{HUB}, point="painted", le="0.1"}}',
    ),
    "signals": (
        f'hub_signal_latency_seconds_count{{{HUB}, kind="typing"}}',
        f'hub_signal_latency_seconds_bucket{{{HUB}, kind="typing", le="0.1"}}',
    ),
    "ttl": (
        f'hub_ttl_expiry_error_seconds_count{{{HUB}, kind="typing"}}',
        f'hub_ttl_expiry_error_seconds_bucket{{{HUB}, kind="typing", le="1.0"}}',
    ),
}

Json = dict[str, Any]


ALLOWED = {objective.name: objective.allowed for objective in OBJECTIVES}


def traffic(every: int, phases: list[tuple[int, float]]) -> list[Json]:
    """Series of `every` events a minute of each objective; a phase is minutes, and how many times the budget is bad."""
    return [
        {"series": name, "values": " ".join(f"{value:g}" for value in column)}
        for objective in SERIES
        for name, column in zip(SERIES[objective], columns(objective, every, phases), strict=True)
    ]


def columns(objective: str, every: int, phases: list[tuple[int, float]]) -> tuple[list[float], list[float]]:
    """What the two series of an objective count up to."""
    totals, others = [0.0], [0.0]
    for minutes, times in phases:
        bad = min(1.0, ALLOWED[objective] * times)
        for _ in range(minutes):
            totals.append(totals[-1] + (every * (1 - bad) if objective == "post" else every))
            others.append(others[-1] + (every * bad if objective == "post" else every * (1 - bad)))
    return totals, others


def run(tmp_path: Path, tests: list[Json]) -> None:
    """Let promtool judge; it takes JSON, which is YAML."""
    for name in RULES:
        shutil.copy(deploy_dir() / "prometheus" / name, tmp_path)
    file = tmp_path / "tests.yml"
    file.write_text(json.dumps({"rule_files": RULES, "evaluation_interval": "5m", "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def wants(alert: str, at: str, *, fires: bool) -> Json:
    """That the alert is there for every objective at this time, or for none."""
    burn = next(burn for burn in BURNS if burn.alert == alert)
    expected: list[Json] = []
    for objective in SERIES if fires else ():
        labels = {"instance": "hub:8080", "objective": objective, "severity": burn.severity}
        summary = f"objective {objective} burns its budget {burn.factor:g} times as fast as it lasts"
        expected.append({"exp_labels": labels, "exp_annotations": {"summary": summary}})
    return {"eval_time": at, "alertname": alert, "exp_alerts": expected}


def burning(times: float, fires: tuple[bool, bool, bool]) -> Json:
    """Three hours at this rate, and which of the three alerts are there at the end."""
    checks = [wants(burn.alert, "175m", fires=there) for burn, there in zip(BURNS, fires, strict=True)]
    return {"interval": "1m", "input_series": traffic(12_000, [(180, times)]), "alert_rule_test": checks}


@pytest.mark.parametrize(
    ("times", "fires"),
    [
        (0.5, (False, False, False)),
        (2, (False, False, True)),
        (8, (False, True, True)),
        (18, (True, True, True)),
    ],
)
def test_an_objective_is_told_as_fast_as_it_burns(tmp_path: Path, times: float, fires: tuple[bool, bool, bool]) -> None:
    run(tmp_path, [burning(times, fires)])


def test_what_is_mended_calls_nobody_any_more(tmp_path: Path) -> None:
    fast = BURNS[0].alert
    checks = [wants(fast, "55m", fires=False), wants(fast, "120m", fires=True), wants(fast, "140m", fires=False)]
    series = traffic(12_000, [(60, 0), (60, 1000), (25, 0)])
    run(tmp_path, [{"interval": "1m", "input_series": series, "alert_rule_test": checks}])


def test_quiet_hours_call_nobody(tmp_path: Path) -> None:
    # no messages at all; and three in a night, all of them bad
    checks = [wants(burn.alert, at, fires=False) for burn in BURNS for at in ("65m", "70m", "175m")]
    for every, phases in ((0, [(180, 0.0)]), (1, [(60, 0.0), (3, 1000.0)])):
        series = traffic(every, phases)
        for one in series:
            one["values"] += f" {one['values'].rsplit(' ', 1)[-1]}+0x120"
        run(tmp_path, [{"interval": "1m", "input_series": series, "alert_rule_test": checks}])


# alert: what is scraped, and when; by minute 30 each must be there, and none on the healthy hub
SICK = {
    "HubDown": [(f"up{{{HUB}}}", "0x30")],
    "HubProbeFails": [(f"hub_probe_success{{{HUB}}}", "1x10 0x20")],
    "HubProbeSlow": [(f"hub_probe_latency_seconds{{{HUB}}}", "0.3x30")],
    "HubHopSlow": [
        (f'hub_message_stage_seconds_bucket{{{HUB}, stage="store", le="0.02"}}', "0+6x30"),
        (f'hub_message_stage_seconds_bucket{{{HUB}, stage="store", le="0.03"}}', "0+60x30"),
        (f'hub_message_stage_seconds_bucket{{{HUB}, stage="store", le="+Inf"}}', "0+60x30"),
        (f'hub_message_stage_seconds_count{{{HUB}, stage="store"}}', "0+60x30"),
    ],
    "HubEventLoopLags": [
        (f'hub_event_loop_lag_seconds_bucket{{{HUB}, le="0.05"}}', "0+1x30"),
        (f'hub_event_loop_lag_seconds_bucket{{{HUB}, le="0.1"}}', "0+60x30"),
        (f'hub_event_loop_lag_seconds_bucket{{{HUB}, le="+Inf"}}', "0+60x30"),
    ],
    "HubMemoryHigh": [(f"process_resident_memory_bytes{{{HUB}}}", "450000000x30")],
    "HubDescriptorsShort": [
        (f"process_open_fds{{{HUB}}}", "900x30"),
        (f"process_max_fds{{{HUB}}}", "1000x30"),
    ],
    "HubCutsReaders": [(f'hub_sse_cuts_total{{{HUB}, reason="slow"}}', "0+5x30")],
    "HubResumesReset": [(f'hub_sse_resumes_total{{{HUB}, result="epoch"}}', "0+2x30")],
    "HubRedisAway": [(f"hub_redis_up{{{HUB}}}", "0x30")],
    "HubRedisErrors": [(f'hub_redis_errors_total{{{HUB}, command="publish"}}', "0+60x30")],
    "HubDiskLow": [(f"hub_disk_free_bytes{{{HUB}}}", "500000000x30")],
    "HubDiskFull": [(f"hub_disk_free_bytes{{{HUB}}}", "50000000x30")],
    "HubWalHeld": [(f"hub_wal_bytes{{{HUB}}}", "90000000x30")],
    "HubSeriesGrow": [(f"scrape_samples_scraped{{{HUB}}}", "900x30")],
    "HubScrapeSlow": [(f"scrape_duration_seconds{{{HUB}}}", "2x30")],
}
HEALTHY = [
    (f"up{{{HUB}}}", "1x30"),
    (f"hub_probe_success{{{HUB}}}", "1x30"),
    (f"hub_probe_latency_seconds{{{HUB}}}", "0.004x30"),
    (f'hub_message_stage_seconds_bucket{{{HUB}, stage="store", le="0.02"}}', "0+60x30"),
    (f'hub_message_stage_seconds_bucket{{{HUB}, stage="store", le="+Inf"}}', "0+60x30"),
    (f'hub_message_stage_seconds_count{{{HUB}, stage="store"}}', "0+60x30"),
    (f'hub_event_loop_lag_seconds_bucket{{{HUB}, le="0.005"}}', "0+60x30"),
    (f'hub_event_loop_lag_seconds_bucket{{{HUB}, le="+Inf"}}', "0+60x30"),
    (f"process_resident_memory_bytes{{{HUB}}}", "90000000x30"),
    (f"process_open_fds{{{HUB}}}", "90x30"),
    (f"process_max_fds{{{HUB}}}", "1000x30"),
    (f'hub_sse_cuts_total{{{HUB}, reason="slow"}}', "3x30"),
    (f'hub_sse_resumes_total{{{HUB}, result="resumed"}}', "0+40x30"),
    (f"hub_redis_up{{{HUB}}}", "1x30"),
    (f"hub_disk_free_bytes{{{HUB}}}", "50000000000x30"),
    (f"hub_wal_bytes{{{HUB}}}", "29000000x30"),
    (f"scrape_samples_scraped{{{HUB}}}", "600x30"),
    (f"scrape_duration_seconds{{{HUB}}}", "0.02x30"),
]


def test_each_operational_alert_comes_and_a_healthy_hub_has_none(tmp_path: Path) -> None:
    assert {alert.alert for alert in OPERATIONAL} == {*SICK, "HubAbsent"}
    tests: list[Json] = []
    for alert in OPERATIONAL:
        series = SICK.get(alert.alert, [])
        tests.append(case(series, [f'ALERTS{{alertname="{alert.alert}", alertstate="firing"}}'], 1))
    tests.append(case(HEALTHY, ['ALERTS{alertstate="firing"}'], 0))
    run(tmp_path, tests)


def case(series: list[tuple[str, str]], queries: list[str], count: int) -> Json:
    tested = [
        {
            "expr": f"count({query})",
            "eval_time": "28m",
            "exp_samples": [{"labels": "{}", "value": count}] if count else [],
        }
        for query in queries
    ]
    given = [{"series": name, "values": values} for name, values in series]
    return {"interval": "1m", "input_series": given, "promql_expr_test": tested}


def test_what_is_shipped_is_what_is_made() -> None:
    for name, text in files().items():
        assert (deploy_dir() / name).read_text("utf-8") == text, f"run python -m hubctl.observe: {name}"


@pytest.mark.parametrize("what", ["prometheus", "grafana"])
def test_it_is_exported(tmp_path: Path, what: str) -> None:
    done = CliRunner().invoke(main, ["export", what, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    source = deploy_dir() / what
    shipped = {path.relative_to(source): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    written = {p.relative_to(tmp_path / "out"): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert written == shipped
    if what == "prometheus":
        command = ["promtool", "check", "config", str(tmp_path / "out/prometheus.yml")]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = CliRunner().invoke(main, ["export", "grafana", "--out", str(tmp_path / "file")])
    assert done.exit_code == 1
    assert "cannot write" in done.output
