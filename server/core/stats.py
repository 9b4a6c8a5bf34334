"""What the hub counts, as plain integers and bucket lists that cost nothing on the hot path."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from server.core.changes import Entry

POINT_EDGES_S = (0.002, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)
STAGE_EDGES_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0)
HTTP_EDGES_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
REDIS_EDGES_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25)
SIGNAL_EDGES_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 1.0)
EXPIRY_EDGES_S = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
LAG_EDGES_S = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)

CLOCK_EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0)

CLIENT_POINTS = ("agent_handled", "ui_handled", "rendered", "painted")
CLIENT_STAGES = ("handle", "render", "paint")
"""The hops that only clients can see; they report them already counted by our edges."""

SIGNAL_KINDS = {
    "channel.presence": "presence",
    "channel.typing": "typing",
    "channel.reaction.add": "reaction",
    "channel.reaction.remove": "reaction",
}
"""Types of events whose way to the readers is counted under `hub_signal_latency_seconds`."""


class Histogram:
    """Counts by bucket; the last one holds what is beyond every edge."""

    __slots__ = ("counts", "edges_s", "sum_s")

    def __init__(self, edges_s: tuple[float, ...]) -> None:
        self.edges_s = edges_s
        self.counts = [0] * (len(edges_s) + 1)
        self.sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.edges_s, seconds)] += 1
        self.sum_s += seconds

    def merge(self, counts: Sequence[int], sum_s: float) -> None:
        """Count values that somebody else has counted by the same edges."""
        for place, count in enumerate(counts):
            self.counts[place] += count
        self.sum_s += sum_s


class Hop:
    """One hop of a message: since arrival at the hub (`point`) and by itself (`stage`)."""

    __slots__ = ("point", "stage")

    def __init__(self) -> None:
        self.point = Histogram(POINT_EDGES_S)
        self.stage = Histogram(STAGE_EDGES_S)

    def observe(self, arrived_s: float, before_s: float, now_s: float) -> None:
        """Count one message; `before_s` is when the hop before this one ended."""
        # spelled out, since this runs four times a message: a call costs more than what `Histogram.observe` does
        point, stage = self.point, self.stage
        since_s = now_s - arrived_s
        point.counts[bisect_left(POINT_EDGES_S, since_s)] += 1
        point.sum_s += since_s
        took_s = now_s - before_s
        took_s = max(took_s, 0.0)
        stage.counts[bisect_left(STAGE_EDGES_S, took_s)] += 1
        stage.sum_s += took_s


class Stats:
    """Everything that is counted, read when somebody scrapes."""

    def __init__(self) -> None:
        self.accepted = Hop()
        self.stored = Hop()
        self.published = Hop()
        self.fanned_out = Hop()
        self.client_points = {point: Histogram(POINT_EDGES_S) for point in CLIENT_POINTS}
        self.client_stages = {stage: Histogram(STAGE_EDGES_S) for stage in CLIENT_STAGES}
        # a counter that is there before it is needed has a rate when it is
        self.client_reports = Counter(taken=0, clamped=0, clock=0, limited=0)
        self.client_clock_error = Histogram(CLOCK_EDGES_S)
        self.probe_success: bool | None = None
        self.probe_latency_s: float | None = None
        self.messages: Counter[tuple[str, str]] = Counter()
        self.foreign = Counter(delivered=0)
        self.cuts = Counter(slow=0, stalled=0)
        self.resumes = Counter(fresh=0, resumed=0)
        self.sent_bytes = 0
        self.gaps_repaired = 0
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.request_s: dict[str, Histogram] = {}
        self.redis_s: dict[str, Histogram] = {}
        self.redis_errors: Counter[str] = Counter()
        self.redis_up = False
        self.loop_lag = Histogram(LAG_EDGES_S)
        self.signal_s = {kind: Histogram(SIGNAL_EDGES_S) for kind in ("presence", "typing", "reaction")}
        self.expiry_error_s = {kind: Histogram(EXPIRY_EDGES_S) for kind in ("presence", "typing")}

    def told(self, entry: Entry) -> None:
        """Count the last hop of a message, which ends when its readers and Redis have it, whichever is later.

        To be called when either has it; where Redis has failed, its readers alone count.
        """
        if entry.publishing or not (entry.stored_s and entry.fanned_out_s):
            return
        entry.fanned_out_s = max(entry.fanned_out_s, entry.published_s)
        self.fanned_out.observe(entry.arrived_s, entry.published_s or entry.stored_s, entry.fanned_out_s)

    def signalled(self, signals: Iterable[tuple[str, float]], now_s: float) -> None:
        """Count signals (type and arrival) that were just written to their readers."""
        for kind, arrived_s in signals:
            self.signal_s[SIGNAL_KINDS[kind]].observe(now_s - arrived_s)

    def expiry(self, kind: str, error_s: float) -> None:
        """Count how far from its time something ran out."""
        self.expiry_error_s[kind].observe(abs(error_s))
