"""TLS on an installed machine: the authority, its certificate and its renewal, and a certificate that was given."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hubctl import certificates
from hubctl.answers import Answers
from hubctl.commands.answering import wanted
from hubctl.commands.appliance import renewal
from hubctl.engine import Stopped, amiss, look, setup, to_mind
from hubctl.installed import AUTHORITY_CERT, AUTHORITY_KEY, DROP_IN, HUB_CERT, HUB_KEY, HUB_UNIT
from hubctl.step import State
from tests.unit.hubctl.fake_machine import Machine

OWN = Answers(tls="self", allowed_hosts=("hub.example",))
DAY_S = 86_400


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "machine")
    (machine.root / "etc/hostname").write_text("pi\n")
    return machine


def build(machine: Machine, answers: Answers | None = None) -> int:
    return setup(machine.recipe(answers), machine.host, machine.receipt, adopt=(), say=lambda _step, _words: None)


def wrong(machine: Machine, answers: Answers | None = None) -> dict[str, str]:
    findings = look(machine.recipe(answers), machine.host, machine.receipt)
    return {step.key: verdict.words for step, verdict in amiss(findings)}


def test_the_certificate_covers_what_the_machine_is_called(machine: Machine) -> None:
    build(machine, OWN)
    cert = machine.host.read(HUB_CERT) or b""
    names = certificates.names_of(cert)
    assert names == {"pi", "pi.local", "localhost", "127.0.0.1", "::1", "hub.example", "192.168.1.7"}
    certificates.check_signed(machine.host.read(AUTHORITY_CERT) or b"", cert)
    loaded = (machine.host.read(DROP_IN) or b"").decode()
    assert f"LoadCredential=tls.key:{HUB_KEY}\n" in loaded
    assert AUTHORITY_KEY not in loaded


def test_a_certificate_that_ends_soon_is_renewed_by_the_same_authority(machine: Machine) -> None:
    build(machine, OWN)
    authority, cert = machine.host.read(AUTHORITY_CERT), machine.host.read(HUB_CERT)
    machine.clock_s += 340 * DAY_S
    assert "it ends on" in wrong(machine)["tls-certificate"]
    build(machine)
    assert wrong(machine) == {}
    assert machine.host.read(AUTHORITY_CERT) == authority
    assert machine.host.read(HUB_CERT) != cert


def test_a_renewal_starts_no_hub_that_somebody_has_stopped(machine: Machine) -> None:
    build(machine, OWN)
    machine.clock_s += 340 * DAY_S
    machine.active.discard(HUB_UNIT)
    steps = renewal(machine.recipe(), machine.host)
    assert setup(steps, machine.host, machine.receipt, adopt=(), say=lambda _step, _words: None) == 1
    assert HUB_UNIT not in machine.active
    machine.active.add(HUB_UNIT)
    steps = renewal(machine.recipe(), machine.host)
    assert setup(steps, machine.host, machine.receipt, adopt=(), say=lambda _step, _words: None) == 1
    assert wrong(machine) == {}


def test_a_new_address_gets_a_new_certificate(machine: Machine) -> None:
    build(machine, OWN)
    machine.addresses = ["192.168.1.7", "192.168.1.99"]
    assert "192.168.1.99" in wrong(machine)["tls-certificate"]
    build(machine)
    assert certificates.is_for(machine.host.read(HUB_CERT) or b"", "192.168.1.99")


def test_an_address_that_the_authority_may_not_vouch_for_is_left_out(machine: Machine) -> None:
    build(machine, OWN)
    machine.addresses = ["192.168.1.7", "2001:db8::7"]
    assert wrong(machine) == {}


def test_a_name_out_of_the_authoritys_reach_takes_a_new_one(machine: Machine) -> None:
    build(machine, OWN)
    found = wrong(machine, Answers(tls="self", allowed_hosts=("chat.example",)))
    assert "chat.example" in found["tls-authority"]
    assert "devices have to trust the new one" in found["tls-authority"]


@pytest.mark.parametrize("path", [AUTHORITY_CERT, AUTHORITY_KEY, HUB_CERT, HUB_KEY])
@pytest.mark.parametrize("how", ["lost", "damaged", "open"])
def test_what_becomes_of_the_files_is_found_and_mended(machine: Machine, path: str, how: str) -> None:
    build(machine, OWN)
    if how == "lost":
        machine.host.remove(path)
    elif how == "damaged":
        machine.host.write(path, b"nothing", 0o600)
    else:
        machine.host.path(path).chmod(0o644)
    assert wrong(machine)
    build(machine)
    assert wrong(machine) == {}


class Given:
    """A certificate of the owner's, as a certbot would leave it: behind a link."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.folder = machine.root / "srv"
        self.folder.mkdir()
        self.authority = certificates.make_authority("elsewhere", ["hub.example"], self.now)
        self.put("1", self.now)
        self.answers = Answers(tls="given", tls_cert="/srv/cert.pem", tls_key="/srv/key.pem")

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.machine.clock_s, UTC)

    def put(self, name: str, made: datetime) -> None:
        pair = certificates.make_certificate(self.authority, ["hub.example"], made)
        for kind, content in (("cert", pair.cert), ("key", pair.key)):
            (self.folder / f"{kind}{name}.pem").write_bytes(content)
            (self.folder / f"{kind}{name}.pem").chmod(0o600)
            link = self.folder / f"{kind}.pem"
            link.unlink(missing_ok=True)
            link.symlink_to(f"{kind}{name}.pem")


