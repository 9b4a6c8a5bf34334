"""The short way of a message: through the same gates as every request, without aiohttp's request in between.

It is for what will be stored. What is to be refused, or asks for more than saying a thing in a channel, goes the long
way, which has the words for it; nothing was done by then.
"""

import asyncio
from time import perf_counter

from aiohttp import web

from server.core import messages
from server.core.changes import Written
from server.core.errors import HubError
from server.core.hub import Hub
from server.core.limits import allow_ahead
from server.core.model import Caller
from server.web import problem
from server.web.answering import bytes_of, json_bytes
from server.web.connection import Connection, Plain
from server.web.keys import DOORMAN, ENCRYPTION, HOSTS, HUB
from server.web.messages import Post, said_of
from server.web.middleware import bearer, count, crashed, may, notice
from server.web.reading import decode

METHOD, PATH = "POST", "/api/messages"
LINE = f"{METHOD} {PATH}".encode()


class Posting:
    """A message on its way to the disk: `done` when it is there. Fulfils `connection.Pending`."""

    def __init__(self, hub: Hub, caller: Caller, said: messages.Said, arrived_s: float) -> None:
        self.done: asyncio.Future[Written] = messages.keep(hub, caller, said, arrived_s)
        self._hub = hub
        self._caller = caller
        self._said = said
        self._arrived_s = arrived_s

    def answer(self, *, stays: bool) -> bytes:
        """See `connection.Pending.answer`."""
        status, answer = self._answer(stays)
        count(self._hub.stats, "messages", METHOD, status, perf_counter() - self._arrived_s)
        return answer

    def _answer(self, stays: bool) -> tuple[int, bytes]:
        try:
            posted = messages.told(self._hub, self._caller, self._said, self.done.result())
        except HubError as error:
            refusal = problem.of_hub_error(error)
        except Exception as error:  # noqa: BLE001 - the last resort of every handler
            refusal = crashed(METHOD, PATH, error)
        else:
            status, words = said_of(posted)
            return status, json_bytes(status, words, stays=stays)
        return refusal.status, bytes_of(refusal, stays=stays)


class Express:
    """What a connection offers its plain requests to."""

    def __init__(self, app: web.Application) -> None:
        self._hub = app[HUB]
        self._doorman = app[DOORMAN]
        self._hosts = app[HOSTS]
        self._encryption = app[ENCRYPTION]

    def take(self, connection: Connection, request: Plain) -> Posting | None:
        """The message on its way to the disk, or None where the long way is to be gone."""
        if request.line != LINE or not self._hub.follower.alone:
            return None  # with other hubs about, a refusal may rest on what one of them has changed by now
        arrived_s = perf_counter()
        self._doorman.heard(connection)
        try:
            caller = self._caller(connection, request)
            if caller is None:
                return None
            notice(self._hub, caller)
            said = messages.check(self._hub, caller, decode(request.body, Post).saying())
        except HubError:
            return None
        if said.thread_id is not None or not allow_ahead(self._hub, caller, "message"):
            return None
        return Posting(self._hub, caller, said, arrived_s)

    def _caller(self, connection: Connection, request: Plain) -> Caller | None:
        """Who holds the token, if that is for writing and all is as the gate wants it."""
        if self._encryption.required and connection.ssl_context is None:
            return None
        if not self._hosts.knows(request.fields.get(b"host", b"").decode()):
            return None
        if request.fields.get(b"content-type") != b"application/json":
            return None
        caller = bearer(self._hub, request.fields.get(b"authorization", b"").decode())
        return caller if caller is not None and may(caller, "write") else None
