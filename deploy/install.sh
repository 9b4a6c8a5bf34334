#!/bin/sh
# Makes this machine a hub from a wheel: installs what Python lacks to make a venv, puts the hub into a venv of its own
# under /opt/openclaw-hub, and calls `hubctl setup`, to which further options are handed on.
#   sudo sh install.sh --wheel openclaw_hub-1.0.0-py3-none-any.whl [--yes] [--answers FILE]
# Where another version is in use already, it calls `hubctl upgrade` instead. With --no-setup it calls nothing.
set -eu
umask 022
home=/opt/openclaw-hub

# Without a battery a machine starts with a clock of months ago, and what is signed or encrypted is refused.
clock() { date -u '+the clock shows %Y-%m-%d %H:%M UTC; if that is wrong, set it and run this again'; }
fail() { echo "install.sh: $1" >&2; exit 1; }
usage() { echo "usage: sudo sh install.sh --wheel FILE [--yes] [options of hubctl setup]" >&2; exit 2; }
packages() { dpkg-query -W -f '${Package}\n' | sort; }
# An upgrade of the distribution may have taken the Python away on which a version was installed.
runs() { "$1/bin/python" -P -c 'import hubctl, server' 2>/dev/null; }

wheel=
setup=yes
[ $# -gt 0 ] || usage
# What is not ours goes to the end of the list, in order, until only that is left.
left=$#
while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    case $argument in
        --wheel) [ "$left" -gt 0 ] || usage; wheel=$1; shift; left=$((left - 1)) ;;
        --wheel=*) wheel=${argument#--wheel=} ;;
        --no-setup) setup= ;;
        -h | --help) usage ;;
        *) set -- "$@" "$argument" ;;
    esac
done

[ -n "$wheel" ] || usage
[ -f "$wheel" ] || fail "there is no file $wheel"
# The programs' own, whatever the kernel's. Not all dependencies have wheels for 32 bits; pip would build them for hours.
architecture=$(dpkg --print-architecture 2>/dev/null || uname -m)
case $architecture in
    amd64 | x86_64 | arm64 | aarch64) ;;
    arm*) fail "this system is built for 32 bits ($architecture); take the 64-bit edition of Raspberry Pi OS or Debian" ;;
    *) fail "this system is built for $architecture; the hub runs on x86-64 and aarch64" ;;
esac
[ "$(id -u)" = 0 ] || fail "run it as root: sudo sh install.sh --wheel $wheel"
version=$(basename "$wheel" | sed -n 's/^openclaw_hub-\([0-9][^-]*\)-.*\.whl$/\1/p')
[ -n "$version" ] || fail "$wheel is no wheel of the hub; its name must begin with openclaw_hub-VERSION-"
command -v python3 >/dev/null || fail "Python 3.11 or newer is needed: apt-get install python3"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed, this is $(python3 --version)"
if [ -e "$home" ] && [ ! -d "$home/versions" ]; then fail "$home is there already and is not the hub's; move it away"; fi

mkdir -p "$home/versions"
free=$(df -Pk "$home" | awk 'NR == 2 { print int($4 / 1024) }')
[ "${free:-300}" -ge 300 ] || fail "$free MB are free under $home, 300 are needed: make room (df -h $home), then run this again; nothing was changed"
# Of two that run at once the second waits; the lock ends with this script at the latest.
exec 9<"$home/versions"
flock -n 9 || { echo "waiting for another install.sh to end" && flock 9; }
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    command -v apt-get >/dev/null || fail "Python lacks its venv module; install python3-venv"
    echo "installing python3-venv"
    # Kept until it has been used: this may be cut short, and what came along is to go again.
    [ -f "$home/packages.before" ] || { packages >"$home/packages.new" && mv "$home/packages.new" "$home/packages.before"; }
    export DEBIAN_FRONTEND=noninteractive
    apt() { apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null; }
    dpkg --configure -a >/dev/null
    apt update || true # what apt knew before may do, and if not it says so itself
    apt install -y --no-install-recommends python3-venv ||
        fail "python3-venv could not be installed, the lines above say why; nothing else was changed ($(clock))"
fi
if [ -f "$home/packages.before" ]; then
    # `hubctl uninstall` takes these along again.
    packages | comm -13 "$home/packages.before" - >>"$home/packages"
    rm -f "$home/packages.before"
fi

venv=$home/versions/$version
current=$(readlink "$home/current" || true)
if [ -n "$setup" ] && [ -n "$current" ] && [ "$current" != "$venv" ] && runs "$current"; then
    exec "$current/bin/hubctl" upgrade "$wheel" "$@" 9<&-
fi
digest=$(sha256sum "$wheel" | cut -d ' ' -f 1)
if [ "$(cat "$venv/.wheel" 2>/dev/null)" != "$digest" ] || ! runs "$venv"; then
    # What runs from there would lose its files; and a version that is not tried is no upgrade.
    if [ "$current" = "$venv" ] && runs "$venv"; then
        fail "$version is in use, and this is another wheel of that name: give it a number of its own, or begin with hubctl uninstall, which keeps the data"
    fi
    echo "installing version $version into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])' \
        "$wheel" hubctl/deploy/requirements.lock "$venv/.lock"
    pip() {
        "$venv/bin/python" -m pip --quiet --disable-pip-version-check --no-cache-dir install "$@" || {
            rm -rf "$venv"
            fail "version $version could not be installed, the lines above say why; nothing else was changed. Run this again when that is mended ($(clock))"
        }
    }
    pip --require-hashes -r "$venv/.lock/hubctl/deploy/requirements.lock"
    pip --no-deps "$wheel"
    rm -rf "$venv/.lock"
    # Written last, so that an install that was cut short is done again.
    echo "$digest" >"$venv/.wheel"
fi
[ -z "$setup" ] || exec "$venv/bin/hubctl" setup "$@" 9<&-
