"""The page of metrics: within its bounds at the worst, clean, and documented as it is."""

import re
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest

from hubctl.observe.made import files
from server.core.levels import CLIENTS, Levels
from server.core.stats import HTTP_EDGES_S, REDIS_EDGES_S, Histogram, Stats
from server.metrics import HubMetrics
from server.web.routes import ROUTES

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("limit", "publish", "channel", "delete", "look", "page", "presence", "typing")
SERIES_MOST = 800
BYTES_MOST = 64 * 1024
MANY = 987_654_321


def busiest() -> Stats:
    """Everything counted under every label that there can be, and often."""
    stats = Stats()
    areas = {place.area for _, _, _, place in ROUTES}
    methods = {(place.area, method) for method, _, _, place in ROUTES} | {(area, "HEAD") for area in areas}
    for (area, method), code in product(sorted(methods), ("2xx", "4xx", "5xx")):
        stats.requests[area, method, code] = MANY
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "other"):
        stats.requests["other", method, "4xx"] = MANY
    stats.request_s = {area: Histogram(HTTP_EDGES_S) for area in (*areas, "other")}
    stats.redis_s = {command: Histogram(REDIS_EDGES_S) for command in COMMANDS}
    for command in COMMANDS:
        stats.redis_errors[command] = MANY
    for source, result in product(("agent", "human", "bridge"), ("stored", "repeated")):
        stats.messages[source, result] = MANY
    for reason in ("delivered", "too_large", "malformed", "state", "seq", "unknown", "flood"):
        stats.foreign[reason] = MANY
    for result in ("taken", "clamped", "clock", "limited"):
        stats.client_reports[result] = MANY
    stats.cuts.update(slow=MANY, stalled=MANY)
    stats.resumes.update(fresh=MANY, resumed=MANY, epoch=MANY, ahead=MANY, retention=MANY)
    stats.probe_success, stats.probe_latency_s = True, 0.012345678
    hops = (stats.accepted, stats.stored, stats.published, stats.fanned_out)
    several = [stats.client_points, stats.client_stages, stats.request_s, stats.redis_s, stats.signal_s]
    histograms = [histogram for group in (*several, stats.expiry_error_s) for histogram in group.values()]
    histograms += [histogram for hop in hops for histogram in (hop.point, hop.stage)]
    for histogram in (*histograms, stats.loop_lag, stats.client_clock_error):
        histogram.merge([MANY] * len(histogram.counts), MANY / 3)
    return stats


def page() -> str:
    levels = Levels(MANY, dict.fromkeys(CLIENTS, 2048), 1 << 20, {"connected": 2048, "disconnected": 2048}, MANY)
    return HubMetrics(busiest(), lambda: levels, ROOT).text().decode()


@pytest.fixture(scope="module")
def text() -> str:
    return page()


def families(text: str) -> dict[str, str]:
    """The names as they are queried, and their types."""
    found = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    return dict(found)


def test_the_page_stays_within_its_bounds(text: str) -> None:
    series = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(series) <= SERIES_MOST
    assert len(text) <= BYTES_MOST
    assert "_created" not in text


def test_promtool_has_nothing_to_say(text: str) -> None:
    assert shutil.which("promtool"), "promtool is missing: install prometheus"
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_each_metric_is_documented_with_its_type_and_labels(text: str) -> None:
    document = (ROOT / "docs/metrics.md").read_text("utf-8")
    rows = re.findall(r"^\| `(hub_\w+)` \| (\w+) \| ([^|]*)\|", document, re.MULTILINE)
    shown = {name: (kind, set(re.findall(r"`(\w+)`", cell.split(":")[0]))) for name, kind, cell in rows}
    real = {name: (kind, labels_of(text, name)) for name, kind in families(text).items() if name.startswith("hub_")}
    assert shown == real
    process = {name for name in families(text) if name.startswith("process_")}
    assert process == set(re.findall(r"`(process_\w+)`", document))


def labels_of(text: str, name: str) -> set[str]:
    found = re.findall(rf"^{name}(?:_bucket|_sum|_count)?\{{([^}}]*)\}}", text, re.MULTILINE)
    return {label for labels in found for label in re.findall(r"(\w+)=", labels)} - {"le"}


def test_dashboard_and_rules_name_what_there_is(text: str) -> None:
    made = {name: content.replace('\\"', '"') for name, content in files().items()}
    histograms = {name for name, kind in families(text).items() if kind == "histogram"}
    real = set(families(text)) | {f"{name}_{end}" for name in histograms for end in ("bucket", "sum", "count")}
    for name, content in made.items():
        named = set(re.findall(r"\b(?:hub|process)_[a-z_]+\b", content))
        assert named <= real, name
    drawn = made["grafana/dashboards/openclaw-hub.json"]
    assert {name for name in families(text) if name.startswith("hub_") and name not in drawn} == set()
