"""What the settings say of certificates and proxies, ready for use."""

import ssl

from server.config import Settings, SettingsError
from server.listening import tls_context
from server.web.encryption import Encryption
from server.web.peer import Proxies


def encryption_of(settings: Settings) -> Encryption:
    """What the hub says of TLS to those who come. Raises SettingsError."""
    try:
        return Encryption(required=settings.server.tls_cert is not None, authority=settings.server.tls_ca)
    except OSError as error:
        raise SettingsError(f"setting refused: server.tls_ca: {error}") from None


def proxies_of(settings: Settings) -> Proxies:
    """Whom the hub believes what they forward. Raises SettingsError."""
    try:
        return Proxies(settings.server.trusted_proxies, settings.server.login_header)
    except ValueError as error:
        raise SettingsError(f"setting refused: server.trusted_proxies: {error}") from None


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """The certificate that the settings name, ready for use. Raises SettingsError when it cannot be used."""
    cert, key = settings.server.tls_cert, settings.server.tls_key
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise SettingsError("setting refused: server.tls_cert and server.tls_key go together")
    try:
        return tls_context(cert, key)
    except OSError as error:
        raise SettingsError(f"setting refused: server.tls_cert, server.tls_key: {error}") from None
