"""Prometheus: the only user of prometheus_client. It reads what was counted when somebody scrapes."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from server import __version__
from server.core.box import disk_free_bytes
from server.core.levels import Levels
from server.core.stats import Histogram, Hop, Stats


class HubMetrics(Collector):
    """Fulfils `web.ports.Exposition`."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, stats: Stats, look: Callable[[], Levels], data_dir: Path) -> None:
        self._stats = stats
        self._data_dir = data_dir
        self._look = look
        self._levels = look()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def look(self) -> None:
        """See `web.ports.Exposition.look`."""
        self._levels = self._look()

    def text(self) -> bytes:
        """See `web.ports.Exposition.text`."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield from self._hops()
        yield from self._http()
        yield from self._redis()
        yield from self._streams()
        yield from self._clients()
        yield from self._state()

    def _hops(self) -> Iterator[Metric]:
        stats = self._stats
        hops: dict[tuple[str, str], Hop] = {
            ("accepted", "accept"): stats.accepted,
            ("stored", "store"): stats.stored,
            ("published", "publish"): stats.published,
            ("fanned_out", "fanout"): stats.fanned_out,
        }
        points = {point: hop.point for (point, _), hop in hops.items()}
        stages = {stage: hop.stage for (_, stage), hop in hops.items()}
        points |= stats.client_points
        stages |= stats.client_stages
        yield _histogram("hub_message_latency_seconds", "Since a message's arrival at the hub", "point", points)
        yield _histogram("hub_message_stage_seconds", "Each hop of a message by itself", "stage", stages)
        yield _histogram("hub_signal_latency_seconds", "From arrival to the readers", "kind", stats.signal_s)
        yield _histogram(
            "hub_ttl_expiry_error_seconds", "How far from its time it ran out", "kind", stats.expiry_error_s
        )

    def _http(self) -> Iterator[Metric]:
        stats = self._stats
        yield _histogram("hub_http_request_duration_seconds", "Requests, streams left out", "area", stats.request_s)
        requests = CounterMetricFamily("hub_http_requests", "Requests answered", labels=("area", "method", "code"))
        for labels, count in list(stats.requests.items()):
            requests.add_metric(labels, count)
        yield requests

    def _redis(self) -> Iterator[Metric]:
        stats = self._stats
        yield _histogram("hub_redis_command_duration_seconds", "Redis commands", "command", stats.redis_s)
        yield _counter("hub_redis_errors", "Redis commands that failed", "command", stats.redis_errors)
        yield GaugeMetricFamily("hub_redis_up", "Whether Redis takes and gives back events", stats.redis_up)
        yield _counter("hub_foreign_events", "Events that others published on Redis", "result", stats.foreign)

    def _streams(self) -> Iterator[Metric]:
        stats = self._stats
        streams = GaugeMetricFamily("hub_sse_connections", "Open streams, by who reads", labels=("client",))
        for client, count in self._levels.streams.items():
            streams.add_metric((client,), count)
        yield streams
        unsent = self._levels.unsent_bytes_most
        yield GaugeMetricFamily("hub_sse_queue_depth_max", "Bytes that wait for the reader furthest behind", unsent)
        yield _counter("hub_sse_cuts", "Streams that were cut", "reason", stats.cuts)
        yield _counter("hub_sse_resumes", "Streams by how they began", "result", stats.resumes)
        yield CounterMetricFamily("hub_sse_sent_bytes", "Bytes written to streams", stats.sent_bytes)

    def _clients(self) -> Iterator[Metric]:
        stats = self._stats
        yield _counter("hub_client_reports", "Reports of timings from clients", "result", stats.client_reports)
        clock = {"": stats.client_clock_error}
        yield _histogram("hub_client_clock_error_seconds", "How far a client's clock may be off", "", clock)
        success = GaugeMetricFamily("hub_probe_success", "Whether the canary's last message came back")
        if stats.probe_success is not None:
            success.add_metric((), stats.probe_success)
        yield success
        latency = GaugeMetricFamily("hub_probe_latency_seconds", "From the canary's last POST to its own stream")
        if stats.probe_latency_s is not None:
            latency.add_metric((), stats.probe_latency_s)
        yield latency

    def _state(self) -> Iterator[Metric]:
        stats = self._stats
        messages = CounterMetricFamily("hub_messages", "Messages posted", labels=("source", "result"))
        for labels, count in list(stats.messages.items()):
            messages.add_metric(labels, count)
        yield messages
        yield GaugeMetricFamily("hub_log_seq", "The newest event of the log", self._levels.log_seq)
        yield CounterMetricFamily("hub_log_gaps_repaired", "Gaps filled from the database", stats.gaps_repaired)
        agents = GaugeMetricFamily("hub_agents", "Accounts, by whether they have a stream open", labels=("state",))
        for state, count in self._levels.agents.items():
            agents.add_metric((state,), count)
        yield agents
        yield _histogram("hub_event_loop_lag_seconds", "How late the event loop turns", "", {"": stats.loop_lag})
        free_bytes = disk_free_bytes(self._data_dir)
        yield GaugeMetricFamily("hub_disk_free_bytes", "What is free where the hub keeps its files", free_bytes)
        wal_bytes = self._levels.wal_bytes
        yield GaugeMetricFamily("hub_wal_bytes", "The write-ahead log of SQLite; 0 on PostgreSQL", wal_bytes)
        build = GaugeMetricFamily("hub_build_info", "The version that runs", labels=("version",))
        build.add_metric((__version__,), 1)
        yield build


def _histogram(name: str, words: str, label: str, histograms: Mapping[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(name, words, labels=(label,) if label else ())
    for value, histogram in list(histograms.items()):
        counts, total_s = list(histogram.counts), histogram.sum_s
        buckets: list[tuple[str, float]] = []
        reached = 0
        for edge, count in zip((*map(str, histogram.edges_s), "+Inf"), counts, strict=True):
            reached += count
            buckets.append((edge, reached))
        family.add_metric((value,) if label else (), buckets, total_s)
    return family


def _counter(name: str, words: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, words, labels=(label,))
    for value, count in list(counts.items()):
        family.add_metric((value,), count)
    return family
