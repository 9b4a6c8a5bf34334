"""Bare systems to boot, as their distributions hand them out: bootstrapped once, kept, and copied for each run."""

import hashlib
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import NamedTuple

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "openclaw-hub-tests"
INCLUDED = "systemd,systemd-sysv,dbus,python3,iproute2,ca-certificates,procps"
"""What a system that nobody prepared has at the least: systemd, the network, Python without its venv module."""

UBUNTU = "http://archive.ubuntu.com/ubuntu"
KEYS = f"{UBUNTU}/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb"
KEYS_SHA256 = "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8"
"""Debian 12 has no package of these keys. It is Ubuntu's, with F6ECB3762474EDA9D21B7022871920D1991BC93C in it."""


class Release(NamedTuple):
    """A release by its code name; wheels are fetched for its `python`."""

    name: str
    python: str
    ubuntu: bool = False


RELEASES = {
    release.name: release
    for release in (Release("bookworm", "3.11"), Release("trixie", "3.13"), Release("noble", "3.12", ubuntu=True))
}
RELEASE = RELEASES[os.environ.get("HUB_TEST_RELEASE", "bookworm")]


def base_system(release: Release = RELEASE) -> Path:
    """The bootstrapped system, made on the first run and never booted itself."""
    base = CACHE / f"{release.name}-{hashlib.sha256(INCLUDED.encode()).hexdigest()[:8]}"
    if not base.exists():
        fresh = base.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.parent.mkdir(parents=True, exist_ok=True)
        command = ["debootstrap", "--variant=minbase", f"--include={INCLUDED}"]
        if release.ubuntu:
            _bootstrap_ubuntu(command, release.name, fresh)
        else:
            subprocess.run([*command, release.name, fresh], check=True)
        fresh.rename(base)
    return base


def _bootstrap_ubuntu(command: list[str], name: str, fresh: Path) -> None:
    """Bootstrap what was released and bring it up to date, as on a machine of today; Redis comes from `universe`."""
    # All newer releases are made as this one; Debian's debootstrap does not know them by name.
    script = "/usr/share/debootstrap/scripts/gutsy"
    trusted = ["--components=main,universe", f"--keyring={_ubuntu_keys()}"]
    subprocess.run([*command, *trusted, name, fresh, UBUNTU, script], check=True)
    suites = (name, f"{name}-updates", f"{name}-security")
    lines = [f"deb {UBUNTU} {suite} main universe\n" for suite in suites]
    (fresh / "etc/apt/sources.list").write_text("".join(lines))
    inside = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=copy-host"]
    inside += [f"--directory={fresh}", "--setenv=DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    for words in (["update"], ["dist-upgrade", "-y"], ["clean"]):
        subprocess.run([*inside, *words], check=True, stdin=subprocess.DEVNULL)


def _ubuntu_keys() -> Path:
    folder = CACHE / f"ubuntu-keys-{KEYS_SHA256[:8]}"
    if not folder.exists():
        with urllib.request.urlopen(KEYS, timeout=60) as answer:
            package: bytes = answer.read()
        if hashlib.sha256(package).hexdigest() != KEYS_SHA256:
            raise ValueError(f"{KEYS} is not the package of keys that is known")
        CACHE.mkdir(parents=True, exist_ok=True)
        file = folder.with_suffix(".deb")
        file.write_bytes(package)
        fresh = folder.with_suffix(".new")
        subprocess.run(["dpkg-deb", "--extract", file, fresh], check=True)
        fresh.rename(folder)
    return folder / "usr/share/keyrings/ubuntu-archive-keyring.gpg"
