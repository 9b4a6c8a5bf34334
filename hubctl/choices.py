"""What is in force on this machine: the settings file, the credentials, and the choices that setup noted."""

import re
import tomllib
from dataclasses import replace
from typing import Any

from hubctl.answers import Answers, changed
from hubctl.errors import Failure
from hubctl.host import Host
from hubctl.installed import DATABASE_URL, HUB_CERT, REDIS_SOCKET, REDIS_URL, SETTINGS
from hubctl.receipt import Receipt
from server.config import Settings, SettingsError, load

CHOICE = "choice"
PRIVATE_REDIS = rf"unix://hub:[A-Za-z0-9_-]{{43}}@{REDIS_SOCKET}"
"""The URL of the Redis that setup makes."""


def in_force(host: Host, receipt: Receipt) -> Answers:
    """What an earlier setup was told, and what was edited since; the defaults where there is nothing to be read."""
    answers = _written(receipt)
    try:
        if (host.read(SETTINGS) or b"").strip():
            answers = answered(load(file=host.path(SETTINGS), environ={"HOME": "/"}))
    except SettingsError:
        # The step that looks at the settings says so. A port or a name that others know is not for damage to change.
        pass
    noted: dict[str, Any] = {name: receipt.word(CHOICE, name) or "" for name in ("tls_cert", "tls_key")}
    noted |= {name: receipt.word(CHOICE, name) is not None for name in ("local_name", "monitoring")}
    noted["tls"] = receipt.word(CHOICE, "tls") or "off"
    redis = _line(host, REDIS_URL)
    noted["redis_url"] = "" if re.fullmatch(PRIVATE_REDIS, redis) or not _is_url(redis) else redis
    noted["database_url"] = _line(host, DATABASE_URL)
    try:
        return changed(answers, noted, "receipt")
    except Failure:
        return replace(answers, redis_url=noted["redis_url"], database_url=noted["database_url"])


def _written(receipt: Receipt) -> Answers:
    """What setup wrote into the settings file last; the defaults if it never did."""
    server = tomllib.loads(receipt.word("file", SETTINGS) or "").get("server", {})
    return changed(Answers(), server, "receipt")


def choices(answers: Answers) -> dict[str, str]:
    """What of the answers is noted in the receipt."""
    words = {"tls": answers.tls if answers.tls != "off" else "", "tls_cert": answers.tls_cert}
    words |= {"tls_key": answers.tls_key}
    flags = {"local_name": answers.local_name, "monitoring": answers.monitoring}
    return {name: word for name, word in {**words, **{key: "yes" * on for key, on in flags.items()}}.items() if word}


def answered(settings: Settings) -> Answers:
    """The answers that a settings file amounts to."""
    return Answers(settings.server.host, settings.server.port, settings.server.allowed_hosts)


def certificate(answers: Answers) -> str:
    """Where the certificate lies that the hub shows; empty when it speaks plain HTTP."""
    return {"off": "", "self": HUB_CERT, "given": answers.tls_cert}[answers.tls]


def _line(host: Host, path: str) -> str:
    return (host.read(path) or b"").decode("utf-8", "replace").strip()


def _is_url(text: str) -> bool:
    return re.fullmatch(r"(redis|rediss|unix|valkey|valkeys)://\S+", text) is not None
