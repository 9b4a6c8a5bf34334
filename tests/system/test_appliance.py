"""A bare machine becomes a hub, is rebooted, broken, mended and cleared again. One story: its tests run in order."""

import json
import os
import re
import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.servers import free_port
from tests.system.booted import Booted, changes

pytestmark = pytest.mark.system

HUB, REDIS = "openclaw-hub.service", "openclaw-hub-redis.service"
PORT = free_port()
URL = f"http://127.0.0.1:{PORT}"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
SEEN: dict[str, Any] = {}
"""What earlier chapters leave for later ones."""


def call(method: str, path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, content, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read().decode()
    return json.loads(text) if text.startswith("{") else text


def install(machine: Booted, *options: str) -> str:
    return machine.must("sh", "/deploy/install.sh", "--wheel", machine.wheel, *options)


def main_pid(machine: Booted, unit: str = HUB) -> str:
    return machine.must("systemctl", "show", "-p", "MainPID", "--value", unit).strip()


def admin_token(machine: Booted) -> str:
    return machine.must("cat", "/var/lib/openclaw-hub/admin.token").strip()


def until(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def answers() -> bool:
    try:
        return bool(call("GET", "/readyz")["ready"])
    except OSError:
        return False


def test_plan_changes_nothing(machine: Booted) -> None:
    (machine.root / "root/answers.toml").write_text(f"port = {PORT}\n")
    SEEN["bare"] = machine.files()
    nobody_to_ask = machine.run("sh", "/deploy/install.sh", "--wheel", machine.wheel)
    assert nobody_to_ask.returncode == 2, nobody_to_ask.stderr
    assert "--yes" in nobody_to_ask.stderr
    before = machine.files()
    version = next((machine.root / "opt/openclaw-hub/versions").iterdir()).name
    planned = machine.run(f"/opt/openclaw-hub/versions/{version}/bin/hubctl", "plan", "--answers", "/root/answers.toml")
    assert planned.returncode == 3, planned.stderr
    assert "to do  the hub runs" in planned.stdout
    assert changes(before, machine.files()) == []


@pytest.mark.parametrize("moment", ["usr/bin/redis-check-rdb", "usr/local/bin/hubctl", f"etc/systemd/system/{HUB}"])
def test_a_setup_that_is_killed_in_the_middle_can_be_done_again(machine: Booted, moment: str) -> None:
    # the first one in the middle of what apt does; what comes of all three is for the next tests to see
    offline = ("-E", "PIP_NO_INDEX=1", "-E", "PIP_FIND_LINKS=/wheels")
    command = ("sh", "/deploy/install.sh", "--wheel", machine.wheel, "--yes", "--answers", "/root/answers.toml")
    machine.must("systemd-run", "--collect", "--unit=installing", *offline, *command)
    until(lambda: os.path.lexists(machine.root / moment), 120)
    machine.run("systemctl", "kill", "--signal=KILL", "installing")
    until(lambda: machine.run("systemctl", "is-active", "installing").returncode != 0, 30)


def test_setup(machine: Booted) -> None:
    printed = install(machine, "--yes", "--answers", "/root/answers.toml").splitlines()
    assert any(re.fullmatch(rf"http://[\d.]+:{PORT}/", line) for line in printed)
    (link,) = [line for line in printed if re.fullmatch(rf"http://[\d.]+:{PORT}/welcome#\S+", line)]
    SEEN["code"] = link.partition("#")[2]
    assert answers()
    assert machine.run("hubctl", "plan").returncode == 0
    assert machine.run("hubctl", "doctor").returncode == 0


def test_the_second_setup_changes_nothing(machine: Booted) -> None:
    before, pids = machine.files(), (main_pid(machine), main_pid(machine, REDIS))
    assert "nothing was changed" in install(machine, "--yes", "--answers", "/root/answers.toml")
    data = re.compile(r". /var/lib/openclaw-hub/")
    assert [line for line in changes(before, machine.files()) if not data.match(line)] == []
    assert (main_pid(machine), main_pid(machine, REDIS)) == pids


@pytest.mark.parametrize("unit", [HUB, REDIS])
def test_the_units_are_closed(machine: Booted, unit: str) -> None:
    rating = re.search(
        r"exposure level for \S+ ([\d.]+)", machine.must("systemd-analyze", "security", "--no-pager", unit)
    )
    assert rating is not None
    assert float(rating[1]) <= 1.5
    status = machine.must("cat", f"/proc/{main_pid(machine, unit)}/status")
    assert re.search(r"NoNewPrivs:\s1", status)
    assert re.search(r"Seccomp:\s2", status)
    assert re.search(r"CapEff:\s0+$", status, re.MULTILINE)
    inside = ("nsenter", "--target", main_pid(machine, unit), "--mount", "--")
    assert "Read-only" in machine.run(*inside, "touch", "/etc/planted").stderr
    assert machine.run(*inside, "ls", "/home/").stdout == ""
    assert machine.run(*inside, "ls", "/root/").stdout == ""


def test_a_person_comes_in_by_the_link(machine: Booted) -> None:
    assert "<html" in call("GET", "/").lower()
    arrival = {"code": SEEN["code"], "id": "maya", "displayName": "Maya", "password": "a short sentence is easiest"}
    call("POST", "/api/welcome", arrival)
    token = admin_token(machine)
    (maya,) = [agent for agent in call("GET", "/api/agents", token=token)["agents"] if agent["id"] == "maya"]
    assert maya["admin"]
    assert "welcome#" not in machine.must("hubctl", "setup", "--yes")


def test_messages_streams_and_metrics(machine: Booted) -> None:
    token = admin_token(machine)
    (general,) = call("GET", "/api/channels", token=token)["channels"]
    posted = call("POST", "/api/messages", {"channelId": general["id"], "content": "kept"}, token)
    SEEN["message"] = f"/api/messages/{posted['message']['id']}"
    request = urllib.request.Request(URL + "/api/events?since=0", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as stream:
        assert any(b"kept" in stream.readline() for _ in range(100))
    assert "hub_redis_up 1" in call("GET", "/metrics")


def test_the_other_commands_find_the_hub(machine: Booted) -> None:
    assert f"ready at {URL}" in machine.must("hubctl", "status")
    assert machine.must("hubctl", "token", "create", "hubctl").strip()
    door = json.loads(machine.must("hubctl", "outsider", "--json"))
    assert door["socket"] == "/run/openclaw-hub/redis.sock"
    assert len(door["password"]) == 32


def test_status_shows_each_part(machine: Booted) -> None:
    shown = machine.must("hubctl", "status")
    for words in (f"{HUB} +active", f"{REDIS} +active", "database +ok", "redis +ok", "disk +.* GB free", "last backup"):
        assert re.search(words, shown), shown
    machine.must("systemctl", "stop", REDIS)
    until(lambda: machine.run("hubctl", "status").returncode == 3, 30)
    machine.must("systemctl", "start", REDIS)
    until(lambda: machine.run("hubctl", "status").returncode == 0, 60)


def test_the_journal_is_read_by_people_and_by_programs(machine: Booted) -> None:
    lines = machine.must("hubctl", "logs", "--since", "today").splitlines()
    assert any(re.match(r"\w{3} \d\d [\d:]{8} hub +hub is ready address=http", line) for line in lines)
    said = [json.loads(line) for line in machine.must("hubctl", "logs", "--json", "--part", "hub").splitlines()]
    assert {one["part"] for one in said} == {"hub"}
    assert any(one["event"] == "hub is ready" and one["level"] == "info" for one in said)
    assert machine.run("hubctl", "logs", "--since", "nonsense").returncode == 1
    assert "sudo hubctl logs" in machine.run(*NOBODY, "hubctl", "logs").stderr


def test_redis_is_for_the_hub_alone(machine: Booted) -> None:
    assert ":6379" not in machine.must("ss", "-Hltn")
    assert "redis" not in machine.must("ss", "-Hltnp")
    reach = "import socket; socket.socket(socket.AF_UNIX).connect('/run/openclaw-hub/redis.sock')"
    assert "Permission denied" in machine.run(*NOBODY, "python3", "-c", reach).stderr
    url = machine.must("cat", "/etc/openclaw-hub/credentials/redis.url").strip()
    password = url.partition("hub:")[2].partition("@")[0]
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(str(socket_of(machine)))
        door.sendall(f"AUTH hub {password}\r\nEVAL 'return 1' 0\r\nCONFIG GET port\r\nGET secret\r\n".encode())
        time.sleep(0.5)
        said = door.recv(4096).decode()
    assert said.startswith("+OK")
    assert said.count("NOPERM") == 3


def test_redis_warns_of_nothing(machine: Booted) -> None:
    said = machine.must("journalctl", "--no-pager", "-o", "cat", "-u", REDIS)
    assert "eady to accept connections" in said
    assert re.findall(r"(?i)warning.*|.*maximum open files.*", said) == []


def socket_of(machine: Booted) -> str:
    return f"/proc/{main_pid_outside(machine)}/root/run/openclaw-hub/redis.sock"


def main_pid_outside(machine: Booted) -> int:
    return machine._first_process()


def test_secrets_are_seen_nowhere(machine: Booted) -> None:
    url = machine.must("cat", "/etc/openclaw-hub/credentials/redis.url").strip()
    secrets = [url.partition("hub:")[2].partition("@")[0], SEEN["code"], admin_token(machine)]
    pid = main_pid(machine)
    seen = machine.must("cat", f"/proc/{pid}/cmdline", f"/proc/{pid}/environ")
    seen += machine.must("systemctl", "show", HUB, REDIS) + machine.must("journalctl", "--no-pager")
    assert "hub is ready" in seen
    assert [secret for secret in secrets if secret in seen] == []
    for path in (
        "/etc/openclaw-hub/hub.toml",
        "/var/lib/openclaw-hub/hub.db",
        "/etc/openclaw-hub/credentials/redis.url",
    ):
        assert machine.run(*NOBODY, "cat", path).returncode != 0


@pytest.mark.parametrize(("stop", "timeout_s"), [("KILL", 10), ("STOP", 30)])
def test_a_hub_that_dies_or_is_stuck_is_started_again(machine: Booted, stop: str, timeout_s: float) -> None:
    before = main_pid(machine)
    machine.must("kill", f"-{stop}", before)
    until(lambda: main_pid(machine) not in (before, "0") and answers(), timeout_s)


def test_everything_returns_after_a_reboot(machine: Booted) -> None:
    machine.switch_off()
    machine.boot()
    until(answers, 30)
    assert call("GET", SEEN["message"], token=admin_token(machine))["content"] == "kept"
    assert machine.run("hubctl", "doctor").returncode == 0


SABOTAGES = {
    "the hub stopped": (f"systemctl stop {HUB}", "the hub runs"),
    "Redis stopped": (f"systemctl stop {REDIS}", "the hub's Redis runs"),
    "the unit masked": (f"ln -sf /dev/null /etc/systemd/system/{HUB}; systemctl daemon-reload", "the hub's unit"),
    "not at boot": (f"systemctl disable {HUB}", "does not start at boot"),
    "the data gone": ("mv /var/lib/openclaw-hub /root/gone", "is gone, with all that was in it"),
    "the data open": ("chmod 755 /var/lib/openclaw-hub", "has mode 0755"),
    "the data root's": ("chown -R root: /var/lib/openclaw-hub", "belongs to user 0"),
    "one file root's": ("chown root: /var/lib/openclaw-hub/hub.db", "hub.db"),
    "the settings damaged": ("echo '[' >/etc/openclaw-hub/hub.toml", "damaged"),
    "the settings open": ("chmod 644 /etc/openclaw-hub/hub.toml", "has mode 0644"),
    "the password gone": ("rm /etc/openclaw-hub/credentials/redis.url", "redis.url is not there"),
    "Redis gone": ("rm /usr/bin/redis-check-rdb", "no Redis"),
    "the receipt cut short": ("truncate -s 100 /etc/openclaw-hub/receipt.json", "receipt.json is damaged"),
    "the unit touched": (f"touch /etc/systemd/system/{HUB}", "systemd has not read it since"),
    "the version gone": ("rm /opt/openclaw-hub/current", "current is not there"),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_doctor_finds_what_is_amiss_and_setup_mends_it(machine: Booted, name: str) -> None:
    command, words = SABOTAGES[name]
    machine.must("sh", "-c", command)
    found = machine.run(*hubctl(machine), "doctor")
    assert found.returncode == 4, found.stdout + found.stderr
    assert words in found.stdout
    if name == "the data gone":
        assert "hub.db is not there any more" in machine.run("hubctl", "status").stdout
        machine.must(*hubctl(machine), "setup", "--yes")
        assert answers()
        machine.must("sh", "-c", f"systemctl stop {HUB}; rm -r /var/lib/openclaw-hub")
        machine.must("mv", "/root/gone", "/var/lib/openclaw-hub")
    if name == "Redis gone":
        machine.must("apt-get", "-qq", "install", "--reinstall", "redis-tools")
    machine.must(*hubctl(machine), "setup", "--yes", "--answers", "/root/answers.toml")
    assert machine.run("hubctl", "doctor").returncode == 0
    assert call("GET", SEEN["message"], token=admin_token(machine))["content"] == "kept"


BEYOND_US = {
    "the disk full": (
        "mount -t tmpfs -o size=50m tmpfs /var/lib/openclaw-hub",
        "MB are free under /var/lib/openclaw-hub; 300 are needed",
        "umount /var/lib/openclaw-hub",
    ),
    "the clock wrong": (
        "printf '#!/bin/sh\\necho 1000\\n' >/usr/local/sbin/date; chmod 755 /usr/local/sbin/date",
        "the clock shows a time long gone by",
        "rm /usr/local/sbin/date",
    ),
}


@pytest.mark.parametrize("name", BEYOND_US)
def test_what_setup_cannot_mend_is_named_and_nothing_is_touched(machine: Booted, name: str) -> None:
    command, words, way_back = BEYOND_US[name]
    machine.must("systemctl", "stop", HUB)
    machine.must("sh", "-c", command)
    before = machine.files()
    assert words in machine.run("hubctl", "doctor").stdout
    refused = machine.run("hubctl", "setup", "--yes")
    assert refused.returncode == 1
    assert words in refused.stderr
    assert changes(before, machine.files()) == []
    machine.must("sh", "-c", way_back)
    machine.must("hubctl", "setup", "--yes")
    assert machine.run("hubctl", "doctor").returncode == 0


def hubctl(machine: Booted) -> list[str]:
    """The command by its own place, since the link to it may be what is broken."""
    (version,) = (machine.root / "opt/openclaw-hub/versions").iterdir()
    return [f"/opt/openclaw-hub/versions/{version.name}/bin/hubctl"]


def test_another_wheel_of_the_version_in_use_is_refused(machine: Booted) -> None:
    pid, folder = main_pid(machine), machine.root / "root/other"
    folder.mkdir()
    other = folder / Path(machine.wheel).name
    other.write_bytes((machine.dist / other.name).read_bytes() + b"\n")
    refused = machine.run("sh", "/deploy/install.sh", "--wheel", f"/root/other/{other.name}", "--yes")
    assert refused.returncode == 1
    assert "is in use, and this is another wheel of that name" in refused.stderr
    assert main_pid(machine) == pid
    assert answers()


def test_a_python_that_the_distribution_took_away_is_put_right_by_the_wheel(machine: Booted) -> None:
    machine.must("ln", "-sfn", "/usr/bin/python3.0", "/opt/openclaw-hub/current/bin/python3")
    machine.run("systemctl", "restart", HUB)
    assert not answers()
    install(machine, "--yes")
    until(answers, 30)
    assert call("GET", SEEN["message"], token=admin_token(machine))["content"] == "kept"
    assert machine.run("hubctl", "doctor").returncode == 0


def test_a_backup_is_made_every_day_and_when_asked_and_can_be_restored(machine: Booted) -> None:
    assert "openclaw-hub-backup.timer" in machine.must("systemctl", "list-timers", "--no-pager")
    file = machine.must("hubctl", "backup", "--to", "/root/backups").strip()
    assert len(list((machine.root / "var/backups/openclaw-hub").iterdir())) == 1
    token = admin_token(machine)
    epoch = epoch_of(token)
    call("PATCH", SEEN["message"], {"content": "changed after the backup"}, token)
    assert "replaced is /var/lib/openclaw-hub/hub.db.before-restore-" in machine.must(
        "hubctl", "restore", file, "--yes"
    )
    assert call("GET", SEEN["message"], token=token)["content"] == "kept"
    assert epoch_of(token) != epoch
    (machine.root / "root/no-backup").write_text("a poem")
    assert machine.run("hubctl", "restore", "/root/no-backup", "--yes").returncode == 1
    assert call("GET", SEEN["message"], token=token)["content"] == "kept"
    assert machine.run("hubctl", "doctor").returncode == 0


def epoch_of(token: str) -> str:
    request = urllib.request.Request(URL + "/api/events", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as stream:
        lines: list[str] = [stream.readline().decode() for _ in range(4)]
    return next(line.split()[1].partition(":")[0] for line in lines if line.startswith("id:"))


def test_a_port_that_is_taken_is_named(machine: Booted) -> None:
    machine.must("systemctl", "stop", HUB)
    machine.must("systemd-run", "--unit=thief", "python3", "-m", "http.server", str(PORT))
    until(lambda: f":{PORT}" in machine.must("ss", "-Hltn"), 15)
    assert f"port {PORT} is taken by python3" in machine.run("hubctl", "doctor").stdout
    refused = machine.run("hubctl", "setup", "--yes")
    assert refused.returncode == 1
    assert "is taken by python3" in refused.stderr
    machine.must("systemctl", "stop", "thief")
    machine.must("hubctl", "setup", "--yes")


def test_uninstall_keeps_data_and_a_new_setup_finds_it(machine: Booted) -> None:
    machine.must("hubctl", "uninstall", "--yes")
    assert not answers()
    assert not (machine.root / "opt/openclaw-hub").exists()
    install(machine, "--yes")
    assert call("GET", SEEN["message"], token=admin_token(machine))["content"] == "kept"


def test_purge_leaves_the_machine_as_it_was(machine: Booted) -> None:
    machine.must("hubctl", "uninstall", "--purge", "--yes")
    assert changes(SEEN["bare"], machine.files()) == []
    # systemd forgets units that are gone when it has nothing else to do
    until(lambda: "openclaw" not in machine.must("systemctl", "list-units", "--all", "--no-pager"), 30)
    assert machine.run("ls", "/run/openclaw-hub").returncode != 0
