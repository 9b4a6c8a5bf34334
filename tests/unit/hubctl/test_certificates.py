"""Certificates: what the private authority vouches for, and what is wrong with a pair is found and named."""

from datetime import UTC, datetime, timedelta

import pytest

from hubctl.certificates import (
    LASTS,
    RENEWED_BEFORE,
    Pair,
    Unusable,
    check,
    check_signed,
    fingerprint,
    is_for,
    make_authority,
    make_certificate,
    may_vouch,
    names_of,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AUTHORITY = make_authority("an authority", ["hub.example", "203.0.113.9"], NOW)
PAIR = make_certificate(AUTHORITY, ["pi.local", "192.168.1.7", "fd00::7", "hub.example"], NOW)


def test_a_certificate_serves_its_names() -> None:
    assert names_of(PAIR.cert) == {"pi.local", "192.168.1.7", "fd00::7", "hub.example"}
    assert is_for(PAIR.cert, "PI.local")
    assert not is_for(PAIR.cert, "192.168.1.8")
    check(PAIR, NOW)
    check_signed(AUTHORITY.cert, PAIR.cert)


@pytest.mark.parametrize("name", ["hub.example", "203.0.113.9", "x.local", "pi.lan", "10.1.2.3", "fd00::1", "::1"])
def test_the_authority_vouches_for_the_local_network_and_the_hubs_names(name: str) -> None:
    assert may_vouch(AUTHORITY.cert, name)


@pytest.mark.parametrize("name", ["bank.example", "example", "8.8.8.8", "203.0.113.10", "2001:db8::1", "evillocal"])
def test_the_authority_vouches_for_nothing_else(name: str) -> None:
    assert not may_vouch(AUTHORITY.cert, name)
    assert not is_for(make_certificate(AUTHORITY, ["pi.local", name], NOW).cert, name)


def test_phones_take_how_long_it_lasts() -> None:
    assert timedelta(days=398) > LASTS
    with pytest.raises(Unusable, match="ends on"):
        check(PAIR, NOW + LASTS - RENEWED_BEFORE, left=RENEWED_BEFORE)


OTHER = make_authority("another", [], NOW)


@pytest.mark.parametrize(
    ("pair", "now", "words"),
    [
        (Pair(PAIR.cert, OTHER.key), NOW, "not that of the certificate"),
        (Pair(b"nothing", PAIR.key), NOW, "no certificate"),
        (Pair(PAIR.cert, b"nothing"), NOW, "no private key"),
        (PAIR, NOW + timedelta(days=400), "has ended on"),
        (PAIR, NOW - timedelta(days=3), "not valid before"),
    ],
)
def test_what_is_wrong_with_a_pair_is_named(pair: Pair, now: datetime, words: str) -> None:
    with pytest.raises(Unusable, match=words):
        check(pair, now)


def test_a_certificate_of_another_authority_is_told_apart() -> None:
    with pytest.raises(Unusable, match="another authority"):
        check_signed(OTHER.cert, PAIR.cert)


def test_the_fingerprint_is_as_phones_show_it() -> None:
    assert len(fingerprint(AUTHORITY.cert).split(":")) == 32
    assert fingerprint(AUTHORITY.cert) != fingerprint(OTHER.cert)
