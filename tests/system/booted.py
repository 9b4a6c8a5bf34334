"""A machine of its own: a copy of a bare system, booted by systemd-nspawn, entered by nsenter."""

import hashlib
import os
import platform
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from tests.system.bare import CACHE, RELEASE

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURES = ("x86_64", "aarch64")
OLD_ENOUGH = ("2_17", "2_24", "2_26", "2_28", "2_31", "2_34", "2_35", "2_36")
"""The versions of the C library that wheels may ask for: the newest is that of Debian 12."""

BOOT_TIMEOUT_S = 90.0
COMMAND_TIMEOUT_S = 600.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# What every machine changes by itself, what apt keeps of packages that came and went, and what a useradd leaves that is
# killed while it takes its lock.
RESTLESS = re.compile(
    r"/(?:var/log|var/cache|var/lib/(?:apt|dpkg|systemd|dbus|ucf)|var/tmp|tmp|run|root|proc|sys|dev)(?:/|$)"
    r"|/etc/(?:passwd|shadow|group|gshadow)\.\d+$"
    r"|/etc/(?:passwd-|shadow-|group-|gshadow-|subuid-|subgid-|\.pwd\.lock|machine-id|ld\.so\.cache|resolv\.conf)$"
    r"|.*/__pycache__(?:/|$)"
)


def wheelhouse(python: str = RELEASE.python, architecture: str = platform.machine()) -> Path:
    """The locked dependencies as wheels for this Python and processor, each with a hash that the lock has."""
    # Whatever the markers say: pip judges them by the Python that it runs on.
    lock = re.sub(r" ; [^\\\n]*", " ", (ROOT / "deploy/requirements.lock").read_text("utf-8"))
    folder = CACHE / f"wheels-{python}-{architecture}-{hashlib.sha256(lock.encode()).hexdigest()[:8]}"
    if not folder.exists():
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        (fresh / "requirements.lock").write_text(lock)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        libraries = ["manylinux2014", *(f"manylinux_{version}" for version in OLD_ENOUGH)]
        machine = [f"--platform={library}_{architecture}" for library in libraries]
        lines = ["--require-hashes", "-r", str(fresh / "requirements.lock"), "-d", str(fresh)]
        subprocess.run([*pip, f"--python-version={python}", *machine, *lines], check=True)
        fresh.rename(folder)
    return folder


def wheel_of(checkout: Path, folder: Path) -> Path:
    """A wheel of what is in a checkout now."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    before = set(folder.iterdir()) if folder.exists() else set()
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)
    (built,) = set(folder.iterdir()) - before
    return built


class Booted:
    """A machine under `root`. Its network is ours; the wheel lies in /dist, its dependencies in /wheels."""

    def __init__(self, root: Path, base: Path, wheels: Path, wheel: Path) -> None:
        self.root = root
        self.dist = wheel.parent
        self.wheel = f"/dist/{wheel.name}"
        self._process: subprocess.Popen[bytes] | None = None
        subprocess.run(["cp", "-a", "--reflink=auto", base, root], check=True)
        (root / "etc/machine-id").write_text("")
        binds = {"/wheels": wheels, "/dist": wheel.parent, "/deploy": ROOT / "deploy"}
        for name in binds:
            (root / name[1:]).mkdir()
        self._binds = [f"--bind-ro={source}:{name}" for name, source in binds.items()]

    def boot(self) -> None:
        """Switch it on, and wait until systemd has started everything."""
        command = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe"]
        command += [f"--directory={self.root}", "--machine=hubtest", "--resolv-conf=copy-host", *self._binds]
        with (self.root.parent / "console.log").open("ab") as console:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while self._state() not in ("running", "degraded"):
            assert time.monotonic() < deadline, (self.root.parent / "console.log").read_text()
            time.sleep(0.5)

    def _state(self) -> str:
        try:
            return self.run("systemctl", "is-system-running").stdout.strip()
        except LookupError:
            return "off"

    def switch_off(self) -> None:
        """Shut it down in order."""
        assert self._process is not None
        self.run("systemctl", "poweroff", "--no-block")
        self._process.wait(60)

    def pull_the_plug(self) -> None:
        """Nothing on the machine gets the time to end in order."""
        assert self._process is not None
        os.kill(self._first_process(), signal.SIGKILL)
        self._process.wait(60)

    def discard(self) -> None:
        """Switch it off by force and throw it away."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def _first_process(self) -> int:
        assert self._process is not None
        if self._process.poll() is not None:
            raise LookupError("the machine is off")
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
        raise LookupError("the machine has not begun to boot")

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the machine as root, without a terminal."""
        enter = ["nsenter", "--target", str(self._first_process()), "--all", "--"]
        clean = ["/usr/bin/env", "-i", f"PATH={PATH}", "HOME=/root", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels"]
        return subprocess.run(
            [*enter, *clean, *argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )

    def must(self, *argv: str) -> str:
        """Run a command that has to work; what it printed."""
        ended = self.run(*argv)
        assert ended.returncode == 0, f"{argv}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def files(self) -> dict[str, str]:
        """Every file of the machine's disk that does not change by itself: kind, mode, owner, and what is in it."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            shown = Path("/", Path(folder).relative_to(self.root))
            folders[:] = [name for name in folders if not RESTLESS.match(str(shown / name))]
            for name in (*folders, *names):
                if not RESTLESS.match(str(shown / name)):
                    found[str(shown / name)] = _described(Path(folder, name))
        return found


def _described(path: Path) -> str:
    status = path.lstat()
    content = ""
    if stat.S_ISREG(status.st_mode):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    elif stat.S_ISLNK(status.st_mode):
        content = str(path.readlink())
    return f"{status.st_mode:o} {status.st_uid}:{status.st_gid} {content}"


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What came, went or is different."""
    return sorted(
        [f"+ {path}" for path in after.keys() - before.keys()]
        + [f"- {path}" for path in before.keys() - after.keys()]
        + [
            f"~ {path}: {before[path]} -> {after[path]}"
            for path in before.keys() & after.keys()
            if before[path] != after[path]
        ]
    )
