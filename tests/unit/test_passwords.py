"""Passwords: slow to check, and as slow for somebody who is not there."""

from typing import Any

import pytest
from argon2 import PasswordHasher

from server.passwords import Argon2Passwords


async def test_an_unknown_name_costs_what_a_known_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Argon2Passwords()
    known = await passwords.hash("a short sentence is easiest")
    checked: list[str] = []
    verify = PasswordHasher.verify

    def watched(self: PasswordHasher, password_hash: str, password: str) -> Any:
        checked.append(password_hash)
        return verify(self, password_hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    assert not await passwords.matches(known, "guessed")
    assert not await passwords.matches(None, "guessed")
    # the same kind, the same costs and the same lengths of salt and hash: the same work
    assert [costs_of(one) for one in checked] == [costs_of(known)] * 2


async def test_nobodys_hash_opens_nothing() -> None:
    passwords = Argon2Passwords()
    passwords._nobodys = await passwords.hash("a short sentence is easiest")
    assert not await passwords.matches(None, "a short sentence is easiest")


async def test_a_password_is_argon2id_with_a_salt_of_its_own() -> None:
    passwords = Argon2Passwords()
    first, second = await passwords.hash("twice the same"), await passwords.hash("twice the same")
    assert first.startswith("$argon2id$")
    assert first != second


def costs_of(password_hash: str) -> tuple[str, int]:
    *costs, salt, digest = password_hash.split("$")
    return "$".join(costs), len(salt) + len(digest)
