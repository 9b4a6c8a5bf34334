"""The files that are made, by their place in deploy/."""

import json

from hubctl.observe.dashboard import dashboard
from hubctl.observe.rules import alerts, recording


def files() -> dict[str, str]:
    """Names and contents."""
    return {
        "prometheus/hub.rules.yml": recording(),
        "prometheus/hub.alerts.yml": alerts(),
        "grafana/dashboards/openclaw-hub.json": json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n",
    }
