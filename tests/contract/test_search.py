"""Full text on both databases: whatever is in the index by now, what is found is what a look at each message finds."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from server.core.changes import (
    BuryMessage,
    Change,
    Decision,
    EditMessage,
    ForgetMessages,
    IndexMessages,
    InsertMessage,
    Outgoing,
    PutAgent,
    PutChannel,
)
from server.core.events import ChannelMessage
from server.core.ids import new_id
from server.core.model import Agent, Channel, Message
from server.core.records import Search
from server.store.database import Database
from server.store.migrating import migrate
from server.store.searching import PREFIX_LENGTH, SPELLED_WORDS, terms_of, words_of

ROOMS = 40
WORDS = ("deploy", "deployment", "Größe", "v1.2.3", "foo-bar", "the", "ab", "·c", "NOT", "中文", "x_y", "3fa9")


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    migrate(url)
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def rooms(log: Database) -> list[str]:
    anna = Agent(id="anna", kind="agent", display_name="Anna", avatar="🤖", created_at=1)
    ids = [new_id() for _ in range(ROOMS)]
    channels = [
        Channel(id=id_, name=f"room {number}", is_private=False, created_at=1, created_by="anna")
        for number, id_ in enumerate(ids)
    ]
    made(log, PutAgent(anna), *(PutChannel(channel) for channel in channels))
    return ids


def made(log: Database, *changes: Change) -> None:
    log.commit([Decision(changes)], 1 << 40)


def said(log: Database, room: str, words: str, sender: str = "anna") -> Message:
    message = Message(id=new_id(), channel_id=room, content=words, sender_id=sender, timestamp=5, mentions=(), seq=0)
    event = ChannelMessage(channel_id=room, message=message.part())
    decision = Decision((InsertMessage(message, chosen_id=False),), (Outgoing(event, 5, sender, room),))
    stored = log.commit([decision], 1 << 40).written[0].message
    assert stored is not None
    return stored


async def indexed(log: Database) -> int:
    return (await log.head()).indexed


async def found(log: Database, words: str, rooms: list[str], limit: int = 50, **more: object) -> list[str]:
    return [message.content for message in await log.records.search(Search(words, tuple(rooms), limit, **more))]  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
async def test_it_finds_what_a_look_at_each_message_finds(log: Database, rooms: list[str], seed: int) -> None:
    chance = random.Random(seed)
    stored: list[Message] = []
    for _ in range(120):
        words = " ".join(chance.choices(WORDS, k=3))
        sender = chance.choice(("anna", "external:irc:B.x"))
        # most is said in the first rooms, so that there are large ones and small ones
        stored.append(said(log, rooms[min(int(chance.expovariate(0.2)), ROOMS - 1)], words, sender))
        if chance.random() < 0.05:
            made(log, IndexMessages(chance.choice((1, 7, 100))))
        if chance.random() < 0.2:
            number = chance.randrange(len(stored))
            words = chance.choice(("", " ".join(chance.choices(WORDS, k=2))))
            if stored[number].content:
                old = stored[number]
                made(log, EditMessage(old.id, words, (), 9) if words.strip() else BuryMessage(old.id, 9))
                now = await log.message(old.id)
                assert now is not None
                stored[number] = now
    for _ in range(60):
        here = chance.sample(rooms, chance.randint(1, ROOMS))
        query = " ".join(chance.choices((*WORDS, "dep", "3f", "3fa", "größen"), k=chance.randint(1, 2)))
        sender_id = chance.choice((None, "anna", "external:irc:B.x", "nobody"))
        before = chance.choice(stored).seq if chance.random() < 0.5 else None
        limit = chance.choice((3, 200))
        terms = terms_of(query)
        wanted = [
            message
            for message in reversed(stored)
            if message.channel_id in here
            and not message.deleted
            and sender_id in (None, message.sender_id)
            and (before is None or message.seq < before)
            and fits(message.content, terms)
        ]
        got = await log.records.search(Search(query, tuple(here), limit, sender_id, before))
        assert [message.id for message in got] == [message.id for message in wanted[: limit + 1]], (query, here)


def fits(content: str, terms: Sequence[str]) -> bool:
    """Whether each term is a word of a text, or the beginning of one."""
    words = words_of(content)
    begun = {word[:length] for word in words for length in range(PREFIX_LENGTH, len(word) + 1)}
    return all(term in begun or term in words for term in terms)


async def test_what_was_said_just_now_is_found_before_and_after_it_is_indexed(log: Database, rooms: list[str]) -> None:
    said(log, rooms[0], "first words")
    last = said(log, rooms[0], "second words")
    assert await indexed(log) < last.seq
    assert await found(log, "words", rooms) == ["second words", "first words"]
    made(log, IndexMessages(1))
    assert await found(log, "words", rooms) == ["second words", "first words"]
    made(log, IndexMessages(100))
    assert await indexed(log) == last.seq
    assert await found(log, "words", rooms) == ["second words", "first words"]


async def test_changed_words_are_indexed_once_wherever_the_index_is(log: Database, rooms: list[str]) -> None:
    early = said(log, rooms[0], "early bird")
    made(log, IndexMessages(100))
    late = said(log, rooms[0], "late bird")
    made(log, EditMessage(early.id, "early cat", (), 9), EditMessage(late.id, "late cat", (), 9))
    for _ in range(2):
        assert await found(log, "bird", rooms) == []
        assert await found(log, "cat", rooms) == ["late cat", "early cat"]
        made(log, IndexMessages(100))
    made(log, BuryMessage(early.id, 10))
    assert await found(log, "cat", rooms) == ["late cat"]
    made(log, ForgetMessages(rooms[0]))
    assert await found(log, "cat", rooms) == []


async def test_a_beginning_that_very_many_words_have_is_found_too(log: Database, rooms: list[str]) -> None:
    for number in range(SPELLED_WORDS + 10):
        said(log, rooms[0], f"job{number:04d}")
    made(log, IndexMessages(1000))
    assert len(await found(log, "job", rooms, 200)) == SPELLED_WORDS + 10
    assert len(await found(log, "job00", rooms, 200)) == SPELLED_WORDS + 10
    assert len(await found(log, "job000", rooms, 200)) == 10
