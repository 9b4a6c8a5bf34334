"""A Debian that is a folder and a few answers: enough of one for every step of the recipe to be tried on."""

import json
import os
from pathlib import Path

from hubctl.answers import Answers
from hubctl.choices import in_force
from hubctl.host import Host, Outcome
from hubctl.installed import HUB_UNIT
from hubctl.observed import GRAFANA, PROMETHEUS, observers
from hubctl.receipt import Receipt
from hubctl.recipe import recipe
from hubctl.step import Step
from hubctl.wanted import Installation

VENV = "/opt/openclaw-hub/versions/1.0"
FOLDERS = (
    "etc/systemd/system",
    "etc/tmpfiles.d",
    "run/systemd/system",
    "usr/bin",
    "usr/local/bin",
    "var/lib/systemd/timers",
    "var/backups",
    "proc",
)
PROMETHEUS_YML = """global:
  scrape_interval: 15s

# Load rules once.
rule_files:
  # - "first_rules.yml"

scrape_configs:
  - job_name: 'prometheus'
    static_configs:
      - targets: ['localhost:9090']
"""
FOLDER_MODES = {"/var/lib/openclaw-hub": 0o700, "/var/backups/openclaw-hub": 0o700, "/run/openclaw-hub": 0o750}


class Machine:
    """The folder, what its commands would do, and a host that goes to both."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True)
        (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
        (root / "etc/group").write_text("root:x:0:\n")
        (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n')
        (root / "proc/meminfo").write_text("MemTotal:        1000000 kB\n")
        (root / GRAFANA[1:] / "dashboards").mkdir(parents=True)
        (root / GRAFANA[1:] / "datasources").mkdir()
        (root / PROMETHEUS[1:]).parent.mkdir(parents=True)
        (root / PROMETHEUS[1:]).write_text(PROMETHEUS_YML)
        (root / VENV[1:]).mkdir(parents=True)
        (root / "opt/openclaw-hub/packages").write_text("python3-venv\n")
        self.packages = {"libc6", "python3-venv"}
        self.installed_by_name: list[str] = []
        self.also_removed: set[str] = set()
        self.offered = {"redis-tools"}
        self.active: set[str] = set()
        self.listening = ""
        self.architecture = "amd64"
        self.clock_s = 1_800_000_000
        self.broken: set[str] = set()
        self.addresses = ["192.168.1.7"]
        self.own_servers_say = ""
        self.redis_says = ""
        self.last_run = "inactive"
        self.promtool_refuses = False
        self.apt_update_says = ""
        self.apt_ends_the_program = False
        self.unit_files_say = ""
        self.synchronized = "yes"
        self.mounted = "/dev/sda1 rw,relatime"
        self.disk = "sda disk 0"
        self.host = Host(root, self.run, self.fetch, free_bytes=10**12)

    @property
    def receipt(self) -> Receipt:
        return Receipt(self.host)

    def recipe(self, answers: Answers | None = None) -> list[Step]:
        found = answers or (in_force(self.host, self.receipt) if hasattr(self, "host") else Answers())
        seen = observers(self.host) if hasattr(self, "host") else frozenset((PROMETHEUS, GRAFANA))
        return recipe(Installation(found, asked=answers is not None, venv=VENV, observers=seen))

    def fetch(self, url: str, trusted: Path | None) -> int:
        scheme = "https" if trusted is not None and trusted.exists() else "http"
        return 200 if HUB_UNIT in self.active and url.startswith(f"{scheme}://127.0.0.1:") else 0

    def tree(self) -> dict[str, str]:
        """Everything but the software, as kind, mode and content."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                path = Path(folder, name)
                content = str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else ""
                found[str(path.relative_to(self.root))] = f"{path.lstat().st_mode:o} {content}"
        return {name: what for name, what in found.items() if not name.startswith("opt")}

    def run(self, argv: tuple[str, ...], text: str) -> Outcome:
        name = Path(argv[0]).name
        if name in self.broken:
            return Outcome(1, err=f"{name} is broken")
        answer = getattr(self, f"_{name.replace('-', '_')}", None)
        assert answer, f"the fake machine does not know {argv}"
        out = answer(argv[1:], text)
        return out if isinstance(out, Outcome) else Outcome(0, out or "")

    def _dpkg(self, _argv: tuple[str, ...], _text: str) -> str:
        return f"{self.architecture}\n"

    def _date(self, _argv: tuple[str, ...], _text: str) -> str:
        return f"{self.clock_s}\n"

    def _ss(self, _argv: tuple[str, ...], _text: str) -> str:
        return self.listening

    def _chown(self, _argv: tuple[str, ...], _text: str) -> None:
        """All files here belong to whoever runs the tests."""

    def _python(self, argv: tuple[str, ...], text: str) -> str | Outcome:
        if "import hubctl, server" in argv:
            return Outcome(0)
        if argv[0] == "-c":
            return Outcome(1, err=self.redis_says) if self.redis_says else Outcome(0, "Redis server v=7.0.15")
        if argv[-1] == "try":
            return Outcome(1, err=f"hub: {self.own_servers_say}") if self.own_servers_say else Outcome(0)
        assert argv[-1] == "redis-conf"
        return f"conf for {text}\n"

    def _timedatectl(self, _argv: tuple[str, ...], _text: str) -> str:
        return f"{self.synchronized}\n"

    def _findmnt(self, _argv: tuple[str, ...], _text: str) -> str:
        return f"{self.mounted}\n"

    def _lsblk(self, _argv: tuple[str, ...], _text: str) -> str:
        return f"sda1 part 0\n{self.disk}\n"

    def _smartctl(self, _argv: tuple[str, ...], _text: str) -> Outcome:
        return Outcome(127)

    def _promtool(self, argv: tuple[str, ...], _text: str) -> Outcome:
        return Outcome(1, err="FAILED: bad") if self.promtool_refuses else Outcome(0, "SUCCESS")

    def _pg_dump(self, _argv: tuple[str, ...], _text: str) -> str:
        return "pg_dump (PostgreSQL) 15.0"

    def _getconf(self, _argv: tuple[str, ...], _text: str) -> str:
        return "16384\n"

    def _ip(self, _argv: tuple[str, ...], _text: str) -> str:
        links = [
            {"ifname": "eth0", "addr_info": [{"local": one} for one in self.addresses]},
            {"ifname": "docker0", "addr_info": [{"local": "172.17.0.1"}]},
        ]
        return json.dumps(links)

    def _dpkg_query(self, argv: tuple[str, ...], _text: str) -> str:
        if argv[-1] == "redis-tools":
            return "5:7.0.15-1~deb12u1"
        return "".join(f"ii  {name}\n" for name in sorted(self.packages))

    def _apt_cache(self, argv: tuple[str, ...], _text: str) -> Outcome:
        return Outcome(0 if argv[-1] in self.offered else 100)

    def _apt_get(self, argv: tuple[str, ...], _text: str) -> str | Outcome:
        if "update" in argv:
            return Outcome(0, err=self.apt_update_says)
        named = [word for word in argv[argv.index("purge") + 1 if "purge" in argv else 0 :] if word != "-y"]
        if "install" in argv and "--simulate" in argv:
            brought = {"redis-tools": "liblzf1", "avahi-daemon": "libdaemon0"}
            return "".join(f"Inst {name} (1.0 Debian)\n" for name in (argv[-1], brought.get(argv[-1], "libc6")))
        if "install" in argv:
            if self.apt_ends_the_program:
                self.packages |= {argv[-1]}
                raise KeyboardInterrupt
            self.installed_by_name.append(argv[-1])
            if argv[-1] == "avahi-daemon":
                self.packages |= {argv[-1], "libdaemon0"}
                with (self.root / "etc/group").open("a") as file:
                    file.write("netdev:x:106:\n")
                return ""
            self.packages |= {argv[-1], "liblzf1"}
            (self.root / "usr/bin" / argv[-1].replace("tools", "check-rdb")).write_text("a program")
        elif "--simulate" in argv:
            return "".join(f"Purg {name} [1]\n" for name in {*named, *self.also_removed})
        elif "purge" in argv:
            self.packages -= set(named)
            if "redis-tools" in named:
                (self.root / "usr/bin/redis-check-rdb").unlink(missing_ok=True)
            if "avahi-daemon" in named:
                self.active.discard("avahi-daemon.service")
                (self.root / "etc/systemd/system/avahi-daemon.service.wanted").unlink(missing_ok=True)
        return ""

    def _systemd_sysusers(self, argv: tuple[str, ...], _text: str) -> None:
        assert (self.root / argv[0][1:]).exists()
        if self.host.user_id("openclaw-hub") is None:
            with (self.root / "etc/passwd").open("a") as file:
                file.write(f"openclaw-hub:x:{os.getuid()}:990::/:/usr/sbin/nologin\n")

    def _userdel(self, argv: tuple[str, ...], _text: str) -> None:
        file = self.root / "etc/passwd"
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not line.startswith(f"{argv[0]}:")))

    def _groupdel(self, argv: tuple[str, ...], _text: str) -> None:
        file = self.root / "etc/group"
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not line.startswith(f"{argv[0]}:")))

    def _systemd_tmpfiles(self, argv: tuple[str, ...], _text: str) -> None:
        path = argv[1].removeprefix("--prefix=")
        assert f"d {path} {FOLDER_MODES[path]:04o} " in (self.root / argv[2][1:]).read_text()
        self.host.make_folder(path, FOLDER_MODES[path])

    def _systemctl(self, argv: tuple[str, ...], _text: str) -> str | Outcome:
        verb, unit = argv[0], argv[-1]
        if verb == "--version":
            return "systemd 252 (252.1)\n"
        wants = self.root / "etc/systemd/system" / f"{unit}.wanted"
        if verb == "show":
            return self._show(unit, wants, argv)
        if verb == "is-failed":
            return f"{self.last_run}\n"
        if verb == "is-active":
            return "active\n" if unit in self.active else "inactive\n"
        if "--now" in argv and verb == "enable":
            self.active.add(unit)
        return self._changed(verb, unit, wants)

    def _changed(self, verb: str, unit: str, wants: Path) -> str | Outcome:
        if verb == "daemon-reload" and "NeedDaemonReload" in self.unit_files_say:
            self.unit_files_say = ""
        if verb == "enable":
            wants.write_text("")
        elif verb == "disable":
            wants.unlink(missing_ok=True)
            self.active.discard(unit)
        elif verb == "restart":
            if "restart" in self.broken:
                return Outcome(1, err="Job failed")
            self.active.add(unit)
            if unit.endswith(".timer"):
                (self.root / f"var/lib/systemd/timers/stamp-{unit}").write_text("")
        elif verb == "stop":
            self.active.discard(unit)
        return ""

    def _show(self, unit: str, wants: Path, argv: tuple[str, ...]) -> str:
        if "MainPID" in argv:
            return "42\n"
        file = self.root / "etc/systemd/system" / unit
        load = "masked" if file.is_symlink() else "loaded" if file.exists() else "not-found"
        enabled = "enabled" if wants.exists() else "disabled"
        active = "active" if unit in self.active else "inactive"
        said = f"LoadState={load}\nUnitFileState={enabled}\nActiveState={active}\n"
        return f"{said}{self.unit_files_say}\n" if unit == HUB_UNIT else said
