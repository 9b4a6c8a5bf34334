"""How often clients may report their timings: counted by credential, in this process alone."""

from collections import OrderedDict

REPORTS_A_MINUTE = 30
REPORTERS_MOST = 10_000


class Reporters:
    """Who reported how often in the present minute; who was quiet longest is forgotten first."""

    def __init__(self) -> None:
        self._minutes: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, credential: str, now_s: float) -> float:
        """Count one report; returns the seconds to wait, 0 when it may count."""
        began_s, times = self._minutes.pop(credential, (now_s, 0))
        if now_s - began_s >= 60.0:
            began_s, times = now_s, 0
        self._minutes[credential] = (began_s, times + 1)
        if len(self._minutes) > REPORTERS_MOST:
            self._minutes.popitem(last=False)
        return began_s + 60.0 - now_s if times >= REPORTS_A_MINUTE else 0.0
