"""Certificates: a private authority that can vouch for the hub's own network alone, the hub's, and judging of both.

Phones are asked to trust the authority, so it says of itself for which names and addresses it may be believed: those
of a local network, and the hub's own. Whoever stole its key could not pass for anything on the internet with it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LASTS = timedelta(days=3653)
LASTS = timedelta(days=397)
"""Phones refuse what is valid for longer than 398 days."""

RENEWED_BEFORE = timedelta(days=60)
AHEAD = timedelta(days=1)
"""A device's clock may be behind ours by this much."""

LOCAL_NAMES = ("localhost", "local", "lan", "internal", "home.arpa")
LOCAL_NETWORKS = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, both PEM."""

    cert: bytes
    key: bytes


class Unusable(Exception):
    """What is there cannot serve; the text says why."""


def make_authority(name: str, names: Iterable[str], now: datetime) -> Pair:
    """A new authority for local networks and for these names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    permitted = {_permitted(word) for word in (*LOCAL_NAMES, *LOCAL_NETWORKS, *names)}
    builder = _begun(subject, subject, key.public_key(), now, AUTHORITY_LASTS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(sign=True), critical=True)
    subtrees = sorted(permitted, key=lambda one: str(one.value))
    builder = builder.add_extension(x509.NameConstraints(subtrees, None), critical=True)
    return _pem(builder.sign(key, hashes.SHA256()), key)


def make_certificate(authority: Pair, names: Iterable[str], now: datetime) -> Pair:
    """A certificate for these names and addresses; one that the authority may not vouch for is left out."""
    issuer, signing_key = _certificate(authority.cert), _key(authority.key)
    key = ec.generate_private_key(ec.SECP256R1())
    known = [word for word in names if may_vouch(authority.cert, word)]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, known[0][:64])])
    builder = _begun(subject, issuer.subject, key.public_key(), now, LASTS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(sign=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName([_general(word) for word in known]), critical=False)
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
    builder = builder.add_extension(signer, critical=False)
    return _pem(builder.sign(signing_key, hashes.SHA256()), key)


def may_vouch(authority: bytes, name: str) -> bool:
    """Whether the authority says that it may be believed for this name or address."""
    limits = _certificate(authority).extensions.get_extension_for_class(x509.NameConstraints).value
    return any(_covers(subtree, name) for subtree in limits.permitted_subtrees or ())


def check(pair: Pair, now: datetime, *, left: timedelta = timedelta(0)) -> None:
    """Raises Unusable unless the key is the certificate's own, and it is valid now and for as long as `left`."""
    cert = _certificate(pair.cert)
    if _public(cert.public_key()) != _public(_key(pair.key).public_key()):
        raise Unusable("the key is not that of the certificate")
    if cert.not_valid_before_utc > now:
        raise Unusable(f"it is not valid before {cert.not_valid_before_utc:%Y-%m-%d}")
    if cert.not_valid_after_utc <= now:
        raise Unusable(f"it has ended on {cert.not_valid_after_utc:%Y-%m-%d}")
    if cert.not_valid_after_utc <= now + left:
        raise Unusable(f"it ends on {cert.not_valid_after_utc:%Y-%m-%d}")


def check_signed(authority: bytes, cert: bytes) -> None:
    """Raises Unusable unless the authority has signed it."""
    try:
        _certificate(cert).verify_directly_issued_by(_certificate(authority))
    except (InvalidSignature, ValueError, TypeError):
        raise Unusable("it is of another authority") from None


def names_of(cert: bytes) -> set[str]:
    """The names and addresses that it is for."""
    try:
        found = _certificate(cert).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = {str(address) for address in found.get_values_for_type(x509.IPAddress)}
    return {name.lower() for name in found.get_values_for_type(x509.DNSName)} | addresses


def is_for(cert: bytes, name: str) -> bool:
    """Whether a client that calls this name would be satisfied."""
    names = names_of(cert)
    return name.lower() in names or f"*.{name.lower().partition('.')[2]}" in names


def ends(cert: bytes) -> datetime:
    """When it ends."""
    return _certificate(cert).not_valid_after_utc


def fingerprint(cert: bytes) -> str:
    """SHA-256 as phones show it."""
    digest = hashlib.sha256(_certificate(cert).public_bytes(serialization.Encoding.DER)).hexdigest().upper()
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))


def _begun(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    now = now.astimezone(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - AHEAD).not_valid_after(now - AHEAD + lasts)
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general(word: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(word))
    except ValueError:
        return x509.DNSName(word)


def _permitted(word: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_network(word))
    except ValueError:
        return x509.DNSName(word)


def _covers(subtree: x509.GeneralName, name: str) -> bool:
    wanted = _general(name)
    if isinstance(subtree, x509.IPAddress) and isinstance(wanted, x509.IPAddress):
        return wanted.value in subtree.value  # type: ignore[operator]
    if isinstance(subtree, x509.DNSName) and isinstance(wanted, x509.DNSName):
        return name.lower() == subtree.value or name.lower().endswith(f".{subtree.value}")
    return False


def _pem(cert: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(cert.public_bytes(pem), private)


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(pem)[0]
    except (ValueError, IndexError):
        raise Unusable("it is no certificate in PEM") from None


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The key; of whatever kind a given one is, only its public half and its signature are asked for."""
    try:
        return serialization.load_pem_private_key(pem, None)  # type: ignore[return-value]
    except TypeError:
        raise Unusable("the key is locked with a password, which nobody would be there to type") from None
    except ValueError:
        raise Unusable("the key is no private key in PEM") from None


def _public(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
