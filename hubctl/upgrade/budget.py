"""How long another version may take to prove itself: a few times what the present one took to start on this machine."""

import re

from hubctl.host import Host
from hubctl.installed import HUB_UNIT

LEAST_S = 25.0
"""With what it takes to stop, to copy and to come back, a hub is closed for less than a minute at the worst."""

MOST_S = 300.0
"""What never answers keeps people out no longer than that."""

STARTS = 10.0
"""Before the start its `hubctl` looks at every part of the machine, and after it comes the trial: on a slow processor
with what it reads in memory already, both together took 4.5 starts."""

_TIMES = ("InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")


def took_s(host: Host) -> float:
    """What the hub that runs took to start, as systemd saw it; 0 when none does."""
    asked = [word for name in _TIMES for word in ("-p", name)]
    shown = dict(re.findall(r"^(\w+)=(\d+)$", host.run("systemctl", "show", *asked, HUB_UNIT).out, re.MULTILINE))
    began, ended = (int(shown.get(name, 0)) for name in _TIMES)
    return max(0.0, (ended - began) / 1e6) if began else 0.0


def budget_s(host: Host) -> float:
    """How long a version has."""
    return min(MOST_S, max(LEAST_S, round(STARTS * took_s(host))))
