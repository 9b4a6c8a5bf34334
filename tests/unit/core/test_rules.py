"""What is valid and who may do it."""

import pytest

from server.core import rules
from server.core.changes import PutAgent, PutChannel, PutMember
from server.core.directory import Directory
from server.core.errors import Forbidden, Invalid, NotFound, TooLarge
from server.core.events import Role
from server.core.model import Agent, Caller, Channel, Member

PUBLIC, PRIVATE = "public", "private"


def agent(agent_id: str, *, admin: bool = False) -> Agent:
    return Agent(id=agent_id, kind="agent", display_name=agent_id, avatar="🤖", admin=admin, created_at=0)


@pytest.fixture
def directory() -> Directory:
    """Two channels with an owner, a moderator and a member each, and two agents outside of both."""
    directory = Directory()
    for agent_id in ("owner", "moderator", "member", "outsider"):
        directory.apply(PutAgent(agent(agent_id)))
    directory.apply(PutAgent(agent("admin", admin=True)))
    roles: tuple[Role, ...] = ("owner", "moderator", "member")
    for name in (PUBLIC, PRIVATE):
        is_private = name == PRIVATE
        directory.apply(
            PutChannel(Channel(id=name, name=name, is_private=is_private, created_at=0, created_by="owner"))
        )
        for role in roles:
            directory.apply(PutMember(name, Member(role, 0, role)))
    return directory


def caller(directory: Directory, agent_id: str) -> Caller:
    return Caller(directory.agents[agent_id], ("read", "write", "admin"), "token")


@pytest.mark.parametrize("agent_id", ["owner", "moderator", "member", "outsider", "admin"])
@pytest.mark.parametrize("channel_id", [PUBLIC, PRIVATE])
def test_a_private_channel_is_read_by_members_only(directory: Directory, agent_id: str, channel_id: str) -> None:
    who = caller(directory, agent_id)
    if channel_id == PRIVATE and agent_id in ("outsider", "admin"):
        with pytest.raises(NotFound):
            rules.may_read(directory, who, channel_id)
    else:
        assert rules.may_read(directory, who, channel_id).id == channel_id


@pytest.mark.parametrize(
    ("agent_id", "role", "allowed"),
    [
        ("owner", "owner", True),
        ("moderator", "owner", False),
        ("moderator", "moderator", True),
        ("member", "moderator", False),
        ("outsider", "moderator", False),
        ("admin", "owner", True),
    ],
)
def test_governing_takes_the_role_or_an_admin(directory: Directory, agent_id: str, role: Role, allowed: bool) -> None:
    who = caller(directory, agent_id)
    if allowed:
        assert rules.may_govern(directory, who, PUBLIC, role).id == PUBLIC
    else:
        with pytest.raises(Forbidden):
            rules.may_govern(directory, who, PUBLIC, role)


@pytest.mark.parametrize(
    ("agent_id", "newcomer", "role", "allowed"),
    [
        ("outsider", "outsider", "member", True),
        ("outsider", "outsider", "moderator", False),
        ("member", "outsider", "member", False),
        ("moderator", "outsider", "member", True),
        ("moderator", "member", "moderator", False),
        ("moderator", "moderator", "owner", False),
        ("owner", "member", "owner", True),
    ],
)
def test_who_seats_whom(directory: Directory, agent_id: str, newcomer: str, role: Role, allowed: bool) -> None:
    wanted = Member(newcomer, 0, role)
    if allowed:
        rules.may_seat(directory, caller(directory, agent_id), PUBLIC, wanted)
        return
    with pytest.raises(Forbidden):
        rules.may_seat(directory, caller(directory, agent_id), PUBLIC, wanted)


def test_a_moderator_does_not_remove_an_owner(directory: Directory) -> None:
    with pytest.raises(Forbidden):
        rules.may_unseat(directory, caller(directory, "moderator"), PUBLIC, directory.members[PUBLIC]["owner"])


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ("@owner hello", ("owner",)),
        ("hello @OWNER!", ("owner",)),
        ("(@owner), @member.", ("owner", "member")),
        ("@owner @owner", ("owner",)),
        ("mail@owner and x/@owner", ()),
        ("`@owner` and ```\n@member\n```", ()),
        ("``` @owner without an end", ()),
        ("@nobody", ()),
        ("@all", ("member", "moderator", "owner")),
        ("@Channel: look", ("member", "moderator", "owner")),
        ("no at sign", ()),
    ],
)
def test_mentions(directory: Directory, words: str, called: tuple[str, ...]) -> None:
    assert rules.mentions(words, directory, PUBLIC) == called


def test_content_counts_in_bytes() -> None:
    assert rules.content("é" * 5, 10)
    with pytest.raises(TooLarge):
        rules.content("é" * 5 + "x", 10)


@pytest.mark.parametrize("value", ["", "   ", "\t\n", "a\0", "\ud800"])
def test_content_that_is_none(value: str) -> None:
    with pytest.raises(Invalid):
        rules.content(value, 100)


def test_a_uuid_is_kept_in_lower_case() -> None:
    assert rules.uuid("id", "9F3C2A1D-5E8F-4B6A-9C1E-2A3B4C5D6E7F") == "9f3c2a1d-5e8f-4b6a-9c1e-2a3b4c5d6e7f"
