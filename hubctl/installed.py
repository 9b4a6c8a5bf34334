"""Where everything lies on an installed machine: every path and unit on one page."""

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
