"""THE LIST, read top to bottom: what a machine is when it is a hub."""

import re
import secrets

from hubctl.assets import deploy_dir
from hubctl.choices import PRIVATE_REDIS, choices
from hubctl.encrypting import loaded, renewing, tls_steps
from hubctl.host import Host
from hubctl.installed import (
    BACKUP_DROP_IN,
    BACKUP_TIMER,
    BACKUP_UNIT,
    BACKUPS,
    COMMAND,
    CREDENTIALS,
    CURRENT,
    DATABASE_URL,
    DROP_IN,
    HUB_KEY,
    HUB_UNIT,
    MEND_UNIT,
    OUTSIDER_PASSWORD,
    REDIS_CONF,
    REDIS_SOCKET,
    REDIS_UNIT,
    REDIS_URL,
    RUNTIME,
    SETTINGS,
    SETTINGS_FOLDER,
    SOFTWARE,
    STATE,
    SYSUSERS,
    TMPFILES,
    UNITS,
    USER,
)
from hubctl.observing import announcing, monitoring
from hubctl.receipt import Receipt
from hubctl.step import Step
from hubctl.steps.accounts import OwnFolderStep, UserStep
from hubctl.steps.choice import ChoicesStep, ReceiptStep, UnwantedStep
from hubctl.steps.disk import DiskStep, PlacesStep
from hubctl.steps.files import FileStep, FolderStep, LinkStep
from hubctl.steps.machine import ClockStep, MachineStep, PortStep, VersionStep
from hubctl.steps.packages import RedisProgramStep, found_server
from hubctl.steps.probe import AnswersStep
from hubctl.steps.servers import OwnServerStep
from hubctl.steps.settings import SecretStep, SettingsStep, redis_conf
from hubctl.steps.systemd import UnitStep
from hubctl.steps.upgrading import InUseStep, RestoreStep, UpgradeStep
from hubctl.wanted import RELOAD, Chosen, deployed, kept
from hubctl.wanted import Installation as Installation


def recipe(wanted: Installation) -> list[Step]:
    """Every step, in the order in which they build on each other; first what is to go, last made first."""
    steps = [
        *_machine(wanted),
        *_software(wanted),
        *_accounts(),
        *_settings(wanted),
        *tls_steps(wanted),
        *_running(wanted),
        *_backups(wanted),
        *_mending(),
    ]
    steps += [announcing(wanted), *monitoring(wanted), _answers(wanted)]
    gone = [UnwantedStep(one.step, one.mark) for one in steps if isinstance(one, Chosen) and not one.wanted]
    kept = (one.step if isinstance(one, Chosen) else one for one in steps if not isinstance(one, Chosen) or one.wanted)
    return [*reversed(gone), *kept]


def _machine(wanted: Installation) -> list[Step | Chosen]:
    return [
        ReceiptStep(
            key="receipt", name="what setup made is noted", hint="Setup makes a damaged one whole from the other."
        ),
        UpgradeStep(
            key="upgrade",
            name="no upgrade is half done",
            hint="`hubctl rollback` or `hubctl setup` brings it to its end.",
            venv=wanted.venv,
        ),
        RestoreStep(
            key="restore",
            name="no restore is half done",
            hint="A database that was replaced lies beside the new one (hub.db.before-restore-…).",
        ),
        InUseStep(
            key="in-use",
            name="the version in use is this one",
            hint=f"`{COMMAND}` is that of the version in use; its `upgrade WHEEL` goes to another, and tries it first.",
            venv=wanted.venv,
        ),
        *_own_servers(wanted),
        MachineStep(
            key="machine",
            name="the machine is one that a hub runs on",
            hint="Take another machine, or `hubctl run` on this one.",
        ),
        DiskStep(
            key="disk",
            name="the disk has room and lasts",
            hint=f"See what fills it: du -xh --max-depth=2 /var | sort -h | tail. Old backups lie in {BACKUPS}.",
            path=STATE,
        ),
        PlacesStep(
            key="places",
            name="setup may write where it has to",
            hint="`findmnt --target FOLDER` says how it is mounted (`mount -o remount,rw` makes it writable; dmesg "
            "says if its disk failed), `lsattr -d FOLDER` whether it is marked immutable.",
            folders=(SETTINGS_FOLDER, UNITS, *(path.rpartition("/")[0] for path in (SYSUSERS, TMPFILES)), SOFTWARE),
            command=COMMAND,
            to=f"{CURRENT}/bin/hubctl",
        ),
        ClockStep(key="clock", name="the clock is set", hint="timedatectl set-ntp true sets it from the network."),
        PortStep(
            key="port",
            name=f"port {wanted.answers.port} is the hub's",
            hint=f"Stop the other program, or give the hub another port in {SETTINGS} or --answers.",
            port=wanted.answers.port,
            unit=HUB_UNIT,
        ),
    ]


