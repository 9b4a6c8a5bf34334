"""Where everything lies on an installed machine: every path and unit on one page."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - names of addresses, not a place to listen
"""Where a hub that listens everywhere is found by its own machine."""

SOFTWARE = "/opt/openclaw-hub"
CURRENT = f"{SOFTWARE}/current"
COMMAND = "/usr/local/bin/hubctl"

SETTINGS_FOLDER = "/etc/openclaw-hub"
SETTINGS = f"{SETTINGS_FOLDER}/hub.toml"
CREDENTIALS = f"{SETTINGS_FOLDER}/credentials"
REDIS_URL = f"{CREDENTIALS}/redis.url"
OUTSIDER_PASSWORD = f"{CREDENTIALS}/redis-outsider.password"
DATABASE_URL = f"{CREDENTIALS}/database.url"
REDIS_CONF = f"{SETTINGS_FOLDER}/redis.conf"

TLS = f"{SETTINGS_FOLDER}/tls"
AUTHORITY_CERT, AUTHORITY_KEY = f"{TLS}/ca.crt", f"{TLS}/ca.key"
HUB_CERT, HUB_KEY = f"{TLS}/hub.crt", f"{TLS}/hub.key"

VERSIONS = f"{SOFTWARE}/versions"
UPGRADES = f"{SOFTWARE}/upgrades.json"
UPGRADE_LOCK = f"{SOFTWARE}/upgrade.lock"
GATE = f"{SOFTWARE}/gate"
"""While it is there the hub is on trial; the hub's unit names it."""

WAY_BACK = f"{SOFTWARE}/way-back"
"""While a version is tried: a link to the one before, which can take it back; the mending unit names it."""

STATE = "/var/lib/openclaw-hub"
BACKUPS = "/var/backups/openclaw-hub"
RESTORING = f"{BACKUPS}/.restoring"
"""How the copy of a backup begins that a restore makes; it goes when the restore ends."""

SNAPSHOTS = f"{STATE}/snapshots"
RUNTIME = "/run/openclaw-hub"
REDIS_SOCKET = f"{RUNTIME}/redis.sock"

USER = "openclaw-hub"
SYSUSERS = "/etc/sysusers.d/openclaw-hub.conf"
TMPFILES = "/etc/tmpfiles.d/openclaw-hub.conf"

UNITS = "/etc/systemd/system"
HUB_UNIT = "openclaw-hub.service"
REDIS_UNIT = "openclaw-hub-redis.service"
BACKUP_UNIT = "openclaw-hub-backup.service"
BACKUP_TIMER = "openclaw-hub-backup.timer"
MEND_UNIT = "openclaw-hub-mend.service"
TLS_UNIT = "openclaw-hub-tls.service"
TLS_TIMER = "openclaw-hub-tls.timer"
DROP_IN = f"{UNITS}/{HUB_UNIT}.d/10-setup.conf"
BACKUP_DROP_IN = f"{UNITS}/{BACKUP_UNIT}.d/10-setup.conf"


def own_url(host: str, port: int, *, tls: bool = False) -> str:
    """The address, on the machine itself, of a hub that listens on `host`."""
    return f"http{'s' if tls else ''}://{EVERYWHERE.get(host, f'[{host}]' if ':' in host else host)}:{port}"
