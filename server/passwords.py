"""Passwords as argon2id, hashed off the event loop."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

MEMORY_KIB = 7 << 10
ROUNDS = 5
"""The least memory of OWASP's equal costs for argon2id, more rounds for less memory. The library's own take 64 MiB a
guess: a few guesses at once would end a hub on a small machine."""


class Argon2Passwords:
    """Fulfils `core.ports.Passwords`, one hash at a time: guesses wait for each other and not for memory."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._nobodys = self._hasher.hash(secrets.token_hex(16))

    async def hash(self, password: str) -> str:
        """See `core.ports.Passwords.hash`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(self._hasher.hash, password))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """See `core.ports.Passwords.matches`."""
        known = password_hash or self._nobodys
        right = await asyncio.get_running_loop().run_in_executor(self._thread, partial(self._verify, known, password))
        return right and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False
