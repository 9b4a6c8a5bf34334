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
REDIS_CONF = f"{SETTINGS_FOLDER}/redis.conf"

STATE = "/var/lib/openclaw-hub"
BACKUPS = "/var/backups/openclaw-hub"
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


def own_url(host: str, port: int) -> str:
    """The address, on the machine itself, of a hub that listens on `host`."""
    return f"http://{EVERYWHERE.get(host, f'[{host}]' if ':' in host else host)}:{port}"
