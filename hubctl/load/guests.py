"""Agents and a channel made for one run and removed after it, whatever happens in between."""

import asyncio
import sys
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from uuid import uuid4

from hubctl import safe
from hubctl.client import Call
from hubctl.errors import Failure, Refused
from hubctl.load.calls import Callers
from hubctl.paths import path

AT_ONCE = 16
OWN_LIMITS = {"message": 0, "reaction": 0}
"""The guests' own limits, so that nobody else's need to be raised."""


@dataclass(frozen=True, slots=True)
class Guest:
    """An agent of the run."""

    id: str
    token: str


@dataclass
class Guests:
    """`count` agents, all members of one private channel that only they and the admin see.

    Raises Failure on the way in, with everything removed again, when the hub refuses.
    """

    callers: Callers
    purpose: str
    count: int
    agents: list[Guest] = field(default_factory=list)
    channel_id: str = ""

    def __post_init__(self) -> None:
        self.name = f"{self.purpose}-{uuid4().hex[:8]}"
        self._made: list[str] = []

    async def __aenter__(self) -> Self:
        try:
            made = await self._admin("POST", path("api", "channels"), {"name": self.name, "isPrivate": True})
            self.channel_id = str(made["id"])
            turns = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as tasks:
                found = [tasks.create_task(self._admit(number, turns)) for number in range(self.count)]
            self.agents = [task.result() for task in found]
        except BaseException as error:
            await self._remove()
            if isinstance(error, BaseExceptionGroup):
                raise _first(error) from None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._remove()

    async def _admin(self, method: str, place: str, body: dict[str, object] | None = None) -> dict[str, object]:
        answer = await self.callers.call(self.callers.target.token, Call(method, place, body))
        return answer if isinstance(answer, dict) else {}

    async def _admit(self, number: int, turns: asyncio.Semaphore) -> Guest:
        agent_id = f"{self.name}-{number}"
        async with turns:
            self._made.append(agent_id)
            await self._admin("POST", path("api", "agents"), {"id": agent_id, "limits": OWN_LIMITS})
            issued = await self._admin("POST", path("api", "tokens"), {"agentId": agent_id})
            seat = path("api", "channels", self.channel_id, "members", agent_id)
            await self._admin("PUT", seat, {"role": "member"})
        return Guest(agent_id, str(issued["token"]))

    async def _remove(self) -> None:
        """Remove what was made; what cannot be is named on stderr, since nobody else would know of it."""
        turns = asyncio.Semaphore(AT_ONCE)
        places = [path("api", "agents", agent_id) for agent_id in self._made]
        if self.channel_id:
            places.append(path("api", "channels", self.channel_id))
        left = [place for place in await asyncio.gather(*(self._gone(place, turns) for place in places)) if place]
        self._made.clear()
        self.channel_id = ""
        if left:
            words = f"hubctl: could not remove {len(left)} of {len(places)} that this run made, whose names begin with"
            print(f"{words} {safe.line(self.name)}", file=sys.stderr)

    async def _gone(self, place: str, turns: asyncio.Semaphore) -> str:
        async with turns:
            try:
                await self._admin("DELETE", place)
            except Refused as error:
                return "" if error.status == 404 else place
            except Failure:
                return place
        return ""


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
