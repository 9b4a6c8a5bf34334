"""The steps by which a Prometheus and a Grafana that are installed here show the hub, if their owner wants that."""

from hubctl.assets import deploy_dir
from hubctl.observed import GRAFANA, PROMETHEUS
from hubctl.steps.announcing import BROUGHT, PACKAGE, LocalNameStep
from hubctl.steps.files import FileStep
from hubctl.steps.observing import PrometheusStep
from hubctl.wanted import Chosen, Installation

RULES = "/etc/prometheus/openclaw-hub"
DASHBOARDS = "/var/lib/grafana/dashboards/openclaw-hub"
RESTART = ("systemctl", "try-restart", "grafana-server.service")


def monitoring(wanted: Installation) -> list[Chosen]:
    """Files and a block for Prometheus, files for Grafana; only where these are, and only if chosen."""
    scrapes = wanted.answers.monitoring and PROMETHEUS in wanted.observers
    shows = wanted.answers.monitoring and GRAFANA in wanted.observers
    return [
        *(
            Chosen(scrapes, ("file", path), _file(f"prometheus-{name}", path, f"prometheus/hub.{name}.yml", ()))
            for name in ("rules", "alerts")
            for path in [f"{RULES}/hub.{name}.yml"]
        ),
        Chosen(scrapes, ("block", PROMETHEUS), _prometheus(wanted)),
        *(
            Chosen(shows, ("file", path), _file(f"grafana-{key}", path, f"grafana/{source}", RESTART))
            for key, path, source in (
                ("dashboard", f"{DASHBOARDS}/openclaw-hub.json", "dashboards/openclaw-hub.json"),
                ("provider", f"{GRAFANA}/dashboards/openclaw-hub.yml", "provisioning/dashboards/openclaw-hub.yml"),
                ("source", f"{GRAFANA}/datasources/openclaw-hub.yml", "provisioning/datasources/openclaw-hub.yml"),
            )
        ),
    ]


def _file(key: str, path: str, source: str, then: tuple[str, ...]) -> FileStep:
    return FileStep(
        key=key,
        name=f"{path} is this version's",
        hint="Run setup again, or --no-monitoring takes it back.",
        path=path,
        text=lambda _host, _receipt: (deploy_dir() / source).read_text("utf-8"),
        then=then,
    )


def _prometheus(wanted: Installation) -> PrometheusStep:
    answers = wanted.answers
    target = wanted.url.partition("://")[2]
    # Prometheus may not read the certificate; it asks on this machine alone.
    tls = "  scheme: https\n  tls_config:\n    insecure_skip_verify: true\n" if wanted.certificate else ""
    job = f'- job_name: hub\n{tls}  sample_limit: 2000\n  static_configs:\n    - targets: ["{target}"]\n'
    return PrometheusStep(
        key="prometheus",
        name=f"Prometheus watches the hub on port {answers.port}",
        hint="See `promtool check config` and journalctl -u prometheus.",
        items={"rule_files": f"- {RULES}/hub.*.yml\n", "scrape_configs": job},
    )


def announcing(wanted: Installation) -> Chosen:
    """The machine's name in the local network."""
    step = LocalNameStep(
        key="local-name",
        name="this machine is announced in its network by its name and .local",
        hint="systemctl status avahi-daemon says what it lacks.",
    )
    return Chosen(wanted.answers.local_name, (BROUGHT, PACKAGE), step)
