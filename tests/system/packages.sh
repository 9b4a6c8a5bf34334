#!/bin/sh
# Makes sure that what boots a Debian of its own is there: debootstrap and systemd-nspawn. Needs root.
set -eu
if command -v debootstrap >/dev/null && command -v systemd-nspawn >/dev/null; then exit 0; fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "the tests of the installed hub need root, debootstrap and systemd-nspawn (systemd-container)" >&2
    exit 1
fi
echo "installing for the tests: debootstrap systemd-container"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null
apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends debootstrap systemd-container >/dev/null
