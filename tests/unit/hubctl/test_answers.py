"""What setup is told: files and flags, what is in force without either, and servers of the owner's."""

from pathlib import Path

import pytest

from hubctl.answers import Answers, changed, read_answers
from hubctl.choices import in_force
from hubctl.engine import Stopped, setup
from hubctl.errors import Failure
from hubctl.firewall import opening
from hubctl.host import Outcome
from hubctl.installed import DATABASE_URL, HUB_UNIT, REDIS_UNIT, REDIS_URL, UNITS
from tests.unit.hubctl.fake_machine import Machine

OWN = Answers(redis_url="redis://hub:secret@redis.example/0", database_url="postgresql://hub:secret@db.example/hub")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine")


def build(machine: Machine, answers: Answers | None = None) -> int:
    return setup(machine.recipe(answers), machine.host, machine.receipt, adopt=(), say=lambda _step, _words: None)


def test_a_file_of_answers(tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"
    file.write_text('port = 9000\ntls = "self"\nallowed_hosts = ["hub.example"]\n')
    assert read_answers(file) == Answers(port=9000, tls="self", allowed_hosts=("hub.example",))
    file.write_text('tls_cert = "/etc/a.pem"\ntls_key = "/etc/a.key"\n')
    assert read_answers(file).tls == "given"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", "unknown answer prot"),
        ("port = 0", "1 to 65535"),
        ('port = "x"', "port"),
        ('tls = "yes"', "tls"),
        ('tls_cert = "/a"', "go together"),
        ('tls = "self"\ntls_cert = "/a"\ntls_key = "/b"', "without tls"),
        ('tls_cert = "/a b"\ntls_key = "/b"', "a path from the root"),
        ('tls_cert = "/a%h"\ntls_key = "/b"', "a path from the root"),
        ("[", "not valid TOML"),
    ],
)
def test_answers_that_make_no_sense_are_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "answers.toml"
    file.write_text(text)
    with pytest.raises(Failure, match=words):
        read_answers(file)


def test_a_flag_changes_one_answer_and_leaves_the_others(machine: Machine) -> None:
    build(machine, Answers(port=9000, tls="self"))
    present = in_force(machine.host, machine.receipt)
    assert present == Answers(port=9000, tls="self")
    assert changed(present, {"tls": "off"}, "flags") == Answers(port=9000)


def test_servers_of_ones_own_take_the_place_of_ours(machine: Machine) -> None:
    build(machine, OWN)
    assert in_force(machine.host, machine.receipt) == OWN
    assert REDIS_UNIT not in machine.active
    assert machine.installed_by_name == []
    assert machine.host.read(REDIS_URL) == b"redis://hub:secret@redis.example/0\n"
    assert machine.host.read(DATABASE_URL) == b"postgresql://hub:secret@db.example/hub\n"


def test_their_passwords_stand_in_roots_files_alone(machine: Machine) -> None:
    build(machine, OWN)
    holders = [name for name, what in machine.tree().items() if "secret" in what]
    assert sorted(f"/{name}" for name in holders) == sorted([REDIS_URL, DATABASE_URL])
    for path in (REDIS_URL, DATABASE_URL):
        status = machine.host.status(path)
        assert status is not None
        assert status.st_mode & 0o777 == 0o600
    assert "secret" not in (machine.host.read(f"{UNITS}/{HUB_UNIT}") or b"").decode()


def test_a_server_that_does_not_do_stops_setup_before_anything(machine: Machine) -> None:
    before = machine.tree()
    machine.own_servers_say = "this Redis is older than 7.0"
    with pytest.raises(Stopped, match=r"older than 7\.0"):
        build(machine, OWN)
    assert machine.tree() == before


FIREWALLS = {
    "none": ({}, ""),
    "ufw": ({"ufw": "Status: active\n22/tcp ALLOW Anywhere"}, "sudo ufw allow 8080/tcp"),
    "ufw that is open": ({"ufw": "Status: active\n8080/tcp ALLOW Anywhere"}, ""),
    "ufw at rest": ({"ufw": "Status: inactive"}, ""),
    "firewalld": ({"firewall-cmd": "running\n"}, "sudo firewall-cmd --permanent --add-port=8080/tcp"),
    "nftables": (
        {
            "nft": "table ip nat {\n\tchain x {\n\t\ttype nat hook output priority 0; policy accept;\n\t}\n}\n"
            "table inet own {\n\tset a {\n\t}\n\tchain incoming {\n"
            "\t\ttype filter hook input priority filter; policy drop;\n\t\ttcp dport 22 accept\n\t}\n}\n"
        },
        "sudo nft insert rule inet own incoming tcp dport 8080 accept",
    ),
    "nftables that is open": (
        {
            "nft": "table inet own {\n\tchain incoming {\n\t\ttype filter hook input priority filter; policy drop;\n"
            "\t\ttcp dport { 22, 8080 } accept\n\t}\n}\n"
        },
        "",
    ),
}


@pytest.mark.parametrize("name", FIREWALLS)
def test_a_firewall_is_named_with_the_command_that_opens_it(machine: Machine, name: str) -> None:
    says, command = FIREWALLS[name]

    def run(argv: tuple[str, ...], _text: str) -> Outcome:
        return Outcome(0, says[argv[0]]) if argv[0] in says else Outcome(127)

    machine.host._run = run
    assert opening(machine.host, 8080).startswith(command)
    assert bool(opening(machine.host, 8080)) == bool(command)