def _software(wanted: Installation) -> list[Step | Chosen]:
    return [
        VersionStep(
            key="version",
            name="this version is installed",
            hint="deploy/install.sh --wheel FILE puts one into place.",
            folder=SOFTWARE,
            venv=wanted.venv,
        ),
        RedisProgramStep(
            key="redis-program",
            name="a Redis or Valkey program is installed",
            hint="See whether `apt-get install redis-tools` works, then run setup again.",
            wanted=not wanted.answers.redis_url,
            python=f"{wanted.venv}/bin/python",
        ),
        LinkStep(
            key="current",
            name="this version is the current one",
            hint="Run setup again.",
            path=CURRENT,
            to=wanted.venv,
        ),
        LinkStep(
            key="command",
            name="hubctl is on the PATH",
            hint="Run setup again.",
            path=COMMAND,
            to=f"{CURRENT}/bin/hubctl",
        ),
    ]


def _own_servers(wanted: Installation) -> list[Step]:
    given = (("redis", wanted.answers.redis_url), ("database", wanted.answers.database_url))
    return [
        OwnServerStep(
            key=f"own-{kind}",
            name=f"the {kind} of your own can be used",
            hint="Mend it there, or give setup another address.",
            kind=kind,
            url=url,
            python=f"{wanted.venv}/bin/python",
        )
        for kind, url in given
        if url
    ]


def _accounts() -> list[Step]:
    folders = ((STATE, 0o700), (BACKUPS, 0o700), (RUNTIME, 0o750))
    return [
        deployed("sysusers", "the hub's user is described", SYSUSERS, "sysusers.conf", keeps_data=True),
        UserStep(
            key="user",
            name=f"the user {USER} exists",
            hint="See what `systemd-sysusers` says.",
            keeps_data=True,
            user=USER,
            source=SYSUSERS,
        ),
        deployed("tmpfiles", "the hub's folders are described", TMPFILES, "tmpfiles.conf", keeps_data=True),
        *(
            OwnFolderStep(
                key=path.strip("/").replace("/", "-"),
                name=f"{path} is the hub's alone",
                hint="Run setup again; it gives everything in there back to the hub.",
                keeps_data=path != RUNTIME,
                path=path,
                user=USER,
                mode=mode,
                source=TMPFILES,
            )
            for path, mode in folders
        ),
    ]


def _settings(wanted: Installation) -> list[Step | Chosen]:
    private_redis = not wanted.answers.redis_url
    folders = ((SETTINGS_FOLDER, "settings-folder"), (CREDENTIALS, "credentials"))
    return [
        *(
            FolderStep(
                key=key, name=f"{path} is root's alone", hint="Run setup again.", keeps_data=True, path=path, mode=0o700
            )
            for path, key in folders
        ),
        SettingsStep(
            key="settings",
            name="the settings can be read",
            hint=f"Mend {SETTINGS}, or run setup, which writes it anew and keeps the damaged one beside it.",
            keeps_data=True,
            answers=wanted.answers,
            asked=wanted.asked,
        ),
        ChoicesStep(
            key="choices",
            name="what was chosen is noted",
            hint="Run setup again.",
            keeps_data=True,
            choices=choices(wanted.answers),
        ),
        _redis_secret(wanted.answers.redis_url),
        Chosen(
            bool(wanted.answers.database_url),
            ("file", DATABASE_URL),
            _given_secret("database-url", "the hub knows your database", DATABASE_URL, wanted.answers.database_url),
        ),
        Chosen(
            private_redis,
            ("file", OUTSIDER_PASSWORD),
            SecretStep(
                key="outsider-password",
                name="other programs have a password for it",
                hint="Run setup again; it makes a new one, which they need to be told.",
                keeps_data=True,
                path=OUTSIDER_PASSWORD,
                make=lambda: secrets.token_urlsafe(24),
                shape=r"[A-Za-z0-9_-]{32}",
            ),
        ),
        Chosen(
            private_redis,
            ("file", REDIS_CONF),
            FileStep(
                key="redis-conf",
                name="the Redis configuration is this version's",
                hint="Run setup again.",
                path=REDIS_CONF,
                text=redis_conf(f"{wanted.venv}/bin/python"),
                mode=0o600,
                secret=True,
            ),
        ),
    ]


def _redis_secret(url: str) -> Step:
    if url:
        return _given_secret("redis-url", "the hub knows your Redis", REDIS_URL, url)
    return SecretStep(
        key="redis-password",
        name="the hub has a password for its Redis",
        hint="Run setup again; it makes a new one.",
        keeps_data=True,
        path=REDIS_URL,
        make=lambda: f"unix://hub:{secrets.token_urlsafe(32)}@{REDIS_SOCKET}",
        shape=PRIVATE_REDIS,
    )


