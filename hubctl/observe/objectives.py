"""The five objectives over 30 days as PromQL: what counts, and what of it is bad."""

from typing import NamedTuple


class Objective(NamedTuple):
    """`bad` and `total` hold WINDOW where a range belongs; `allowed` is the share that may be bad."""

    name: str
    says: str
    allowed: float
    bad: str
    total: str


def _late(name: str, says: str, allowed: float, metric: str, picked: str, edge: str) -> Objective:
    """Of a histogram: what took longer than the edge."""
    total = f"sum by (instance) (increase({metric}_count{picked}[WINDOW]))"
    bucket = picked[:-1] + (", " if picked != "{}" else "") + f'le="{edge}"}}'
    in_time = f"sum by (instance) (increase({metric}_bucket{bucket}[WINDOW]))"
    return Objective(name, says, allowed, f"{total} - {in_time}", total)


_POSTS = 'hub_http_requests_total{area="messages", method="POST"}'
_FAILED = 'hub_http_requests_total{area="messages", method="POST", code="5xx"}'

OBJECTIVES = (
    Objective(
        "post",
        "messages are taken without an error of the hub",
        0.001,
        f"sum by (instance) (increase({_FAILED}[WINDOW])) or sum by (instance) (increase({_POSTS}[WINDOW])) * 0",
        f"sum by (instance) (increase({_POSTS}[WINDOW]))",
    ),
    _late(
        "fanned_out",
        "messages are with their readers within 50 ms",
        0.01,
        "hub_message_latency_seconds",
        '{point="fanned_out"}',
        "0.05",
    ),
    _late(
        "painted",
        "messages are painted within 100 ms",
        0.05,
        "hub_message_latency_seconds",
        '{point="painted"}',
        "0.1",
    ),
    _late(
        "signals",
        "presence and typing are with their readers within 100 ms",
        0.01,
        "hub_signal_latency_seconds",
        '{kind=~"presence|typing"}',
        "0.1",
    ),
    _late("ttl", "what runs out does so within 1 s of its time", 0.001, "hub_ttl_expiry_error_seconds", "{}", "1.0"),
)
