"""Passwords as argon2id, hashed off the event loop."""

import asyncio
import secrets
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError


class Argon2Passwords:
    """Fulfils `core.ports.Passwords`."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._nobodys = self._hasher.hash(secrets.token_hex(16))

    async def hash(self, password: str) -> str:
        """See `core.ports.Passwords.hash`."""
        return await asyncio.get_running_loop().run_in_executor(None, partial(self._hasher.hash, password))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """See `core.ports.Passwords.matches`."""
        known = password_hash or self._nobodys
        right = await asyncio.get_running_loop().run_in_executor(None, partial(self._verify, known, password))
        return right and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False