def _given_secret(key: str, name: str, path: str, url: str) -> Step:
    hint = "Run setup again, with the address if it has changed."
    return SecretStep(key=key, name=name, hint=hint, keeps_data=True, path=path, make=lambda: url, shape=re.escape(url))


def _running(wanted: Installation) -> list[Step | Chosen]:
    redis_unit = f"{UNITS}/{REDIS_UNIT}"
    lines = loaded(wanted)
    pieces = (wanted.certificate, HUB_KEY if wanted.answers.tls == "self" else wanted.answers.tls_key)
    return [
        *_private_redis(redis_unit, wanted=not wanted.answers.redis_url),
        deployed("hub-unit", "the hub's unit is this version's", f"{UNITS}/{HUB_UNIT}", HUB_UNIT, then=RELOAD),
        Chosen(
            bool(lines),
            ("file", DROP_IN),
            FileStep(
                key="hub-drop-in",
                name="the hub's unit hands it what was chosen",
                hint="Run setup again.",
                path=DROP_IN,
                text=lambda _host, _receipt: f"[Service]\n{lines}",
                then=RELOAD,
            ),
        ),
        UnitStep(
            key="hub",
            name="the hub runs",
            hint=f"journalctl -u {HUB_UNIT} says what it lacks.",
            unit=HUB_UNIT,
            sources=(
                *(f"{UNITS}/{HUB_UNIT}", SETTINGS, REDIS_URL, CURRENT),
                *((DROP_IN, DATABASE_URL, *pieces) if lines else ()),
            ),
        ),
        *renewing(wanted),
    ]


def _private_redis(unit: str, *, wanted: bool) -> list[Chosen]:
    return [
        Chosen(
            wanted,
            ("file", unit),
            FileStep(
                key="redis-unit",
                name="the unit of the hub's Redis is this version's",
                hint=f"Run setup again. What is to differ belongs into `systemctl edit {REDIS_UNIT}`.",
                path=unit,
                text=_redis_unit,
                then=RELOAD,
            ),
        ),
        Chosen(
            wanted,
            ("started", REDIS_UNIT),
            UnitStep(
                key="redis",
                name="the hub's Redis runs",
                hint=f"journalctl -u {REDIS_UNIT} says what it lacks.",
                unit=REDIS_UNIT,
                sources=(unit, REDIS_CONF),
            ),
        ),
    ]


REMOTE_BACKUP = f"""[Service]
LoadCredential=database.url:{DATABASE_URL}
# A database of the owner's may be anywhere.
PrivateNetwork=no
IPAddressDeny=
RestrictAddressFamilies=AF_INET AF_INET6
"""


def _backups(wanted: Installation) -> list[Step | Chosen]:
    unit, timer = f"{UNITS}/{BACKUP_UNIT}", f"{UNITS}/{BACKUP_TIMER}"
    return [
        deployed("backup-unit", "the backup's unit is this version's", unit, BACKUP_UNIT, then=RELOAD),
        Chosen(
            bool(wanted.answers.database_url),
            ("file", BACKUP_DROP_IN),
            FileStep(
                key="backup-drop-in",
                name="the backup's unit reaches your database",
                hint="Run setup again.",
                path=BACKUP_DROP_IN,
                text=lambda _host, _receipt: REMOTE_BACKUP,
                then=RELOAD,
            ),
        ),
        deployed("backup-timer-unit", "the backup's timer is this version's", timer, BACKUP_TIMER, then=RELOAD),
        kept("backup-timer", "a backup is made every day", BACKUP_TIMER),
    ]


def _mending() -> list[Step]:
    unit = f"{UNITS}/{MEND_UNIT}"
    return [
        deployed("mend-unit", "the unit that mends an upgrade is this version's", unit, MEND_UNIT, then=RELOAD),
        kept("mend", "an upgrade that a power cut interrupted is mended at boot", MEND_UNIT),
    ]


def _answers(wanted: Installation) -> Step:
    return AnswersStep(
        key="answers",
        name="the hub answers",
        hint=f"`hubctl status` names the part that is not ready; journalctl -u {HUB_UNIT} says more.",
        url=wanted.url,
        certificate=wanted.certificate,
    )


def _redis_unit(host: Host, _receipt: Receipt) -> str:
    server = found_server(host)
    text = (deploy_dir() / "systemd" / REDIS_UNIT).read_text("utf-8")
    return text.replace("@BINARY@", server.path).replace("@NAME@", server.name) if server else text
