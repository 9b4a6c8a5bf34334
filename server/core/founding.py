"""What every hub has from its first start: the account of the command line, its token, and `general`."""

from server.core.accounts import Enrolment, agent_of
from server.core.changes import Change, Decision, Outgoing, PutAgent, PutChannel, PutToken
from server.core.channels import joining
from server.core.clock import now_ms
from server.core.hub import GENERAL, OPERATOR, Hub
from server.core.ids import digest_of, new_id, new_token
from server.core.model import ALL_SCOPES, Channel, Member, Token


async def found(hub: Hub) -> None:
    """Make the operator's account and `general` where they are not; a hub that has ended `general` keeps it ended."""
    await hub.writer.submit(lambda: _founding(hub))


def _founding(hub: Hub) -> Decision:
    if OPERATOR in hub.directory.agents:
        return Decision()
    operator = agent_of(Enrolment(OPERATOR, "agent", "hubctl", "🛠️", admin=True))
    at = operator.created_at
    general = Channel(
        id=new_id(),
        name=GENERAL,
        topic="Everyone joins this one",
        is_private=False,
        created_at=at,
        created_by=OPERATOR,
    )
    seats, event = joining(general.id, Member(OPERATOR, at, "owner"), OPERATOR)
    changes: tuple[Change, ...] = (PutAgent(operator), PutChannel(general), *seats)
    events: tuple[Outgoing, ...] = (event,)
    return Decision(changes, events)


async def operator_token(hub: Hub, present: str | None) -> str:
    """The operator's token: the present one while it is valid, else a fresh one."""
    if present is not None:
        caller = hub.by_token(present)
        if caller is not None and caller.agent.id == OPERATOR:
            return present
    secret = new_token()
    token = Token(id=new_id(), agent_id=OPERATOR, name="admin.token", scopes=ALL_SCOPES, created_at=now_ms())
    await hub.writer.submit(lambda: Decision((PutToken(token, digest_of(secret)),)))
    return secret
