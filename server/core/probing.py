"""The canary's account and channel: made by the hub for itself, shown to nobody, and forgotten as it goes."""

from contextlib import suppress

from server.core.changes import Change, Decision, ForgetMessages, PutAgent, PutChannel, PutMember, PutToken
from server.core.clock import now_ms
from server.core.errors import HubError
from server.core.hub import Hub
from server.core.ids import digest_of, new_id, new_token
from server.core.model import DEFAULT_SCOPES, PROBE, Agent, Channel, Limits, Member, Token


async def found_probe(hub: Hub) -> tuple[str, str] | None:
    """The canary's channel and a token that only this process knows; None where somebody else has its name."""
    fresh = Channel(id=new_id(), name=PROBE, is_private=True, created_at=now_ms(), created_by=PROBE)

    def decide() -> Decision:
        taken = hub.directory.channel_named(PROBE) is not None or PROBE in hub.directory.agents
        return Decision() if taken else Decision(_founding(fresh))

    await hub.writer.submit(decide)
    channel = hub.directory.channel_named(PROBE)
    if channel is None or channel.created_by != PROBE:
        return None
    secret = new_token()
    token = Token(id=new_id(), agent_id=PROBE, scopes=DEFAULT_SCOPES, created_at=now_ms())
    hub.directory.apply(PutToken(token, digest_of(secret)))
    return channel.id, secret


def _founding(channel: Channel) -> tuple[Change, ...]:
    at = channel.created_at
    limits = Limits(message=0, reaction=0, invite=0)
    agent = Agent(id=PROBE, kind="agent", display_name=PROBE, avatar="🐤", limits=limits, created_at=at)
    return PutAgent(agent), PutChannel(channel), PutMember(channel.id, Member(PROBE, at, "owner"))


async def forget(hub: Hub, channel_id: str) -> None:
    """Let what the canary has said go; its events stay in the log as numbers without words."""
    with suppress(HubError):  # the database is away, which the canary will tell by itself
        await hub.writer.submit(lambda: Decision((ForgetMessages(channel_id),)))
