"""Five objectives over 30 days, kept by the hub itself: how much was bad, how fast the budget for that is used up.

What was counted since the last look is kept in slots for the windows of the last hours, which say how fast a budget
burns now, and by hours in the database, which say what is left of it.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from server.core.changes import CountObjectives, Counts, Decision, ObjectiveHour, Outgoing
from server.core.clock import now_ms
from server.core.day import Day
from server.core.errors import HubError
from server.core.events import GlobalPart, Severity, SystemPerformanceAlert
from server.core.lately import Lately
from server.core.stats import Histogram, Stats
from server.core.writer import Writer

HOUR_MS = 3_600_000
PERIOD_HOURS = 30 * 24
WEEK_HOURS = 7 * 24
SLOT_S = 10.0
FLUSH_SLOTS = 6
"""Written down once a minute."""

TOLD = 20

LOG = logging.getLogger(__name__)


class Objective(NamedTuple):
    """`allowed` is the share that may be bad; `says` ends the sentence "99% of …"."""

    name: str
    says: str
    allowed: float
    measure: Callable[[Stats], Counts]


def _posts(stats: Stats) -> Counts:
    posts = [(code, n) for (area, method, code), n in stats.requests.items() if (area, method) == ("messages", "POST")]
    return Counts(sum(count for code, count in posts if code == "5xx"), sum(count for _, count in posts))


def _late(histograms: Iterable[Histogram], edge_s: float) -> Counts:
    bad = total = 0
    for histogram in histograms:
        total += sum(histogram.counts)
        bad += sum(histogram.counts[histogram.edges_s.index(edge_s) + 1 :])
    return Counts(bad, total)


OBJECTIVES = (
    Objective("post", "posts did not fail by the hub's fault", 0.001, _posts),
    Objective(
        "fanned_out",
        "messages were with their readers within 50 ms",
        0.01,
        lambda stats: _late([stats.fanned_out.point], 0.05),
    ),
    Objective(
        "painted",
        "messages were painted within 100 ms",
        0.05,
        lambda stats: _late([stats.client_points["painted"]], 0.1),
    ),
    Objective(
        "signals",
        "presence and typing were with their readers within 100 ms",
        0.01,
        lambda stats: _late([stats.signal_s["presence"], stats.signal_s["typing"]], 0.1),
    ),
    Objective(
        "ttl", "what ran out did so within 1 s of its time", 0.001, lambda s: _late(s.expiry_error_s.values(), 1.0)
    ),
)


class Burn(NamedTuple):
    """Too fast: so many times as fast as the budget lasts, in both windows, with more than a handful of bad ones."""

    factor: float
    long_s: float
    short_s: float
    bad_least: int


BURNS = (Burn(14.4, 3600, 300, 5), Burn(6, 6 * 3600, 1800, 10))
SLOTS = int(max(burn.long_s for burn in BURNS) / SLOT_S)
NOTHING = Counts(0, 0)


class Objectives:
    """What was counted of each objective, and which of them burn too fast."""

    def __init__(self, stats: Stats, clock: Callable[[], int] = now_ms) -> None:
        self.burning: set[str] = set()
        self.lately = Lately(stats)
        self.day = Day(stats.client_points["painted"], clock)
        self.told: deque[tuple[int, GlobalPart]] = deque(maxlen=TOLD)
        """What was said of them since the process started, with its time, the newest first."""
        self._stats = stats
        self._clock = clock
        self._seen: dict[str, Counts] = {objective.name: objective.measure(stats) for objective in OBJECTIVES}
        self._slots: deque[dict[str, Counts]] = deque(maxlen=SLOTS)
        self._hours: defaultdict[int, dict[str, Counts]] = defaultdict(dict)
        self._unwritten: defaultdict[int, dict[str, Counts]] = defaultdict(dict)

    def load(self, hours: Iterable[ObjectiveHour]) -> None:
        """Take in what earlier lives of the hub have counted."""
        for hour in hours:
            self._add(self._hours, hour.hour, {hour.objective: hour.counts})

    def look(self) -> list[SystemPerformanceAlert]:
        """Fill a slot; returns what is to be said of objectives that begin or cease to burn too fast."""
        now = {objective.name: objective.measure(self._stats) for objective in OBJECTIVES}
        slot = {name: Counts(n.bad - self._seen[name].bad, n.total - self._seen[name].total) for name, n in now.items()}
        self._seen = now
        self._slots.append(slot)
        self.lately.look()
        self.day.look()
        hour = self._clock() // HOUR_MS
        counted = {name: counts for name, counts in slot.items() if counts.total}
        self._add(self._hours, hour, counted)
        self._add(self._unwritten, hour, counted)
        for gone in [at for at in self._hours if at <= hour - PERIOD_HOURS]:
            del self._hours[gone]
        events = [event for objective in OBJECTIVES for event in self._judge(objective)]
        self.told.extendleft((self._clock(), event.data) for event in events)
        return events

    @staticmethod
    def _add(hours: defaultdict[int, dict[str, Counts]], hour: int, counted: Mapping[str, Counts]) -> None:
        for name, counts in counted.items():
            before = hours[hour].get(name, NOTHING)
            hours[hour][name] = Counts(before.bad + counts.bad, before.total + counts.total)

    def recent(self, name: str, window_s: float) -> Counts:
        """What was counted in the last so many seconds, as far as this process was there."""
        count = int(window_s / SLOT_S)
        slots = list(self._slots)[-count:]
        return Counts(sum(slot[name].bad for slot in slots), sum(slot[name].total for slot in slots))

    def over(self, name: str, hours: int) -> Counts:
        """What was counted in the last so many hours, this one included."""
        first = self._clock() // HOUR_MS - hours
        found = [counts[name] for hour, counts in self._hours.items() if hour > first and name in counts]
        return Counts(sum(counts.bad for counts in found), sum(counts.total for counts in found))

    def burn(self, objective: Objective, window_s: float) -> float:
        """How many times as fast as it lasts the budget was used up in the last so many seconds."""
        counts = self.recent(objective.name, window_s)
        return counts.bad / counts.total / objective.allowed if counts.total else 0.0

    def _judge(self, objective: Objective) -> Iterable[SystemPerformanceAlert]:
        burns = any(self._burns(objective, burn) for burn in BURNS)
        if burns == (objective.name in self.burning):
            return
        if burns:
            self.burning.add(objective.name)
            counts = self.recent(objective.name, 300)
            words = f"the objective {objective.name} is missed too often: {counts.bad} of {counts.total} in 5 minutes"
            yield _alert(words, "critical" if self._burns(objective, BURNS[0]) else "warning")
        else:
            self.burning.discard(objective.name)
            yield _alert(f"the objective {objective.name} is met again", "info")

    def _burns(self, objective: Objective, burn: Burn) -> bool:
        if self.recent(objective.name, burn.long_s).bad < burn.bad_least:
            return False
        return all(self.burn(objective, window_s) > burn.factor for window_s in (burn.long_s, burn.short_s))

    async def flush(self, writer: Writer) -> None:
        """Write down what is new; where that fails, with the next minute's."""
        unwritten, self._unwritten = self._unwritten, defaultdict(dict)
        if not unwritten:
            return
        rows = tuple(ObjectiveHour(hour, name, counts) for hour, n in unwritten.items() for name, counts in n.items())
        oldest = self._clock() // HOUR_MS - PERIOD_HOURS
        try:
            await writer.submit(lambda: Decision((CountObjectives(rows, oldest),)))
        except HubError as error:
            for row in rows:
                self._add(self._unwritten, row.hour, {row.objective: row.counts})
            LOG.warning("what was counted of the objectives was not written down: %s", error)

    async def stop(self, writer: Writer) -> None:
        """Write down what is left."""
        self.look()
        await self.flush(writer)

    async def run(self, writer: Writer, sender_id: str) -> None:
        """Look now and then, say what is to be said, write down, until cancelled."""
        looks = 0
        while True:
            await asyncio.sleep(SLOT_S)
            events = tuple(Outgoing(event, self._clock(), sender_id) for event in self.look())
            if events:
                await self._say(writer, Decision((), events))
            looks += 1
            if looks % FLUSH_SLOTS == 0:
                await self.flush(writer)

    async def _say(self, writer: Writer, decision: Decision) -> None:
        try:
            await writer.submit(lambda: decision)
        except HubError as error:
            LOG.warning("could not tell how the objectives stand: %s", error)


def _alert(words: str, severity: Severity) -> SystemPerformanceAlert:
    return SystemPerformanceAlert(data=GlobalPart(message=words, severity=severity))
