"""The hub as use cases see it: the state they decide on, the writer they submit to, the log they read."""

from dataclasses import dataclass, field

from server.core.clock import now_ms
from server.core.directory import Directory
from server.core.dispatch import Dispatch
from server.core.follower import Follower
from server.core.ids import digest_of
from server.core.mirror import Mirror
from server.core.model import ALL_SCOPES, Caller, Limits
from server.core.objectives import Objectives
from server.core.once import Once
from server.core.past import Past
from server.core.ports import Counters, Log, Passwords
from server.core.presence import Presences
from server.core.recent import Recent
from server.core.records import Records
from server.core.reporters import Reporters
from server.core.stats import Stats
from server.core.throttle import Throttle
from server.core.typists import Typists
from server.core.uses import Uses
from server.core.writer import Writer

OPERATOR = "hubctl"
"""The built-in account of the command line on this machine."""

GENERAL = "general"
"""The public channel that everybody joins."""


@dataclass(frozen=True)
class Bounds:
    """What a request may ask for at most; `agents` and `people` do so often in a minute, 0 is no limit."""

    message_bytes: int
    agents: Limits
    people: Limits


@dataclass(frozen=True)
class Hub:
    """What gets what; made once by `app`."""

    directory: Directory
    log: Log
    records: Records
    writer: Writer
    dispatch: Dispatch
    stats: Stats
    passwords: Passwords
    bounds: Bounds
    counters: Counters
    recent: Recent
    past: Past
    presences: Presences
    typists: Typists
    mirror: Mirror
    throttle: Throttle
    uses: Uses
    reporters: Reporters
    objectives: Objectives
    follower: Follower
    once: Once = field(default_factory=Once)
    started_at: int = field(default_factory=now_ms)

    def by_token(self, secret: str) -> Caller | None:
        """Who holds this bearer token."""
        return self.directory.caller_by_token(digest_of(secret), now_ms())

    def by_session(self, secret: str) -> Caller | None:
        """Who is signed in with this cookie."""
        return self.directory.caller_by_session(digest_of(secret), now_ms())

    def by_name(self, name: str) -> Caller | None:
        """The person of this name, whom a listed proxy has signed in; never a program."""
        agent = self.directory.agent_named(name)
        if agent is None or agent.kind != "human":
            return None
        return Caller(agent, ALL_SCOPES, f"{agent.id} by proxy")

    def expires_at(self, credential: str) -> int | None:
        """When this token or session runs out (ms since the epoch); None for never."""
        found = self.directory.token(credential) or self.directory.session(credential)
        return found.expires_at if found else None

    def has_human(self) -> bool:
        """Whether the first human has arrived."""
        return self.directory.has_human()
