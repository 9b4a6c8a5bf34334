"""What the dashboard shows: rows of panels, each a few queries."""

from typing import NamedTuple

from hubctl.observe.objectives import OBJECTIVES

PICK = 'instance=~"$instance"'
RATE = "[$__rate_interval]"


class Query(NamedTuple):
    """A query in PromQL, and what its lines are called."""

    expr: str
    legend: str = ""


class Panel(NamedTuple):
    """A picture; `lines` are values to draw across it, by their colour."""

    title: str
    says: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    lines: tuple[tuple[str, float], ...] = ()
    stacked: bool = False


def _rate(metric: str, by: str, more: str = "") -> str:
    labels = f"{{{PICK}{', ' + more if more else ''}}}"
    return f"sum by ({by}) (rate({metric}{labels}{RATE}))"


def _quantile(share: float, metric: str, more: str = "", by: str = "") -> str:
    groups = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {_rate(f'{metric}_bucket', groups, more)})"


def _mean(metric: str, by: str) -> str:
    return f"{_rate(f'{metric}_sum', by)} / ({_rate(f'{metric}_count', by)} > 0)"


def _level(metric: str) -> str:
    return f"{metric}{{{PICK}}}"


POINT, STAGE = "hub_message_latency_seconds", "hub_message_stage_seconds"
BUDGET = (("green", 0.02), ("yellow", 0.05), ("red", 0.1))
"""With all subscribers, painted, and the limit."""


def _objectives() -> tuple[Panel, ...]:
    left = 'hub:objective_budget_left:ratio30d{objective="%s", ' + PICK + "}"
    stats = tuple(
        Panel(objective.name, objective.says, (Query(left % objective.name),), "percentunit", "stat", 4, 4)
        for objective in OBJECTIVES
    )
    burn = Panel(
        "Burning",
        "How many times faster than it lasts each budget of 30 days is used up; a page comes at 14.4",
        (Query(f"hub:objective_burn:ratio1h{{{PICK}}}", "{{objective}}"),),
        width=12,
        lines=(("yellow", 6), ("red", 14.4)),
    )
    events = Panel(
        "What counts, in an hour",
        "Events by objective; little traffic says little",
        (Query(f"hub:objective_total:increase1h{{{PICK}}}", "{{objective}}"),),
        width=6,
    )
    bad = Panel(
        "What of it was bad",
        "Events that missed their objective in the last hour",
        (Query(f"hub:objective_bad:increase1h{{{PICK}}}", "{{objective}}"),),
        width=6,
    )
    probe = Panel(
        "canary", "1 while its messages come back", (Query(_level("hub_probe_success")),), "short", "stat", 4, 4
    )
    return (*stats, probe, burn, events, bad)


def _path() -> tuple[Panel, ...]:
    mean = Panel(
        "Mean of each hop, stacked",
        "From the POST to the pixel; a hop that nobody reports is not drawn",
        (Query(_mean(STAGE, "stage"), "{{stage}}"),),
        "s",
        width=12,
        lines=BUDGET,
        stacked=True,
    )
    heat = Panel(
        "Painted",
        "When messages were painted, since their arrival",
        (Query(_rate(f"{POINT}_bucket", "le", 'point="painted"'), "{{le}}"),),
        "s",
        "heatmap",
        12,
    )
    points = tuple(
        Panel(
            f"p{share * 100:g} since arrival",
            "By point of the way",
            (Query(_quantile(share, POINT, by="point"), "{{point}}"),),
            "s",
            lines=BUDGET,
        )
        for share in (0.5, 0.95, 0.99)
    )
    return (mean, heat, *points)


def _traffic() -> tuple[Panel, ...]:
    return (
        Panel(
            "Messages",
            "By who posts",
            (Query(_rate("hub_messages_total", "source, result"), "{{source}} {{result}}"),),
            "cps",
        ),
        Panel("Open streams", "By who reads", (Query(_level("hub_sse_connections"), "{{client}}"),), stacked=True),
        Panel(
            "Sent to streams", "All readers together", (Query(_rate("hub_sse_sent_bytes_total", "instance")),), "Bps"
        ),
        Panel(
            "Requests",
            "By area and class",
            (Query(_rate("hub_http_requests_total", "area, code"), "{{area}} {{code}}"),),
            "reqps",
        ),
        Panel(
            "p99 of requests",
            "By area; open streams are left out",
            (Query(_quantile(0.99, "hub_http_request_duration_seconds", by="area"), "{{area}}"),),
            "s",
        ),
        Panel("Accounts", "With and without an open stream", (Query(_level("hub_agents"), "{{state}}"),)),
        Panel("The log", "Events a second", (Query(f"deriv({_level('hub_log_seq')}{RATE})"),), "cps"),
        Panel(
            "Foreign events",
            "What others published on Redis",
            (
                Query(_rate("hub_foreign_events_total", "result"), "{{result}}"),
                Query(_rate("hub_log_gaps_repaired_total", "instance"), "gaps repaired"),
            ),
            "cps",
        ),
        Panel(
            "How streams began",
            "Fresh, resumed, or why not",
            (
                Query(_rate("hub_sse_resumes_total", "result"), "{{result}}"),
                Query(_rate("hub_sse_cuts_total", "reason"), "cut: {{reason}}"),
            ),
            "cps",
        ),
    )


