"""What the hub counts itself, as far as the bench asks: histograms read from the text of /metrics."""

import re
from collections import defaultdict

_BUCKET = re.compile(r"^(?P<name>\w+)_bucket\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)
_EDGE = re.compile(r'le="([^"]+)"')

Buckets = dict[float, float]
"""How many values do not exceed an edge, by edge, summed over all labels."""


def buckets(text: str, name: str, label: str = "") -> Buckets:
    """The histogram `name`, or its part with a label written so; empty when the hub has none."""
    found: Buckets = defaultdict(float)
    for match in _BUCKET.finditer(text):
        edge = _EDGE.search(match["labels"])
        if match["name"] == name and label in match["labels"] and edge is not None:
            found[float(edge[1])] += float(match["count"])
    return dict(found)


def between(before: Buckets, after: Buckets, edge: float) -> tuple[int, int]:
    """Of the values counted between two looks: how many do not exceed `edge`, and how many there were."""
    counted = {at: count - before.get(at, 0.0) for at, count in after.items()}
    return int(counted.get(edge, 0.0)), int(counted.get(float("inf"), 0.0))


def gauge(text: str, name: str) -> float | None:
    """A value without labels; None when the hub does not tell it."""
    match = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(match[1]) if match else None
