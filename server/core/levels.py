"""What is looked at rather than counted, whenever somebody scrapes; on the event loop, where it does not change."""

import msgspec

from server.core.admission import Admission
from server.core.hub import Hub
from server.core.model import PROBE

CLIENTS = ("page", "agent", "bridge", "human")
"""Who reads a stream: the page (signed in by a session), or a token by the kind of its account."""


class Levels(msgspec.Struct, frozen=True):
    """How things stand now."""

    log_seq: int
    streams: dict[str, int]
    unsent_bytes_most: int
    agents: dict[str, int]
    wal_bytes: int


def levels(hub: Hub, admission: Admission) -> Levels:
    """Look."""
    streams = dict.fromkeys(CLIENTS, 0)
    for stream in admission.streams:
        agent = hub.directory.agents.get(stream.agent_id)
        if agent is not None and agent.id != PROBE:
            streams["page" if admission.by_session(stream) else agent.kind] += 1
    present = len({*hub.dispatch.present()} - {PROBE})
    everybody = len(hub.directory.agents.keys() - {PROBE})
    agents = {"connected": present, "disconnected": everybody - present}
    return Levels(hub.dispatch.head, streams, hub.dispatch.unsent_bytes_most(), agents, hub.log.wal_bytes())
