#!/bin/sh
# Makes sure that what the tests need of the system is there: PostgreSQL's server, Chromium, Node, npm, curl and Prometheus,
# a C compiler for the load generator, and what injects faults: strace, ip, libfaketime; nginx, HAProxy and Caddy, to stand
# in front, and pgbouncer to stand before PostgreSQL.
# Root on Debian or Ubuntu gets it installed; anybody else gets one line that says what to install.
# The argument is the Python whose Playwright fetches Chromium where the distribution has none as a package.
set -eu
python=${1:-python3}

has() { command -v "$1" >/dev/null 2>&1; }

has_postgres() {
    # Debian keeps the server's programs off the PATH.
    has initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

has_chromium() {
    has chromium || has chromium-browser || has google-chrome ||
        ls "${PLAYWRIGHT_BROWSERS_PATH:-$HOME/.cache/ms-playwright}"/chromium-*/*/chrome >/dev/null 2>&1
}

has_faketime() {
    ls /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 2>/dev/null | grep -q .
}

missing() {
    has_postgres || printf ' postgresql'
    has_chromium || printf ' chromium'
    has node || printf ' nodejs'
    has npm || printf ' npm'
    has curl || printf ' curl'
    { has prometheus && has promtool; } || printf ' prometheus'
    has nginx || ls /usr/sbin/nginx >/dev/null 2>&1 || printf ' nginx'
    has haproxy || ls /usr/sbin/haproxy >/dev/null 2>&1 || printf ' haproxy'
    has pgbouncer || ls /usr/sbin/pgbouncer >/dev/null 2>&1 || printf ' pgbouncer'
    has caddy || printf ' caddy'
    has setpriv || printf ' util-linux'
    has cc || printf ' gcc libc6-dev'
    has strace || printf ' strace'
    has ip || printf ' iproute2'
    has_faketime || printf ' libfaketime'
}

apt() {
    DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null >/dev/null
}

# A package that brings a service starts it when installed; the tests start their own servers, so nothing shall listen.
without_services() {
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT INT TERM
    "$@"
    rm -f "$policy"
    trap - EXIT INT TERM
}

install() {
    apt update
    if ! apt-cache show chromium >/dev/null 2>&1 && ! has_chromium; then
        # Ubuntu has Chromium as a snap only, which does not run everywhere.
        "$python" -m playwright install --with-deps chromium
    fi
    wanted=$(missing)
    # One word a package.
    # shellcheck disable=SC2086
    [ -z "$wanted" ] || without_services apt install --no-install-recommends $wanted
}

wanted=$(missing)
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" = 0 ] && has apt-get; then
    echo "installing for the tests:$wanted"
    install
    wanted=$(missing)
    [ -n "$wanted" ] || exit 0
fi
echo "the tests need these packages, please install them:$wanted" >&2
exit 1
