"""Whether a Prometheus or a Grafana is installed on this machine, where its packages put it."""

from hubctl.host import Host

PROMETHEUS = "/etc/prometheus/prometheus.yml"
GRAFANA = "/etc/grafana/provisioning"


def observers(host: Host) -> frozenset[str]:
    """Those of the two that are there."""
    return frozenset(path for path in (PROMETHEUS, GRAFANA) if host.status(path) is not None)
