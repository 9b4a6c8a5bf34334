"""The HTTP client that every command uses: calls look synchronous, one connection serves a whole command."""

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from hubctl.answer import Answer, checked, read
from hubctl.errors import Absent, Failure, Unreachable
from hubctl.target import Target
from hubctl.trust import context

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0
CALL_TIMEOUT_S = 30.0
SILENCE_TIMEOUT_S = 45.0
"""A stream quieter than this is dead: the hub speaks at least every 15 s."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: JSON `body` for POST, PUT, PATCH; `params` for the query, None values left out."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    params: Mapping[str, str | int | None] | None = None


class Hub:
    """A hub at the other end of HTTP; use it in a `with` block.

    Every method raises Absent when nothing listens, Unreachable when no answer came, Refused when it is a no.
    """

    def __init__(self, target: Target, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self.target = target
        self._timeout_s = timeout_s
        self._runner = asyncio.Runner()
        self._session: aiohttp.ClientSession | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            self._runner.run(self._session.close())
        self._runner.close()

    def run(self, job: Coroutine[Any, Any, T]) -> T:
        """Run `job` to its end on this client's event loop."""
        return self._runner.run(job)

    def get(self, path: str, **params: str | int | None) -> Any:
        """The JSON of a GET."""
        return self.call(Call("GET", path, params=params))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that answers a POST."""
        return self.call(Call("POST", path, body=body))

    def call(self, call: Call) -> Any:
        """The JSON that answers `call`, None for an empty answer."""
        return checked(self.run(self.answer(call)), self.target)

    def probe(self, path: str) -> Answer:
        """The answer to a GET whatever its status: for asking how the hub is."""
        return self.run(self.answer(Call("GET", path)))

    async def answer(self, call: Call) -> Answer:
        """The whole answer to `call`, whatever its status."""
        timeout = aiohttp.ClientTimeout(total=self._timeout_s, connect=CONNECT_TIMEOUT_S)
        async with self._open(call, {}, timeout) as response:
            return await read(response)

    async def stream(self, call: Call, headers: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """The chunks of an endless answer to `call`, as they come; close it when done."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_TIMEOUT_S)
        accept = {"Accept": "text/event-stream", **headers}
        async with self._open(call, accept, timeout) as response:
            if response.status != 200 or response.content_type != "text/event-stream":
                checked(await read(response), self.target)
                raise Failure(f"{self.target.url} answered, but not as a hub does")
            async for chunk in response.content.iter_any():
                yield chunk

    @asynccontextmanager
    async def _open(
        self, call: Call, headers: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        params = {key: value for key, value in (call.params or {}).items() if value is not None}
        with _explained(self.target.url):
            async with self._opened_session().request(
                call.method,
                self.target.url + call.path,
                json=call.body,
                params=params,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,  # the token goes to the address it was meant for and to no other
            ) as response:
                yield response

    def _opened_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            headers = {"Authorization": f"Bearer {self.target.token}"} if self.target.token else {}
            connector = aiohttp.TCPConnector(ssl=self._context())
            self._session = aiohttp.ClientSession(connector=connector, headers=headers, read_bufsize=1 << 20)
        return self._session

    def _context(self) -> ssl.SSLContext | bool:
        if self.target.trust is None or not self.target.url.startswith("https:"):
            return True
        try:
            return context(self.target.trust)
        except OSError as error:
            raise Failure(f"no certificate can be read from {self.target.trust.file}: {error.strerror}") from None


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turns what aiohttp raises into words: what happened, at which address, what to do."""
    try:
        yield
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
        raise Failure(
            f"the certificate of {url} is not trusted: {error}.\n"
            f"A hub with an authority of its own hands that out at {url}/ca.crt; HUB_CA names the file."
        ) from None
    except aiohttp.ClientConnectorError as error:
        number = error.os_error.errno or 0  # what asyncio puts into strerror names the address a second time
        reason = os.strerror(number) if number > 0 else str(error.os_error.strerror)
        raise Absent(
            f"no hub at {url} ({reason}).\nStart it with `hubctl run`, or set HUB_URL if it listens elsewhere."
        ) from None
    except TimeoutError:
        raise Unreachable(f"{url} did not answer in time") from None
    except aiohttp.InvalidURL:
        raise Failure(f"{url} is not an address that can be called") from None
    except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError):
        raise Unreachable(f"{url} broke off in the middle") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"the connection to {url} broke: {str(error) or type(error).__name__}") from None
