"""What a person may choose at setup, on a booted machine: TLS and its renewal, servers of one's own. One story."""

import json
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers import free_port, postgres_server, redis_on_port
from tests.system.booted import Booted, changes

pytestmark = pytest.mark.system

HUB, REDIS, TLS = "openclaw-hub.service", "openclaw-hub-redis.service", "openclaw-hub-tls.service"
PORT = free_port()
URL, PLAIN = f"https://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT}"
SEEN: dict[str, Any] = {}
"""What earlier chapters leave for later ones."""


class Stay(urllib.request.HTTPRedirectHandler):
    """Shows a redirect instead of following it."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def get(url: str, token: str = "", authority: str | None = None) -> tuple[int, str]:
    context = ssl.create_default_context(cadata=authority) if authority else None
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), Stay)
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location") or error.read().decode()


def until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def answers(url: str = URL, authority: str | None = None) -> bool:
    try:
        return get(f"{url}/readyz", authority=authority or SEEN.get("authority"))[0] == 200
    except OSError:
        return False


def token(machine: Booted) -> str:
    return machine.must("cat", "/var/lib/openclaw-hub/admin.token").strip()


@pytest.fixture(scope="module", autouse=True)
def bare(machine: Booted) -> None:
    """Where the story begins and what it has to come back to: a machine with a Prometheus that does not run."""
    machine.must("sh", "-c", "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d")
    machine.must("apt-get", "-qq", "update")
    machine.must("apt-get", "-qq", "install", "-y", "--no-install-recommends", "prometheus")
    machine.must("rm", "/usr/sbin/policy-rc.d")
    machine.must("systemctl", "disable", "prometheus")
    (machine.root / "root/answers.toml").write_text(f'port = {PORT}\ntls = "self"\n')
    SEEN["bare"] = machine.files()


def test_setup_with_an_authority_of_its_own_says_how_to_trust_it(machine: Booted) -> None:
    said = machine.must(
        *("sh", "/deploy/install.sh", "--wheel", machine.wheel, "--yes", "--answers", "/root/answers.toml")
    ).splitlines()
    assert any(re.fullmatch(rf"https://[\d.]+:{PORT}/", line) for line in said)
    assert any(re.fullmatch(rf"https://[\d.]+:{PORT}/welcome#\S+", line) for line in said)
    assert "█" not in "".join(said)  # a code for phones is for a terminal alone
    status, SEEN["authority"] = get(f"{PLAIN}/ca.crt")
    assert status == 200
    (shown,) = [line for line in said if re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", line)]
    (machine.root / "root/ca.crt").write_text(SEEN["authority"])
    assert shown in machine.must("openssl", "x509", "-in", "/root/ca.crt", "-noout", "-fingerprint", "-sha256")
    assert answers()
    assert machine.run("hubctl", "doctor").returncode == 0
    assert machine.run("hubctl", "plan").returncode == 0


def test_every_name_and_address_of_the_machine_is_believed(machine: Booted) -> None:
    name = machine.must("hostname").strip()
    for host in (name, f"{name}.local", "localhost", "127.0.0.1"):
        check = (
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{PORT}",
            "-CAfile",
            "/root/ca.crt",
            "-verify_return_error",
        )
        kind = "-verify_ip" if host[0].isdigit() else "-verify_hostname"
        assert "Verify return code: 0 (ok)" in machine.must(*check, kind, host)
    check = ("openssl", "s_client", "-connect", f"127.0.0.1:{PORT}", "-CAfile", "/root/ca.crt", "-verify_return_error")
    assert machine.run(*check, "-verify_hostname", "bank.example").returncode != 0


def test_without_tls_a_page_leads_to_it_and_a_token_is_refused(machine: Booted) -> None:
    assert get(f"{PLAIN}/") == (308, f"{URL}/")
    status, words = get(f"{PLAIN}/api/me", token(machine))
    assert status == 403
    assert json.loads(words)["code"] == "tls_required"


def test_the_other_commands_find_the_hub(machine: Booted) -> None:
    assert f"ready at {URL}" in machine.must("hubctl", "status")
    assert machine.must("hubctl", "agent", "add", "scout", "--token").strip()
    assert machine.must("hubctl", "send", "general", "through TLS")


@pytest.mark.parametrize("unit", [HUB, REDIS, TLS, "openclaw-hub-backup.service"])
def test_the_units_are_closed(machine: Booted, unit: str) -> None:
    assert closed(machine, unit) <= 1.5


def closed(machine: Booted, unit: str) -> float:
    """How much of the machine a unit is exposed to, as systemd rates it."""
    said = machine.must("systemd-analyze", "security", "--no-pager", unit)
    rating = re.search(r"exposure level for \S+ ([\d.]+)", said)
    assert rating is not None
    return float(rating[1])


def test_keys_are_roots_alone_and_the_hub_does_not_have_its_authoritys(machine: Booted) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    for name in ("ca.key", "hub.key"):
        assert machine.run(*nobody, "cat", f"/etc/openclaw-hub/tls/{name}").returncode != 0
    loaded = machine.must("ls", f"/run/credentials/{HUB}").split()
    assert sorted(loaded) == ["hub.toml", "redis.url", "tls.ca", "tls.cert", "tls.key"]
    held = machine.must("sh", "-c", f"cat /run/credentials/{HUB}/*")
    assert machine.must("cat", "/etc/openclaw-hub/tls/ca.key").splitlines()[1] not in held
    key = machine.must("cat", "/etc/openclaw-hub/tls/hub.key").splitlines()[1]
    assert key not in machine.must("journalctl", "--no-pager")


def serial(machine: Booted) -> str:
    shown = machine.must("sh", "-c", f"openssl s_client -connect 127.0.0.1:{PORT} </dev/null | openssl x509 -serial")
    found = re.search(r"serial=(\w+)", shown)
    assert found is not None
    return found[1]


ENDS_SOON = """
import datetime
from hubctl import certificates
folder = "/etc/openclaw-hub/tls/"
pieces = [open(folder + name, "rb").read() for name in ("ca.crt", "ca.key")]
now = datetime.datetime.now(datetime.UTC)
pair = certificates.make_certificate(
    certificates.Pair(*pieces), ["localhost", "127.0.0.1"], now - certificates.LASTS + datetime.timedelta(days=30)
)
open(folder + "hub.crt", "wb").write(pair.cert)
open(folder + "hub.key", "wb").write(pair.key)
"""


def test_a_certificate_that_ends_soon_is_renewed_by_the_timers_unit(machine: Booted) -> None:
    assert "openclaw-hub-tls.timer" in machine.must("systemctl", "list-timers", "--no-pager")
    machine.must("/opt/openclaw-hub/current/bin/python", "-c", ENDS_SOON)
    assert "it ends on" in machine.run("hubctl", "doctor").stdout
    machine.must("systemctl", "restart", HUB)
    until(answers)
    before = serial(machine)
    machine.must("systemctl", "start", TLS)
    until(answers)
    assert serial(machine) != before
    assert get(f"{PLAIN}/ca.crt")[1] == SEEN["authority"]
    assert machine.run("hubctl", "doctor").returncode == 0


def test_everything_returns_after_a_reboot(machine: Booted) -> None:
    machine.switch_off()
    machine.boot()
    until(answers)
    assert machine.run("hubctl", "doctor").returncode == 0


def test_a_certificate_of_ones_own(machine: Booted) -> None:
    machine.must(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90"),
        *("-keyout", "/root/own.key", "-out", "/root/own.crt", "-subj", "/CN=hub.example"),
        *("-addext", "subjectAltName=DNS:hub.example"),
    )
    wrong = machine.run("hubctl", "setup", "--yes", "--tls-cert", "/root/own.crt", "--tls-key", "/root/absent.key")
    assert wrong.returncode == 1
    assert "/root/absent.key cannot be read" in wrong.stderr
    assert answers()
    said = machine.must("hubctl", "setup", "--yes", "--tls-cert", "/root/own.crt", "--tls-key", "/root/own.key")
    assert f"https://hub.example:{PORT}/" in said
    SEEN["own"] = machine.must("cat", "/root/own.crt")
    assert f"ready at {URL}" in machine.must("hubctl", "status")
    host = f"hub.example:{PORT}"
    shown = machine.must("/opt/openclaw-hub/current/bin/python", "-c", AS_CALLED, host)
    assert '"ready":true' in shown
    assert machine.run("ls", "/etc/openclaw-hub/tls").returncode != 0


AS_CALLED = """
import http.client, socket, ssl, sys
name, _, port = sys.argv[1].partition(":")
context = ssl.create_default_context(cafile="/root/own.crt")
door = context.wrap_socket(socket.create_connection(("127.0.0.1", int(port))), server_hostname=name)
door.sendall(f"GET /readyz HTTP/1.1\\r\\nHost: {sys.argv[1]}\\r\\nConnection: close\\r\\n\\r\\n".encode())
print(b"".join(iter(lambda: door.recv(4096), b"")).decode())
"""


def test_back_to_plain_http(machine: Booted) -> None:
    machine.must("hubctl", "setup", "--yes", "--tls", "off")
    assert answers(PLAIN)
    assert machine.run("hubctl", "doctor").returncode == 0
    assert machine.run("ls", f"/etc/systemd/system/{HUB}.d").returncode != 0


def test_the_machine_is_announced_by_its_name(machine: Booted) -> None:
    machine.must("hubctl", "setup", "--yes", "--local-name")
    assert machine.must("systemctl", "is-active", "avahi-daemon").strip() == "active"
    assert machine.run("hubctl", "doctor").returncode == 0
    machine.must("hubctl", "setup", "--yes", "--no-local-name")
    assert machine.run("systemctl", "is-active", "avahi-daemon").returncode != 0


def test_a_prometheus_that_is_there_watches_the_hub_if_it_may(machine: Booted) -> None:
    configuration = machine.root / "etc/prometheus/prometheus.yml"
    before = configuration.read_text()
    machine.must("hubctl", "setup", "--yes", "--monitoring")
    assert f'targets: ["127.0.0.1:{PORT}"]' in configuration.read_text()
    judged = machine.must("promtool", "check", "config", "/etc/prometheus/prometheus.yml")
    assert "2 rule files found" in judged
    assert machine.run("hubctl", "doctor").returncode == 0
    machine.must("hubctl", "setup", "--yes", "--no-monitoring")
    assert configuration.read_text() == before


def test_servers_of_ones_own_are_tried_before_anything_is_changed(machine: Booted) -> None:
    before = machine.files()
    data = re.compile(r". /var/lib/openclaw-hub/")
    for flags, words in (
        (("--redis-url", f"redis://:secret@127.0.0.1:{free_port()}/0"), "Redis does not answer"),
        (("--database-url", f"postgresql://hub:secret@127.0.0.1:{free_port()}/hub"), "PostgreSQL says no"),
        (("--database-url", "sqlite:///hub.db"), "only a PostgreSQL"),
    ):
        refused = machine.run("hubctl", "setup", "--yes", *flags)
        assert refused.returncode == 1
        assert words in refused.stderr
    assert [line for line in changes(before, machine.files()) if not data.match(line)] == []
    assert answers(PLAIN)


def test_a_hub_on_a_redis_and_a_postgresql_of_ones_own(machine: Booted) -> None:
    redis_port = free_port()
    with (
        redis_on_port(redis_port, "tell-nobody"),
        postgres_server("127.0.0.1") as postgres,
        postgres.database() as url,
    ):
        own = (
            *("--redis-url", f"redis://:tell-nobody@127.0.0.1:{redis_port}/0"),
            *("--database-url", url.replace("hub@", "hub:tell-nobody@")),
        )
        machine.must("hubctl", "setup", "--yes", *own)
        assert machine.run("systemctl", "is-active", REDIS).returncode != 0
        assert json.loads(get(f"{PLAIN}/readyz")[1])["parts"]["redis"] == "ok"
        machine.must("hubctl", "send", "general", "kept elsewhere")
        with postgres.connect(url.rpartition("/")[2]) as connection:
            (count,) = connection.execute("SELECT count(*) FROM messages WHERE content = 'kept elsewhere'").fetchall()
        assert count == (1,)
        pid = machine.must("systemctl", "show", "-p", "MainPID", "--value", HUB).strip()
        seen = machine.must("cat", f"/proc/{pid}/cmdline", f"/proc/{pid}/environ")
        seen += machine.must("systemctl", "show", HUB) + machine.must("journalctl", "--no-pager", "-u", HUB)
        assert "tell-nobody" not in seen
        assert machine.run("hubctl", "doctor").returncode == 0
        assert closed(machine, "openclaw-hub-backup.service") <= 1.5
        machine.must("hubctl", "setup", "--yes", "--redis-url", "", "--database-url", "")
        assert machine.run("systemctl", "is-active", REDIS).returncode == 0
        assert "through TLS" in machine.must(
            "hubctl", "tail", "general", "--since", "0", "--count", "1", "--types", "channel.message"
        )


def test_purge_leaves_the_machine_as_it_was(machine: Booted) -> None:
    machine.must("hubctl", "uninstall", "--purge", "--yes")
    machine.must("sh", "-c", "rm -rf /root/own.* /root/ca.crt")
    assert changes(SEEN["bare"], machine.files()) == []


AT_A_TERMINAL = """
import os, pty, sys
answers = sys.argv[1].split(",")
child, door = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b""
while True:
    try:
        chunk = os.read(door, 4096)
    except OSError:
        break
    sys.stdout.buffer.write(chunk)
    seen += chunk
    if seen.endswith(b"]: ") and answers:
        os.write(door, answers.pop(0).encode() + b"\\n")
        seen = b""
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_person_is_asked_and_gets_a_code_for_the_phone(machine: Booted) -> None:
    # Who may reach it, the port, TLS, the name, Prometheus; and then whether to go ahead.
    ask = ("python3", "-c", AT_A_TERMINAL)
    said = machine.must(*ask, f",{PORT},y,,n,", "sh", "/deploy/install.sh", "--wheel", machine.wheel)
    for words in (
        "May other devices on your network reach the hub? [Y/n]",
        "Port [8080]",
        "Encrypt? [y/N]",
        "Go ahead?",
    ):
        assert words in said, said
    assert "to do  the hub runs" in said
    assert f":{PORT}/ca.crt" in said
    assert "█" in said
    assert "█" not in machine.must("journalctl", "--no-pager")
    assert answers(authority=get(f"{PLAIN}/ca.crt")[1])
    machine.must(*ask, "y", "hubctl", "uninstall", "--purge")
    assert changes(SEEN["bare"], machine.files()) == []
