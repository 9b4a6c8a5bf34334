#!/bin/sh
# Makes sure that what boots a system of its own is there: root, debootstrap, systemd-nspawn and the namespaces that it
# takes. Where it is not to be had, one line says why.
set -eu

cannot() { echo "the hub cannot be installed on a booted machine here: $1" >&2; exit 1; }

[ "$(id -u)" = 0 ] || cannot "that takes root"
if ! command -v debootstrap >/dev/null || ! command -v systemd-nspawn >/dev/null; then
    command -v apt-get >/dev/null || cannot "install debootstrap and systemd-nspawn (systemd-container)"
    echo "installing for the tests: debootstrap systemd-container"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends debootstrap systemd-container >/dev/null
fi
unshare --mount --pid --uts --ipc --fork true 2>/dev/null || cannot "this machine lets nobody make namespaces"