def _saturation() -> tuple[Panel, ...]:
    return (
        Panel(
            "Event loop",
            "How late it turns",
            (Query(_quantile(0.9, "hub_event_loop_lag_seconds"), "p90"),),
            "s",
            width=6,
        ),
        Panel(
            "Processor", "Cores in use", (Query(_rate("process_cpu_seconds_total", "instance", 'job="hub"')),), width=6
        ),
        Panel("Memory", "Resident", (Query(f'process_resident_memory_bytes{{job="hub", {PICK}}}'),), "bytes", width=6),
        Panel(
            "Waiting to be read",
            "The reader furthest behind",
            (Query(_level("hub_sse_queue_depth_max")),),
            "bytes",
            width=6,
        ),
        Panel(
            "Descriptors",
            "Open, and allowed",
            (
                Query(f'process_open_fds{{job="hub", {PICK}}}', "open"),
                Query(f'process_max_fds{{job="hub", {PICK}}}', "allowed"),
            ),
            width=12,
        ),
        Panel(
            "Disk",
            "What is free where the hub keeps its files, and what SQLite's write-ahead log takes",
            (Query(_level("hub_disk_free_bytes"), "free"), Query(_level("hub_wal_bytes"), "write-ahead log")),
            "bytes",
            width=12,
        ),
    )


def _redis() -> tuple[Panel, ...]:
    return (
        Panel("Redis", "1 while it takes and gives back events", (Query(_level("hub_redis_up")),), "short", "stat", 4),
        Panel(
            "p99 of commands",
            "By what they are for",
            (Query(_quantile(0.99, "hub_redis_command_duration_seconds", by="command"), "{{command}}"),),
            "s",
            width=10,
        ),
        Panel(
            "Commands",
            "Answered, and failed",
            (
                Query(_rate("hub_redis_command_duration_seconds_count", "command"), "{{command}}"),
                Query(_rate("hub_redis_errors_total", "command"), "failed: {{command}}"),
            ),
            "ops",
            width=10,
        ),
        Panel(
            "Presence and typing",
            "p99 from arrival to the readers",
            (Query(_quantile(0.99, "hub_signal_latency_seconds", by="kind"), "{{kind}}"),),
            "s",
            width=12,
            lines=(("red", 0.1),),
        ),
        Panel(
            "Running out",
            "p99 of how far from its time",
            (Query(_quantile(0.99, "hub_ttl_expiry_error_seconds", by="kind"), "{{kind}}"),),
            "s",
            width=12,
            lines=(("red", 1.0),),
        ),
    )


def _clients() -> tuple[Panel, ...]:
    return (
        Panel(
            "p95 of handling, rendering, painting",
            "As clients report it",
            (Query(_quantile(0.95, STAGE, 'stage=~"handle|render|paint"', "stage"), "{{stage}}"),),
            "s",
        ),
        Panel(
            "Reports",
            "By what became of them",
            (Query(_rate("hub_client_reports_total", "result"), "{{result}}"),),
            "cps",
        ),
        Panel(
            "Clocks",
            "p95 of how far off they may be",
            (Query(_quantile(0.95, "hub_client_clock_error_seconds")),),
            "s",
            lines=(("red", 0.005),),
        ),
    )


def _cost() -> tuple[Panel, ...]:
    scraped = f'{{job="hub", {PICK}}}'
    return (
        Panel(
            "Series",
            "At most 800, whatever the load",
            (Query(f"scrape_samples_scraped{scraped}"),),
            lines=(("red", 800),),
        ),
        Panel("Time of a scrape", "As Prometheus sees it", (Query(f"scrape_duration_seconds{scraped}"),), "s"),
        Panel(
            "Canary",
            "From its POST to its stream",
            (Query(_level("hub_probe_latency_seconds")),),
            "s",
            lines=(("red", 0.1),),
        ),
        Panel("Version", "What runs", (Query(_level("hub_build_info"), "{{version}}"),), "short", "stat", 24, 3),
    )


ROWS = (
    ("Objectives and what is left of their budget over 30 days", _objectives()),
    ("The way of a message", _path()),
    ("Traffic", _traffic()),
    ("Saturation", _saturation()),
    ("Redis and what runs out", _redis()),
    ("Clients", _clients()),
    ("The cost of looking", _cost()),
)
