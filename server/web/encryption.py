"""Where the hub speaks TLS: who came without it is led to it, and gets the private authority's certificate to trust."""

from pathlib import Path

from aiohttp import hdrs, web

from server.core.errors import Forbidden, NotFound
from server.web.peer import Peer
from server.web.problem import NO_STORE

AUTHORITY = "/ca.crt"
PAGES = frozenset({"/", "/welcome"})


class Encryption:
    """Whether the hub speaks TLS (`required`), and the certificate of the private authority that vouches for it."""

    def __init__(self, *, required: bool = False, authority: Path | None = None) -> None:
        self.required = required
        self.authority = authority.read_bytes() if authority is not None else None

    def demand(self, request: web.Request, peer: Peer) -> None:
        """Let pass what came by TLS. Raises a redirect for a page, Forbidden for what may have shown a secret.

        Who has no address came by a socket of this machine's own, through no network (`server.trial`).
        """
        if peer.secure or not peer.address or not self.required or request.path == AUTHORITY:
            return
        if request.method in ("GET", "HEAD") and request.path in PAGES and hdrs.AUTHORIZATION not in request.headers:
            raise web.HTTPPermanentRedirect(f"https://{peer.host}{request.path}")
        raise Forbidden("tls_required", "this hub speaks HTTPS; what was sent without it counts as known to others")


def authority(encryption: Encryption) -> web.Response:
    """The certificate, as phones take it. Raises NotFound where the hub has none of its own."""
    if encryption.authority is None:
        raise NotFound("no_authority", "this hub has no certificate authority of its own")
    headers = {**NO_STORE, "Content-Disposition": 'attachment; filename="openclaw-hub-ca.crt"'}
    return web.Response(body=encryption.authority, content_type="application/x-x509-ca-cert", headers=headers)
