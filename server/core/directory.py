"""Who and what exists, in memory: accounts, channels, members and credentials, exactly as committed."""

from collections.abc import Iterable
from functools import singledispatchmethod

import msgspec

from server.core.changes import (
    AddReaction,
    AlterThread,
    BuryMessage,
    Change,
    CountObjectives,
    DropAgent,
    DropChannel,
    DropCode,
    DropMember,
    DropReaction,
    DropSession,
    DropToken,
    EditMessage,
    ForgetEnded,
    ForgetMessages,
    IndexMessages,
    InsertMessage,
    InsertThread,
    MoveMarker,
    Note,
    NoteUses,
    PruneLog,
    PutAgent,
    PutChannel,
    PutCode,
    PutMember,
    PutSession,
    PutToken,
    ReadThread,
    RemoveMessages,
    SetPassword,
    SettleQuestion,
    SpendCode,
    TidyUp,
    TouchLog,
)
from server.core.model import ALL_SCOPES, PROBE, Agent, Caller, Channel, Member, Scope, Session, Token


class Directory:
    """The state that decisions are made on. Only `apply` changes it, with what the store has committed.

    `version` is how often that has happened on a database that several hubs may share, else 0.
    """

    def __init__(self) -> None:
        self.version = 0
        self.agents: dict[str, Agent] = {}
        self.channels: dict[str, Channel] = {}
        self.members: dict[str, dict[str, Member]] = {}
        self.joined: dict[str, set[str]] = {}
        self.bereaved: dict[str, frozenset[str]] = {}
        """Channels that ended, with who was a member then: they alone may hear of the end, while the log has it."""
        self._ended_at: dict[str, int] = {}
        self._tokens: dict[bytes, Token] = {}
        self._token_digests: dict[str, bytes] = {}
        self._sessions: dict[bytes, Session] = {}
        self._session_digests: dict[str, bytes] = {}
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def load(self, changes: Iterable[Change], version: int = 0) -> None:
        """Become what these changes make, and nothing else, but for the canary, whose token is in memory alone."""
        probes = [(token, digest) for digest, token in self._tokens.items() if token.agent_id == PROBE]
        vars(self).update(vars(Directory()))
        apply = self.apply  # each look at it makes it anew, which takes as long as two changes
        for change in (*changes, *(PutToken(token, digest) for token, digest in probes)):
            apply(change)
        self.version = version

    def agents_of(self, credentials: Iterable[str]) -> set[str]:
        """Ids of the agents that these tokens and sessions belong to."""
        found = (self.token(credential) or self.session(credential) for credential in credentials)
        return {holder.agent_id for holder in found if holder is not None}

    def credentials(self) -> set[str]:
        """Ids of every token and session."""
        return self._token_digests.keys() | self._session_digests.keys()

    def agent_named(self, word: str) -> Agent | None:
        """The agent whose id is `word` in any case."""
        agent_id = self._ids.get(word.lower())
        return self.agents.get(agent_id) if agent_id else None

    def channel_named(self, name: str) -> Channel | None:
        """The channel that has this name, in any case."""
        channel_id = self._names.get(name.lower())
        return self.channels.get(channel_id) if channel_id else None

    def member(self, channel_id: str, agent_id: str) -> Member | None:
        """The membership, if there is one."""
        return self.members.get(channel_id, {}).get(agent_id)

    def channels_of(self, agent_id: str) -> frozenset[str]:
        """Ids of the channels that the agent is a member of."""
        return frozenset(self.joined.get(agent_id, ()))

    def lost_by(self, agent_id: str) -> frozenset[str]:
        """Ids of the channels that ended while the agent was a member."""
        return frozenset(channel_id for channel_id, agents in self.bereaved.items() if agent_id in agents)

    def has_human(self) -> bool:
        """Whether anybody is here who is not a program."""
        return any(agent.kind == "human" for agent in self.agents.values())

    def tokens(self) -> list[Token]:
        """Every token, oldest first."""
        return sorted(self._tokens.values(), key=lambda token: token.created_at)

    def token(self, token_id: str) -> Token | None:
        """The token with this id."""
        digest = self._token_digests.get(token_id)
        return self._tokens.get(digest) if digest else None

    def sessions(self) -> list[Session]:
        """Every session, oldest first."""
        return sorted(self._sessions.values(), key=lambda session: session.created_at)

    def session(self, session_id: str) -> Session | None:
        """The session with this id."""
        digest = self._session_digests.get(session_id)
        return self._sessions.get(digest) if digest else None

    def caller_by_token(self, digest: bytes, now_ms: int) -> Caller | None:
        """Who holds the token with this SHA-256, if it is valid now."""
        token = self._tokens.get(digest)
        if token is None or (token.expires_at is not None and token.expires_at <= now_ms):
            return None
        return self._caller(token.agent_id, token.scopes, token.id)

    def caller_by_session(self, digest: bytes, now_ms: int) -> Caller | None:
        """Who holds the session with this SHA-256, if it is valid now."""
        session = self._sessions.get(digest)
        if session is None or session.expires_at <= now_ms:
            return None
        return self._caller(session.agent_id, ALL_SCOPES, session.id)

    def _caller(self, agent_id: str, scopes: tuple[Scope, ...], credential: str) -> Caller | None:
        agent = self.agents.get(agent_id)
        return Caller(agent, scopes, credential) if agent else None

    @singledispatchmethod
    def apply(self, change: Change) -> None:
        """Follow one committed change."""
        raise NotImplementedError(type(change).__name__)

    @apply.register(SetPassword)
    @apply.register(PutCode)
    @apply.register(Note)
    @apply.register(PruneLog)
    @apply.register(TidyUp)
    @apply.register(TouchLog)
    @apply.register(SpendCode)
    @apply.register(DropCode)
    @apply.register(IndexMessages)
    @apply.register(InsertMessage)
    @apply.register(EditMessage)
    @apply.register(BuryMessage)
    @apply.register(ForgetMessages)
    @apply.register(RemoveMessages)
    @apply.register(CountObjectives)
    @apply.register(InsertThread)
    @apply.register(AlterThread)
    @apply.register(AddReaction)
    @apply.register(DropReaction)
    @apply.register(MoveMarker)
    @apply.register(ReadThread)
    @apply.register(SettleQuestion)
    def _elsewhere(self, change: Change) -> None:
        """These live in the database alone."""

    @apply.register
    def _put_agent(self, change: PutAgent) -> None:
        self.agents[change.agent.id] = change.agent
        self._ids[change.agent.id.lower()] = change.agent.id

    @apply.register
    def _drop_agent(self, change: DropAgent) -> None:
        self.agents.pop(change.agent_id, None)
        self._ids.pop(change.agent_id.lower(), None)
        for token in [token for token in self._tokens.values() if token.agent_id == change.agent_id]:
            self._drop_token(DropToken(token.id))
        for session in [session for session in self._sessions.values() if session.agent_id == change.agent_id]:
            self._drop_session(DropSession(session.id))

    @apply.register
    def _put_token(self, change: PutToken) -> None:
        self._tokens[change.digest] = change.token
        self._token_digests[change.token.id] = change.digest

    @apply.register
    def _drop_token(self, change: DropToken) -> None:
        digest = self._token_digests.pop(change.token_id, None)
        if digest:
            del self._tokens[digest]

    @apply.register
    def _put_session(self, change: PutSession) -> None:
        self._sessions[change.digest] = change.session
        self._session_digests[change.session.id] = change.digest

    @apply.register
    def _drop_session(self, change: DropSession) -> None:
        digest = self._session_digests.pop(change.session_id, None)
        if digest:
            del self._sessions[digest]

    @apply.register
    def _note_uses(self, change: NoteUses) -> None:
        for credential, at in change.used.items():
            digest = self._token_digests.get(credential)
            if digest is not None:
                self._tokens[digest] = msgspec.structs.replace(self._tokens[digest], last_used_at=at)
            digest = self._session_digests.get(credential)
            if digest is not None:
                self._sessions[digest] = msgspec.structs.replace(self._sessions[digest], last_used_at=at)

    @apply.register
    def _put_channel(self, change: PutChannel) -> None:
        channel = change.channel
        before = self.channels.get(channel.id)
        if before is not None:
            self._names.pop(before.name.lower(), None)
        self.channels[channel.id] = channel
        self._names[channel.name.lower()] = channel.id
        self.members.setdefault(channel.id, {})

    @apply.register
    def _drop_channel(self, change: DropChannel) -> None:
        channel = self.channels.pop(change.channel_id, None)
        if channel is not None:
            self._names.pop(channel.name.lower(), None)
        left = self.members.pop(change.channel_id, {})
        self.bereaved[change.channel_id] = frozenset(left)
        self._ended_at[change.channel_id] = change.at
        for agent_id in left:
            self.joined[agent_id].discard(change.channel_id)

    @apply.register
    def _forget_ended(self, change: ForgetEnded) -> None:
        for channel_id in [ended for ended, at in self._ended_at.items() if at < change.before_ms]:
            del self.bereaved[channel_id], self._ended_at[channel_id]

    @apply.register
    def _put_member(self, change: PutMember) -> None:
        self.members[change.channel_id][change.member.agent_id] = change.member
        self.joined.setdefault(change.member.agent_id, set()).add(change.channel_id)

    @apply.register
    def _drop_member(self, change: DropMember) -> None:
        self.members.get(change.channel_id, {}).pop(change.agent_id, None)
        self.joined.get(change.agent_id, set()).discard(change.channel_id)
