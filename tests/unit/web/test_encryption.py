"""Who may come without TLS to a hub that speaks it."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.core.errors import Forbidden
from server.web.encryption import Encryption
from server.web.peer import Peer

PLAIN = Peer("192.168.1.9", secure=False, host="hub.local:8080")


def demand(path: str, peer: Peer, *, required: bool = True, method: str = "GET") -> None:
    Encryption(required=required).demand(make_mocked_request(method, path), peer)


def test_tls_the_authority_and_a_socket_of_this_machine_pass() -> None:
    demand("/api/me", Peer("192.168.1.9", secure=True, host="hub.local"))
    demand("/ca.crt", PLAIN)
    demand("/api/me", Peer("", secure=False, host="localhost"))
    demand("/api/me", PLAIN, required=False)


def test_a_page_is_led_on_and_all_else_refused() -> None:
    with pytest.raises(web.HTTPPermanentRedirect) as led:
        demand("/", PLAIN)
    assert led.value.location == "https://hub.local:8080/"
    for method, path in (("GET", "/api/me"), ("POST", "/"), ("GET", "/metrics")):
        with pytest.raises(Forbidden):
            demand(path, PLAIN, method=method)
