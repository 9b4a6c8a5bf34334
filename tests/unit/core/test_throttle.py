"""Waiting after wrong passwords: it grows, it ends, and it is the guesser's."""

import pytest

from server.core import throttle
from server.core.errors import TooMany, Unauthorized
from server.core.throttle import FREE, KNOWN_MOST, WINDOW_S, Throttle


class Clock:
    now_s = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(throttle, "monotonic", lambda: made.now_s)
    return made


def wrong(tried: Throttle, account: str = "maya", address: str = "192.0.2.1") -> None:
    with pytest.raises(Unauthorized), tried.attempt(account, address):
        raise Unauthorized("wrong_login", "no")


def right(tried: Throttle, account: str = "maya", address: str = "192.0.2.1") -> None:
    with tried.attempt(account, address):
        pass


def waits_s(tried: Throttle, account: str = "maya", address: str = "192.0.2.1") -> int:
    try:
        with tried.attempt(account, address):
            raise KeyError  # neither right nor wrong: it counts for nothing
    except TooMany as error:
        return int(error.extra["retryAfter"])
    except KeyError:
        return 0


def test_the_wait_grows_and_ends(clock: Clock) -> None:
    tried = Throttle()
    for _ in range(FREE):
        assert waits_s(tried) == 0
        wrong(tried)
    waits = []
    for _ in range(4):
        waits.append(waits_s(tried))
        clock.now_s += waits[-1]
        wrong(tried)
    assert waits == [31, 61, 121, 241]
    clock.now_s += WINDOW_S + 1
    assert waits_s(tried) == 0


def test_the_right_password_clears_the_account_and_not_the_address(clock: Clock) -> None:
    tried = Throttle()
    for number in range(FREE - 1):
        wrong(tried, f"name-{number}")
    right(tried, "mallory")
    wrong(tried, "another")
    assert waits_s(tried, "yet-another") > 0
    assert waits_s(tried, "mallory") == 0, "who has signed in here does not wait for others"


def test_a_known_place_counts_by_itself(clock: Clock) -> None:
    tried = Throttle()
    right(tried)
    for _ in range(FREE):
        wrong(tried, address="198.51.100.1")
    assert waits_s(tried, address="198.51.100.2") > 0
    for _ in range(FREE):
        assert waits_s(tried) == 0
        wrong(tried)
    assert waits_s(tried) > 0, "and has no more tries than any other"


def test_what_is_remembered_is_bounded(clock: Clock) -> None:
    tried = Throttle()
    for number in range(KNOWN_MOST + 100):
        right(tried, f"{number}" + "x" * 1000, f"10.0.{number >> 8}.{number & 255}")
        wrong(tried, f"y{number}" + "x" * 1000, f"10.0.{number >> 8}.{number & 255}")
    assert len(tried._failures) <= KNOWN_MOST
    assert len(tried._proved) <= KNOWN_MOST
    assert all(len(part) <= 64 for key in (*tried._failures, *tried._proved) for part in key)
