"""Names that the hub goes by, and proxies that are believed, piece by piece."""

import pytest
from aiohttp.test_utils import make_mocked_request

from server.web.hosts import REMEMBERED, Hosts
from server.web.peer import Peer, Proxies


@pytest.mark.parametrize("host", ["10.0.0.1", "[::1]", "::1", "localhost", "box.local:1", "CHAT.example.:443"])
def test_a_name_of_the_hub(host: str) -> None:
    assert Hosts(["chat.example:8080"]).knows(host)


@pytest.mark.parametrize("host", ["evil.example", "local", "evillocal", "10.0.0.1.evil.example", "[::1", "0x7f.1", " "])
def test_a_name_of_somebody_else(host: str) -> None:
    if host == "[::1":
        assert Hosts().knows(host), "an address is an address, however it is written"
    else:
        assert not Hosts().knows(host)


def test_made_up_names_cost_no_memory() -> None:
    hosts = Hosts()
    for number in range(REMEMBERED * 2):
        assert not hosts.knows(f"{number}.example")
    assert len(hosts._verdicts) == REMEMBERED
    assert hosts.knows("localhost")


def peer(proxies: Proxies, address: str, **headers: str) -> Peer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = make_mocked_request("GET", "/", headers={"Host": "hub", **named})
    return proxies.peer(request.clone(remote=address))


def test_nobody_is_believed_who_is_not_listed() -> None:
    forged = {"X_Forwarded_For": "1.2.3.4", "X_Forwarded_Proto": "https", "X_Forwarded_Host": "evil"}
    for proxies in (Proxies(), Proxies(["10.0.0.0/8"])):
        assert peer(proxies, "127.0.0.1", **forged) == Peer("127.0.0.1", secure=False, host="hub")


@pytest.mark.parametrize(
    ("chain", "address"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"),
        ("", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.9", "::ffff:10.0.0.9"),
    ],
)
def test_the_client_is_the_nearest_that_is_no_proxy(chain: str, address: str) -> None:
    assert peer(Proxies(["10.0.0.0/8"]), "10.0.0.1", X_Forwarded_For=chain).address == address


def test_the_nearest_proxy_has_the_last_word() -> None:
    told = peer(Proxies(["10.0.0.1"]), "10.0.0.1", X_Forwarded_Proto="http, https", X_Forwarded_Host="a, b")
    assert (told.secure, told.host, told.proxied) == (True, "b", True)


def test_a_list_of_proxies_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="IPv4"):
        Proxies(["10.0.0.0.0"])
