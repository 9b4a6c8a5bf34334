"""HTTP calls by many callers at once: one pool of connections, a token with each call."""

from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import aiohttp

from hubctl.answer import checked, read
from hubctl.client import CONNECT_TIMEOUT_S, Call
from hubctl.errors import Unreachable
from hubctl.target import Target

CALL_TIMEOUT_S = 30.0


class Callers:
    """Whoever holds a token for the hub at `target`; use it in an `async with` block."""

    def __init__(self, target: Target, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self.target = target
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=CONNECT_TIMEOUT_S)
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        # No bound on connections: a call that waited for one would be timed as if the hub were slow.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(self, token: str | None, call: Call) -> Any:
        """The JSON that answers `call`, made with `token`. Raises Refused for a no, Unreachable for no answer."""
        target = replace(self.target, token=token)
        try:
            async with self._session.request(
                call.method,
                target.url + call.path,
                json=call.body,
                headers=_credentials(token),
                allow_redirects=False,
            ) as response:
                return checked(await read(response), target)
        except TimeoutError:
            raise Unreachable(f"{target.url} did not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"the connection to {target.url} broke: {reason}") from None

    async def text(self, token: str | None, path: str) -> str:
        """What a GET answers, as text; empty when it is not a yes."""
        try:
            async with self._session.get(self.target.url + path, headers=_credentials(token)) as response:
                return await response.text() if response.status == 200 else ""
        except (aiohttp.ClientError, OSError, TimeoutError):
            return ""


def _credentials(token: str | None) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
