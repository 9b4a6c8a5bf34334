"""The dashboard as Grafana's JSON, laid out from left to right."""

from typing import Any

from hubctl.observe.panels import ROWS, Panel

WIDTH = 24
SOURCE = {"type": "prometheus", "uid": "${source}"}

Json = dict[str, Any]


def dashboard() -> Json:
    """The whole dashboard."""
    panels: list[Json] = []
    y = 0
    for title, row in ROWS:
        panels.append({"type": "row", "title": title, "collapsed": False, "panels": [], "id": len(panels) + 1})
        panels[-1]["gridPos"] = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        y = _lay(row, y + 1, panels)
    return {
        "uid": "openclaw-hub",
        "title": "OpenClaw Hub",
        "tags": ["openclaw-hub"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "panels": panels,
    }


def _variables() -> list[Json]:
    source = {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source", "hide": 0}
    instance = {
        "name": "instance",
        "type": "query",
        "label": "Hub",
        "datasource": SOURCE,
        "query": {"query": "label_values(hub_build_info, instance)", "refId": "instance"},
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }
    return [source, instance]


def _lay(row: tuple[Panel, ...], y: int, panels: list[Json]) -> int:
    """Add a row's panels beside and below each other; returns where the next row begins."""
    x = tallest = 0
    for panel in row:
        if x + panel.width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        panels.append({**_drawn(panel), "id": len(panels) + 1, "gridPos": place})
        x, tallest = x + panel.width, max(tallest, panel.height)
    return y + tallest


def _drawn(panel: Panel) -> Json:
    targets = [
        {
            "refId": chr(ord("A") + place),
            "expr": query.expr,
            "legendFormat": query.legend or "__auto",
            "datasource": SOURCE,
            "range": panel.kind != "stat",
            "instant": panel.kind == "stat",
            **({"format": "heatmap"} if panel.kind == "heatmap" else {}),
        }
        for place, query in enumerate(panel.queries)
    ]
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _defaults(panel: Panel) -> Json:
    defaults: Json = {"unit": panel.unit}
    if panel.unit == "percentunit":
        steps = [{"color": "red", "value": None}, {"color": "yellow", "value": 0.1}, {"color": "green", "value": 0.5}]
        return {**defaults, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        drawn: Json = {"fillOpacity": 60 if panel.stacked else 8, "lineWidth": 1, "showPoints": "never"}
        drawn["stacking"] = {"mode": "normal" if panel.stacked else "none", "group": "A"}
        if panel.lines:
            drawn["thresholdsStyle"] = {"mode": "line"}
        defaults |= {"custom": drawn, "min": 0}
    if panel.lines:
        steps = [{"color": "transparent", "value": None}]
        steps += [{"color": colour, "value": value} for colour, value in panel.lines]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    return defaults


def _options(panel: Panel) -> Json:
    if panel.kind == "heatmap":
        return {"calculate": False, "yAxis": {"unit": panel.unit}, "color": {"mode": "scheme", "scheme": "Turbo"}}
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "graphMode": "area"}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
