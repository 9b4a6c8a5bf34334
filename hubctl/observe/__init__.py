"""What Prometheus and Grafana are told about a hub; `python -m hubctl.observe` writes it to deploy/."""