@pytest.fixture
def given(machine: Machine) -> Given:
    return Given(machine)


def test_a_given_certificate_is_read_where_it_lies(machine: Machine, given: Given) -> None:
    build(machine, given.answers)
    assert (machine.host.read(DROP_IN) or b"").count(b"/srv/") == 2
    assert machine.host.status("/etc/openclaw-hub/tls") is None
    assert wrong(machine) == {}


def test_a_given_certificate_that_was_renewed_starts_the_hub_again(machine: Machine, given: Given) -> None:
    build(machine, given.answers)
    given.put("2", given.now + timedelta(days=1))
    assert wrong(machine) == {"hub": f"{HUB_UNIT} was started before its configuration changed"}
    assert build(machine) == 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda given: (given.folder / "cert.pem").unlink(), "cannot be read"),
        (lambda given: (given.folder / "key1.pem").write_text("-----BEGIN PRIVATE KEY-----"), "no private key"),
        (lambda given: (given.folder / "key1.pem").write_bytes(given.authority.key), "not that of the certificate"),
        (lambda given: given.put("2", given.now - timedelta(days=400)), "has ended on"),
    ],
)
def test_a_given_certificate_that_cannot_serve_stops_setup_before_anything(
    machine: Machine, given: Given, spoil: object, words: str
) -> None:
    assert callable(spoil)
    spoil(given)
    before = machine.tree()
    with pytest.raises(Stopped, match=words):
        build(machine, given.answers)
    assert machine.tree() == before


def test_a_given_certificate_that_will_end_soon_or_lacks_a_name_is_worth_a_word(machine: Machine, given: Given) -> None:
    build(machine, given.answers)
    machine.clock_s += 390 * DAY_S
    assert wrong(machine) == {}
    (found,) = to_mind(look(machine.recipe(), machine.host, machine.receipt))
    assert "it ends on" in found.verdict.words
    assert found.verdict.state is State.MIND


def test_the_hub_is_called_as_its_certificate_says(machine: Machine, given: Given) -> None:
    told = (None, {"tls_cert": "/srv/cert.pem", "tls_key": "/srv/key.pem"})
    assert wanted(machine.host, told).answers.allowed_hosts == ("hub.example",)
    build(machine, wanted(machine.host, told).answers)
    assert wanted(machine.host, told).answers.allowed_hosts == ("hub.example",)
