"""The steps by which an installed hub speaks TLS: whose certificate, who renews it, and how the hub gets it."""

from hubctl.installed import (
    AUTHORITY_CERT,
    AUTHORITY_KEY,
    DATABASE_URL,
    HUB_CERT,
    HUB_KEY,
    TLS,
    TLS_TIMER,
    TLS_UNIT,
    UNITS,
)
from hubctl.step import Step
from hubctl.steps.files import FolderStep
from hubctl.steps.tls import AuthorityStep, CertificateStep, GivenCertificateStep
from hubctl.wanted import RELOAD, Chosen, Installation, deployed, kept


def tls_steps(wanted: Installation) -> list[Step | Chosen]:
    """Where the certificate comes from."""
    answers = wanted.answers
    own = answers.tls == "self"
    authority = AuthorityStep(
        key="tls-authority",
        name="the hub has a certificate authority of its own",
        hint="Run setup again.",
        keeps_data=True,
        names=answers.allowed_hosts,
    )
    hub = CertificateStep(
        key="tls-certificate",
        name="the hub has a certificate of that authority",
        hint="Run setup again; it makes a new one, which devices trust as they did the last.",
        keeps_data=True,
        names=answers.allowed_hosts,
    )
    folder = FolderStep(
        key="tls", name=f"{TLS} is root's alone", hint="Run setup again.", keeps_data=True, path=TLS, mode=0o700
    )
    given = GivenCertificateStep(
        key="tls-given",
        name="the certificate that was given serves",
        hint="Renew it, or name another with --tls-cert and --tls-key.",
        cert=answers.tls_cert,
        private=answers.tls_key,
        names=answers.allowed_hosts,
    )
    return [
        *([given] if answers.tls == "given" else []),
        Chosen(own, ("folder", TLS), folder),
        Chosen(own, ("file", AUTHORITY_KEY), authority),
        Chosen(own, ("file", HUB_KEY), hub),
    ]


def renewing(wanted: Installation) -> list[Chosen]:
    """A timer that renews the hub's own certificate, and puts a given one that was renewed into service."""
    on = bool(wanted.certificate)
    unit, timer = f"{UNITS}/{TLS_UNIT}", f"{UNITS}/{TLS_TIMER}"
    name = "the unit that renews the certificate is this version's"
    return [
        Chosen(on, ("file", unit), deployed("tls-unit", name, unit, TLS_UNIT, then=RELOAD)),
        Chosen(on, ("file", timer), deployed("tls-timer-unit", "so is its timer", timer, TLS_TIMER, then=RELOAD)),
        Chosen(on, ("started", TLS_TIMER), kept("tls-timer", "the certificate is looked after every day", TLS_TIMER)),
    ]


def loaded(wanted: Installation) -> str:
    """The lines by which systemd hands the hub's process what was chosen, as files that only it sees."""
    answers = wanted.answers
    pieces = {}
    if answers.database_url:
        pieces["database.url"] = DATABASE_URL
    if answers.tls == "self":
        pieces |= {"tls.cert": HUB_CERT, "tls.key": HUB_KEY, "tls.ca": AUTHORITY_CERT}
    elif answers.tls == "given":
        pieces |= {"tls.cert": answers.tls_cert, "tls.key": answers.tls_key}
    return "".join(f"LoadCredential={name}:{path}\n" for name, path in pieces.items())
