"""Which firewall is active, and the one command that opens the hub's port in it. Nothing is changed here."""

import re

from hubctl.host import Host

_CLOSED = re.compile(
    r"^table (?P<table>\S+ \S+) \{\n(?:(?!^table ).*\n)*?\tchain (?P<chain>\S+) \{\n"
    r"\t\ttype filter hook input [^\n]*policy drop",
    re.MULTILINE,
)
"""nftables: a chain that drops what comes in unless a rule lets it pass."""


def opening(host: Host, port: int) -> str:
    """The command for the firewall that is found active and keeps the port closed; empty for none."""
    ufw = host.run("ufw", "status")
    if ufw.code == 0 and "Status: active" in ufw.out:
        return "" if f"{port}/tcp" in ufw.out else f"sudo ufw allow {port}/tcp"
    if host.run("firewall-cmd", "--state").out.strip() == "running":
        opened = host.run("firewall-cmd", "--list-ports").out.split()
        command = f"sudo firewall-cmd --permanent --add-port={port}/tcp && sudo firewall-cmd --reload"
        return "" if f"{port}/tcp" in opened else command
    rules = host.run("nft", "list", "ruleset").out
    closed = _CLOSED.search(rules)
    if closed is None or re.search(rf"dport (?:{port}|{{[^}}]*\b{port}\b[^}}]*}}).* accept", rules):
        return ""
    return f"sudo nft insert rule {closed['table']} {closed['chain']} tcp dport {port} accept"
