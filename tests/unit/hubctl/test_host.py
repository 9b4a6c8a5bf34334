"""The gateway to a machine's files and commands, and the answers that setup reads."""

from pathlib import Path

import pytest

from hubctl.answers import Answers, read_answers
from hubctl.errors import Failure
from hubctl.host import Host, HostError, fetch_status, run_command
from hubctl.installed import own_url
from hubctl.receipt import RECEIPT, Receipt


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_link_is_replaced_and_never_followed(host: Host) -> None:
    host.write("/etc/precious", b"theirs", 0o600)
    host.link("/etc/ours", "precious")
    assert host.read("/etc/ours") is None
    host.write("/etc/ours", b"new", 0o644)
    assert host.read("/etc/precious") == b"theirs"
    assert host.read("/etc/ours") == b"new"


def test_a_mode_is_the_one_asked_for_whatever_the_umask(host: Host) -> None:
    host.write("/a/b/c", b"", 0o640)
    status = host.status("/a/b/c")
    assert status is not None
    assert status.st_mode & 0o777 == 0o640


def test_a_command_that_fails_says_why(host: Host) -> None:
    with pytest.raises(HostError, match=r"sh -c .* failed: last word"):
        host.must("sh", "-c", "echo first; echo last word >&2; exit 3")
    assert run_command(("no-such-program",), "").code == 127
    assert host.must("cat", text="what it reads") == "what it reads"


def test_nobody_there_is_status_0(free_port: int) -> None:
    assert fetch_status(f"http://127.0.0.1:{free_port}/", None) == 0


def test_an_empty_receipt_leaves_nothing_behind(host: Host) -> None:
    receipt = Receipt(host)
    receipt.add("file", "/etc/x")
    assert Receipt(host).word("file", "/etc/x") == ""
    receipt.drop("file", "/etc/x")
    receipt.drop("file", "/etc/x")
    assert host.status(RECEIPT) is None
    assert host.status("/etc/openclaw-hub") is None


def test_answers_have_defaults(tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"
    file.write_text('port = 81\nallowed_hosts = ["a.example"]\n')
    assert read_answers(file) == Answers(port=81, allowed_hosts=("a.example",))


@pytest.mark.parametrize(
    "text", ["prot = 81", 'port = "81"', "port = 0", "port = 70000", 'host = ""', "allowed_hosts = 3", "["]
)
def test_bad_answers_are_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "answers.toml"
    file.write_text(text)
    with pytest.raises(Failure, match=r"answers\.toml"):
        read_answers(file)


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80"), ("fd00::1", "http://[fd00::1]:80")],
)
def test_where_a_machine_finds_its_own_hub(host: str, url: str) -> None:
    assert own_url(host, 80) == url
