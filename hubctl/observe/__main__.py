"""Writes what deploy/ holds for Prometheus and Grafana anew."""

from hubctl.assets import deploy_dir
from hubctl.observe.made import files

for name, text in files().items():
    path = deploy_dir() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    print(f"wrote {name}")
