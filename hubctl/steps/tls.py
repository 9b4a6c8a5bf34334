"""The hub's certificate: from a private authority on this machine, or given by its owner."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from hubctl import certificates
from hubctl.certificates import Pair, Unusable
from hubctl.host import Host
from hubctl.installed import AUTHORITY_CERT, AUTHORITY_KEY, HUB_CERT, HUB_KEY
from hubctl.receipt import Receipt
from hubctl.step import OK, Described, Verdict, drifted, mind, missing, unfit
from hubctl.steps.files import owner_and_mode
from hubctl.steps.machine import Looked

COMING_AND_GOING = ("docker", "br-", "veth", "virbr", "cni", "podman", "lxc", "lxd")
"""Interfaces of containers: their addresses are nobody's to call the hub by."""

SOON = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class AuthorityStep(Described):
    """A private authority that may vouch for the hub's names lies on the machine, for root alone."""

    names: tuple[str, ...]

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Compare what it is, what it may vouch for, and whose it is."""
        pair = _pair(host, AUTHORITY_CERT, AUTHORITY_KEY)
        if pair is None:
            return missing("there is none yet")
        if wrong := _useless(pair, own_names(host, self.names), _now(host)):
            return drifted(f"{wrong}; devices have to trust the new one that setup makes")
        return _private(host, AUTHORITY_CERT, AUTHORITY_KEY)

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Make one, or give what is there back to root."""
        pair = _pair(host, AUTHORITY_CERT, AUTHORITY_KEY)
        if pair is None or _useless(pair, own_names(host, self.names), _now(host)):
            names = [*own_names(host, self.names), *(one for one in addresses(host) if ip_address(one).version == 4)]
            pair = certificates.make_authority(f"OpenClaw Hub on {_called(host)}", names, _now(host))
        _put(host, receipt, pair, (AUTHORITY_CERT, AUTHORITY_KEY))

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove it."""
        _remove(host, receipt, (AUTHORITY_CERT, AUTHORITY_KEY))


@dataclass(frozen=True, kw_only=True)
class CertificateStep(Described):
    """A certificate of that authority covers the machine's names and addresses, and will for weeks."""

    names: tuple[str, ...]

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Compare signature, names and time."""
        pair = _pair(host, HUB_CERT, HUB_KEY)
        if pair is None:
            return missing("there is none yet")
        try:
            self._judge(host, pair)
        except Unusable as unusable:
            return drifted(str(unusable))
        return _private(host, HUB_CERT, HUB_KEY)

    def _judge(self, host: Host, pair: Pair) -> None:
        certificates.check(pair, _now(host), left=certificates.RENEWED_BEFORE)
        authority = host.read(AUTHORITY_CERT) or b""
        certificates.check_signed(authority, pair.cert)
        lacking = [name for name in self._wanted(host) if not certificates.is_for(pair.cert, name)]
        if lacking:
            raise Unusable(f"it does not cover {', '.join(lacking)}")

    def _wanted(self, host: Host) -> list[str]:
        authority = host.read(AUTHORITY_CERT) or b""
        wanted = [*own_names(host, self.names), *addresses(host)]
        return [name for name in wanted if certificates.may_vouch(authority, name)]

    def apply(self, host: Host, receipt: Receipt) -> None:
        """Make one, or give what is there back to root."""
        pair = _pair(host, HUB_CERT, HUB_KEY)
        try:
            if pair is None:
                raise Unusable("there is none")
            self._judge(host, pair)
        except Unusable:
            authority = Pair(host.read(AUTHORITY_CERT) or b"", host.read(AUTHORITY_KEY) or b"")
            pair = certificates.make_certificate(authority, self._wanted(host), _now(host))
        _put(host, receipt, pair, (HUB_CERT, HUB_KEY))

    def undo(self, host: Host, receipt: Receipt) -> None:
        """Remove it."""
        _remove(host, receipt, (HUB_CERT, HUB_KEY))


@dataclass(frozen=True, kw_only=True)
class GivenCertificateStep(Looked):
    """The owner's certificate and key serve. They are the owner's to renew, and are read where they lie."""

    cert: str
    private: str
    names: tuple[str, ...]

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """Name what does not do, and what will not for long."""
        pieces = [(path, host.content(path)) for path in (self.cert, self.private)]
        absent = [path for path, content in pieces if content is None]
        if absent:
            return unfit(f"{absent[0]} cannot be read")
        pair = Pair(pieces[0][1] or b"", pieces[1][1] or b"")
        try:
            certificates.check(pair, _now(host))
        except Unusable as unusable:
            return unfit(f"{self.cert}: {unusable}")
        lacking = [name for name in self.names if not certificates.is_for(pair.cert, name)]
        if lacking:
            return mind(f"{self.cert} does not cover {', '.join(lacking)}: who calls the hub so will be warned")
        status = host.path(self.private).stat()
        if status.st_mode & 0o004:
            return mind(f"{self.private} can be read by every user of this machine")
        try:
            certificates.check(pair, _now(host), left=SOON)
        except Unusable as unusable:
            return mind(f"{self.cert}: {unusable}")
        return OK


def own_names(host: Host, further: Sequence[str]) -> list[str]:
    """What people call this machine, the names from the settings included."""
    name = _called(host)
    return list(dict.fromkeys([name, f"{name}.local", "localhost", "127.0.0.1", "::1", *further]))


def addresses(host: Host) -> list[str]:
    """The addresses at which others reach it, those that change by themselves left out."""
    shown = host.run("ip", "-json", "address", "show", "scope", "global").out
    links = json.loads(shown) if shown.strip() else []
    return [
        str(one["local"])
        for link in links
        if not str(link.get("ifname", "")).startswith(COMING_AND_GOING)
        for one in link.get("addr_info", [])
        if "local" in one and not one.get("temporary") and not one.get("deprecated")
    ]


def _called(host: Host) -> str:
    named = (host.read("/etc/hostname") or b"").decode("utf-8", "replace").strip().lower()
    return named.partition(".")[0] or "openclaw-hub"


def _now(host: Host) -> datetime:
    """The machine's own clock."""
    shown = host.run("date", "+%s").out.strip()
    return datetime.fromtimestamp(int(shown), UTC) if shown.isdigit() else datetime.now(UTC)


def _useless(authority: Pair, names: list[str], now: datetime) -> str:
    """Why it cannot go on."""
    try:
        certificates.check(authority, now, left=certificates.LASTS)
        foreign = [name for name in names if not certificates.may_vouch(authority.cert, name)]
    except Unusable as unusable:
        return str(unusable)
    return f"it may not vouch for {', '.join(foreign)}" if foreign else ""


def _pair(host: Host, cert: str, key: str) -> Pair | None:
    pieces = host.read(cert), host.read(key)
    return None if pieces[0] is None or pieces[1] is None else Pair(pieces[0], pieces[1])


def _private(host: Host, *paths: str) -> Verdict:
    verdicts = [owner_and_mode(host, path, 0o600) for path in paths]
    return next((verdict for verdict in verdicts if verdict != OK), OK)


def _put(host: Host, receipt: Receipt, pair: Pair, paths: tuple[str, str]) -> None:
    for path, content in zip(paths, (pair.cert, pair.key), strict=True):
        receipt.add("file", path)
        host.write(path, content, 0o600)


def _remove(host: Host, receipt: Receipt, paths: tuple[str, str]) -> None:
    for path in paths:
        if receipt.word("file", path) is not None:
            host.remove(path)
            receipt.drop("file", path)
