"""A Redis and a PostgreSQL of the owner's: tried before anything is changed, and never changed themselves."""

import json
from dataclasses import dataclass

from hubctl.host import Host
from hubctl.receipt import Receipt
from hubctl.step import OK, Verdict, mind, unfit
from hubctl.steps.machine import Looked


@dataclass(frozen=True, kw_only=True)
class OwnServerStep(Looked):
    """The server at `url` answers, is new enough, and lets the hub do what it needs. `kind` is redis or database."""

    kind: str
    url: str
    python: str

    def check(self, host: Host, receipt: Receipt) -> Verdict:
        """The hub's own program tries it: it knows what it needs."""
        request = json.dumps({"kind": self.kind, "url": self.url})
        tried = host.run(self.python, "-P", "-m", "server", "try", text=request)
        if tried.code == 0:
            lacks = self.kind == "database" and host.run("pg_dump", "--version").code == 127
            return mind("no backups can be made of it without pg_dump: install postgresql-client") if lacks else OK
        words = (tried.out or tried.err).strip().splitlines()
        return unfit(words[-1].removeprefix("hub: ") if words else "it could not be tried")
