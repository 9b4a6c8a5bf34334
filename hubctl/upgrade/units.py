"""The hub's units: what a newer version brought along goes with it, since an older one does not know it."""

from collections.abc import Collection

from hubctl.host import Host
from hubctl.installed import UNITS
from hubctl.receipt import Receipt

ENDINGS = (".service", ".timer", ".socket", ".path")


def ours(host: Host) -> tuple[str, ...]:
    """Every unit of the hub on this machine."""
    return tuple(name for name in host.names(UNITS) if name.startswith("openclaw-hub") and name.endswith(ENDINGS))


def leave_only(host: Host, stays: Collection[str]) -> None:
    """Stop and remove the hub's other units; one that the version before has too, it makes again."""
    receipt = Receipt(host)
    for name in ours(host):
        if name not in stays:
            host.run("systemctl", "disable", "--now", name)
            host.remove(f"{UNITS}/{name}")
            receipt.drop("started", name)
            receipt.drop("file", f"{UNITS}/{name}")
    host.run("systemctl", "daemon-reload")
