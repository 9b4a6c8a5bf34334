"""Recording rules and alerts as YAML; strings are JSON's, which YAML's are too."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from hubctl.observe.objectives import OBJECTIVES, Objective

WINDOWS = {
    "hub-objectives-hour": ("5m", "30m", "1h"),
    "hub-objectives-days": ("6h", "3d"),
    "hub-objectives-month": ("30d",),
}
INTERVALS = {"hub-objectives-hour": "", "hub-objectives-days": "2m", "hub-objectives-month": "10m"}
"""How often a group is evaluated where not as often as all else: long ranges are costly and move slowly."""

HEAD = "# Made by `python -m hubctl.observe`; a change belongs there.\n"


class Burn(NamedTuple):
    """An alert on a rate of burning, seen in two windows, with a guard for hours in which little happens."""

    alert: str
    factor: float
    long: str
    short: str
    severity: str
    bad_least: int


BURNS = (
    Burn("HubObjectiveBurnsFast", 14.4, "1h", "5m", "page", 5),
    Burn("HubObjectiveBurns", 6, "6h", "30m", "page", 10),
    Burn("HubObjectiveBurnsSlowly", 1, "3d", "6h", "ticket", 20),
)


class Alert(NamedTuple):
    """An alert on how the hub works. `for_` is how long it must hold."""

    alert: str
    expr: str
    for_: str
    severity: str
    summary: str


OPERATIONAL = (
    Alert("HubDown", 'up{job="hub"} == 0', "1m", "page", "the hub does not answer"),
    Alert("HubAbsent", 'absent(up{job="hub"})', "5m", "page", "no hub is scraped at all"),
    Alert("HubProbeFails", "hub_probe_success == 0", "1m", "page", "the canary's messages do not come back"),
    Alert("HubProbeSlow", "hub_probe_latency_seconds > 0.1", "5m", "ticket", "the canary waits for over 100 ms"),
    Alert(
        "HubHopSlow",
        "histogram_quantile(0.9, sum by (instance, stage, le) (rate(hub_message_stage_seconds_bucket[5m]))) > 0.02"
        " and sum by (instance, stage) (increase(hub_message_stage_seconds_count[5m])) >= 20",
        "5m",
        "ticket",
        "the hop {{ $labels.stage }} alone takes over 20 ms",
    ),
    Alert(
        "HubEventLoopLags",
        "histogram_quantile(0.9, sum by (instance, le) (rate(hub_event_loop_lag_seconds_bucket[5m]))) > 0.05",
        "10m",
        "ticket",
        "the process turns late; it has too much to do",
    ),
    Alert(
        "HubMemoryHigh",
        'process_resident_memory_bytes{job="hub"} > 400e6',
        "10m",
        "ticket",
        "the hub takes over 400 MB",
    ),
    Alert(
        "HubDescriptorsShort",
        'process_open_fds{job="hub"} / process_max_fds{job="hub"} > 0.8',
        "5m",
        "ticket",
        "open files and connections come near what the system allows",
    ),
    Alert(
        "HubCutsReaders",
        "sum by (instance) (increase(hub_sse_cuts_total[10m])) > 20",
        "0m",
        "ticket",
        "readers do not read what they are sent and are cut",
    ),
    Alert(
        "HubResumesReset",
        'sum by (instance) (increase(hub_sse_resumes_total{result!~"fresh|resumed"}[15m])) > 10',
        "0m",
        "ticket",
        "readers come back with cursors that the log cannot take up",
    ),
    Alert("HubRedisAway", "hub_redis_up == 0", "2m", "ticket", "the hub does without Redis; others hear nothing"),
    Alert(
        "HubRedisErrors",
        "sum by (instance) (increase(hub_redis_errors_total[5m])) > 20",
        "5m",
        "ticket",
        "commands to Redis fail",
    ),
    Alert("HubDiskLow", "hub_disk_free_bytes < 1e9", "5m", "ticket", "less than 1 GB is left on the hub's disk"),
    Alert("HubDiskFull", "hub_disk_free_bytes < 1e8", "1m", "page", "less than 100 MB is left; soon nothing is stored"),
    Alert("HubWalHeld", "hub_wal_bytes > 67108864", "10m", "ticket", "a reader holds the write-ahead log of SQLite"),
    Alert(
        "HubSeriesGrow",
        'scrape_samples_scraped{job="hub"} > 800',
        "5m",
        "ticket",
        "the hub shows more series than it ever should",
    ),
    Alert("HubScrapeSlow", 'scrape_duration_seconds{job="hub"} > 1', "5m", "ticket", "a scrape takes over a second"),
)


def recording() -> str:
    """The recording rules."""
    text = HEAD + "groups:\n"
    for group, windows in WINDOWS.items():
        text += f"  - name: {group}\n"
        text += f"    interval: {INTERVALS[group]}\n" if INTERVALS[group] else ""
        text += "    rules:\n"
        for window in windows:
            for objective in OBJECTIVES:
                text += "".join(_recorded(objective, window))
    return text


def _recorded(objective: Objective, window: str) -> Iterable[str]:
    labels = {"objective": objective.name}
    bad, total = (expr.replace("WINDOW", window) for expr in (objective.bad, objective.total))
    yield _rule("record", f"hub:objective_bad:increase{window}", bad, labels)
    yield _rule("record", f"hub:objective_total:increase{window}", total, labels)
    picked = f'{{objective="{objective.name}"}}'
    ratio = f"hub:objective_bad:increase{window}{picked} / (hub:objective_total:increase{window}{picked} > 0)"
    yield _rule("record", f"hub:objective_burn:ratio{window}", f"{ratio} / {objective.allowed}", labels)
    if window == "30d":
        yield _rule("record", "hub:objective_budget_left:ratio30d", f"1 - {ratio} / {objective.allowed}", labels)


def alerts() -> str:
    """The alerts."""
    text = HEAD + "groups:\n  - name: hub-burn\n    rules:\n"
    for burn in BURNS:
        summary = f"objective {{{{ $labels.objective }}}} burns its budget {burn.factor:g} times as fast as it lasts"
        guard = f"hub:objective_bad:increase{burn.long} >= {burn.bad_least}"
        both = (f"hub:objective_burn:ratio{window} > {burn.factor}" for window in (burn.long, burn.short))
        text += _rule("alert", burn.alert, " and ".join((*both, guard)), {"severity": burn.severity}, summary)
    text += "  - name: hub-operation\n    rules:\n"
    for alert in OPERATIONAL:
        text += _rule("alert", alert.alert, alert.expr, {"severity": alert.severity}, alert.summary, alert.for_)
    return text


def _rule(kind: str, name: str, expr: str, labels: dict[str, str], summary: str = "", for_: str = "") -> str:
    lines = [f"      - {kind}: {name}", f"        expr: {json.dumps(expr)}"]
    if for_:
        lines.append(f"        for: {for_}")
    if labels:
        lines.append("        labels:")
        lines.extend(f"          {label}: {json.dumps(value)}" for label, value in labels.items())
    if summary:
        lines += ["        annotations:", f"          summary: {json.dumps(summary)}"]
    return "\n".join(lines) + "\n"
