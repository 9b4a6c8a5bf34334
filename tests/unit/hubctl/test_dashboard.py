"""The dashboard as Grafana's own types see it: nothing in it is unknown to them, or other than they have it."""

import json
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from hubctl.assets import deploy_dir


def lost(ours: Any, theirs: Any, place: str = "") -> Iterator[str]:
    """Where what comes back is not what went in; what they add by themselves is no matter."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from lost(value, theirs.get(key), f"{place}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for at, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(one, other, f"{place}[{at}]")
    elif ours != theirs:
        yield f"{place}: {ours!r} became {theirs!r}"


def through_their_types(dashboard: Any) -> Any:
    """Read as a Grafana dashboard and written again."""
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))


def test_grafanas_types_know_all_of_the_dashboard() -> None:
    made = json.loads((deploy_dir() / "grafana/dashboards/openclaw-hub.json").read_text("utf-8"))
    assert len(made["panels"]) > 30
    assert list(lost(made, through_their_types(made))) == []


def test_what_they_do_not_know_would_be_found() -> None:
    made = json.loads((deploy_dir() / "grafana/dashboards/openclaw-hub.json").read_text("utf-8"))
    panel = next(panel for panel in made["panels"] if panel["type"] == "timeseries")
    panel["options"]["legend"]["displaymode"] = "list"
    panel["heigth"] = 7
    found = list(lost(made, through_their_types(made)))
    assert [word.partition(":")[0].rpartition(".")[2] for word in found] == ["displaymode", "heigth"]
