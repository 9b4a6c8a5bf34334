"""Who says what when: messages at a steady rate, presence and typing now and then, and a look at our own lateness."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from itertools import count
from time import perf_counter_ns
from typing import Any
from uuid import uuid4

from hubctl.bench.ledger import Lasting, Ledger
from hubctl.client import Call
from hubctl.errors import Failure
from hubctl.load.calls import Callers
from hubctl.load.guests import Guest, Guests
from hubctl.load.latencies import Latencies
from hubctl.paths import path

LAG_STEP_S = 0.02
MOST_UNDER_WAY = 4000
SIGNALS_PER_S = 5.0
AGENT_REST_S = 2.5
"""The hub tells an agent's presence once a second at most, so each agent speaks more rarely than that."""

WORDS = "a line of about as many words as an agent says at once, so that its size is an ordinary one"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user asked for."""

    agents: int
    rate: float
    seconds: float
    ramp_s: float
    burst: int = 0


class Pace:
    """Everything that is sent to the hub during a run. Call `stop` when it is over."""

    def __init__(self, plan: Plan, callers: Callers, guests: Guests, ledger: Ledger) -> None:
        self.lag = Latencies()
        self.held_back = 0
        self.first_refusal = ""
        self._plan = plan
        self._callers = callers
        self._guests = guests
        self._ledger = ledger
        self._tasks: set[asyncio.Task[Any]] = set()

    async def messages(self, seconds: float, first_rate: float) -> None:
        """Post for so long, the rate rising evenly from `first_rate` to the plan's, whatever the answers do."""
        began_ns = due_ns = perf_counter_ns()
        last_ns = began_ns + int(seconds * 1e9)
        agents = self._guests.agents
        for number in count():
            if due_ns >= last_ns:
                break
            await asyncio.sleep(max(0, due_ns - perf_counter_ns()) / 1e9)
            if len(self._tasks) < MOST_UNDER_WAY:
                self._start(self._post(agents[number % len(agents)]))
            else:
                self.held_back += 1
            share = (due_ns - began_ns) / (last_ns - began_ns)
            due_ns += int(1e9 / (first_rate + (self._plan.rate - first_rate) * share))

    async def burst(self, publishers: int, messages: int) -> Latencies:
        """Post so many messages, `publishers` of them under way at any time; how long the answers took."""
        numbers, took, agents = iter(range(messages)), Latencies(), self._guests.agents

        async def publish() -> None:
            for number in numbers:
                began_ns = perf_counter_ns()
                if await self._post(agents[number % len(agents)]):
                    took.add(perf_counter_ns() - began_ns)

        await asyncio.gather(*(publish() for _ in range(publishers)))
        return took

    async def signals(self) -> None:
        """Presence and typing in turns, by another agent each time, until cancelled; the first one types on."""
        lasting, *others = self._guests.agents
        self._ledger.lasting = Lasting(lasting.id, perf_counter_ns())
        self._start(self._put(lasting, "typing", {"started": True}))
        pause_s = max(1 / SIGNALS_PER_S, AGENT_REST_S / len(others))
        for number in count():
            agent = others[number % len(others)]
            self._start(self._presence(agent, f"mood {number}"))
            self._start(self._typing(agent))
            await asyncio.sleep(pause_s)

    async def watch_lag(self) -> None:
        """Note how late this process's own loop turns, until cancelled: so late every figure may be."""
        while True:
            due_ns = perf_counter_ns() + int(LAG_STEP_S * 1e9)
            await asyncio.sleep(LAG_STEP_S)
            self.lag.add(perf_counter_ns() - due_ns)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, job: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post(self, agent: Guest) -> bool:
        """Post a message; whether it was taken."""
        message_id = str(uuid4())
        body = {"channelId": self._guests.channel_id, "content": WORDS, "id": message_id}
        self._ledger.message_leaves(message_id, perf_counter_ns())
        try:
            await self._callers.call(agent.token, Call("POST", "/api/messages", body))
        except Failure as error:
            self.first_refusal = self.first_refusal or error.message
            self._ledger.message_refused(message_id)
            return False
        self._ledger.message_answered(message_id, perf_counter_ns())
        return True

    async def _presence(self, agent: Guest, words: str) -> None:
        self._ledger.mood_leaves(words, perf_counter_ns())
        await self._put(agent, "presence", {"status": "online", "customStatus": words})

    async def _typing(self, agent: Guest) -> None:
        for started in (True, False):
            self._ledger.typing_leaves(agent.id, perf_counter_ns(), started=started)
            await self._put(agent, "typing", {"started": started})
            await asyncio.sleep(AGENT_REST_S / 4)

    async def _put(self, agent: Guest, what: str, body: dict[str, object]) -> None:
        place = path("api", "channels", self._guests.channel_id, what)
        try:
            await self._callers.call(agent.token, Call("PUT", place, body))
        except Failure as error:
            self.first_refusal = self.first_refusal or error.message
