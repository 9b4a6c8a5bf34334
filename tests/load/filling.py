"""A database as full as a hub's after years: written by the store's own transactions, so that every row is there.

Words follow Zipf's law, as people's do, with three of their own: one in every message, one in each thousandth, one in
each hundred-thousandth. Senders take turns, but for one that hardly ever speaks.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from msgspec.structs import asdict
from sqlalchemy import create_engine, insert, update

from server.core.changes import Decision, IndexMessages, InsertMessage, Outgoing, PutChannel
from server.core.channels import joining
from server.core.clock import now_ms
from server.core.events import ChannelMessage
from server.core.ids import new_id
from server.core.model import Channel, Member, Message
from server.store.database import Database
from server.store.tables import events, markers, members

EVERYWHERE, SOMETIMES, RARE = "everywhere", "sometimes", "rarissime"
"""Words in every message, in each thousandth, in each hundred-thousandth."""

ODD, EVEN = "oddly", "evenly"
"""Two words in every other message, never in the same one."""

QUIET_SHARE = 5000
"""One message in so many is the quiet sender's, and one is the quiet channel's."""

VOCABULARY = 20_000
WORDS = 12
BATCH = 2000
OLDEST_MS = 28 * 24 * 3600 * 1000

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Places:
    """Where messages go and who says them. Half are said in `busy`, a few in `quiet`, the others all around."""

    busy: str
    quiet: str
    others: Sequence[str]
    senders: Sequence[str]
    quiet_sender: str


def found_channels(url: str, count: int, agents: Sequence[str], *, is_private: bool = False) -> list[str]:
    """Make so many channels with all `agents` in each; their ids. Nobody else may have the database open."""
    store, database = Database(url), create_engine(url)
    at, kind = now_ms(), "den" if is_private else "room"
    try:
        made = [
            Channel(id=new_id(), name=f"{kind} {number}", is_private=is_private, created_at=at, created_by=agents[0])
            for number in range(count)
        ]
        for channel in made:
            seats = [Member(agent, at, "owner" if agent == agents[0] else "member") for agent in agents]
            joins = [joining(channel.id, seat, seat.agent_id) for seat in seats]
            owner = joins[0][0]
            store.commit([Decision((PutChannel(channel), *owner), tuple(event for _, event in joins))], 1 << 60)
            # one by one, each of them would be looked up first
            rows = [{"channel_id": channel.id, **asdict(seat)} for seat in seats[1:]]
            read = [{"channel_id": channel.id, "agent_id": seat.agent_id, "seq": 0} for seat in seats[1:]]
            with database.begin() as connection:
                connection.execute(insert(members), rows)
                connection.execute(insert(markers), read)
    finally:
        store.close()
        database.dispose()
    return [channel.id for channel in made]


def fill(url: str, count: int, places: Places, tell: Tell) -> None:
    """Store so many messages, the oldest of them four weeks ago. Nobody else may have the database open."""
    _date_back(url)
    store = Database(url)
    saying = _sayings(count, places)
    done = 0
    try:
        while batch := list(islice(saying, BATCH)):
            # a head from the future: nobody wants to hear of what the database had before
            store.commit(batch, 1 << 60)
            store.commit([Decision((IndexMessages(BATCH + 1),))], 1 << 60)
            done += len(batch)
            tell(done)
    finally:
        store.close()


def _date_back(url: str) -> None:
    """What happened so far happened before all messages by the clock too: the log is pruned from its oldest on."""
    database = create_engine(url)
    with database.begin() as connection:
        connection.execute(update(events).values(timestamp=now_ms() - OLDEST_MS - 1))
    database.dispose()


def _sayings(count: int, places: Places) -> Iterator[Decision]:
    chance = random.Random(count)
    words = [f"{_syllables(chance)}{number}" for number in range(VOCABULARY)]
    weights = [1 / (rank + 2) for rank in range(VOCABULARY)]
    totals = [sum(weights[:1])]
    for weight in weights[1:]:
        totals.append(totals[-1] + weight)
    last = now_ms()
    for number in range(count):
        said = chance.choices(words, cum_weights=totals, k=WORDS)
        said += [EVERYWHERE, EVEN if number % 2 == 0 else ODD]
        said += [SOMETIMES] if number % 1000 == 0 else []
        said += [RARE] if number % 100_000 == 0 else []
        yield _decision(number, " ".join(said), last - OLDEST_MS + OLDEST_MS * number // count, places)


def _syllables(chance: random.Random) -> str:
    return "".join(chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(chance.randint(1, 3)))


def _decision(number: int, content: str, at_ms: int, places: Places) -> Decision:
    channel_id = places.busy if number % 2 or not places.others else places.others[number // 2 % len(places.others)]
    if number % QUIET_SHARE == 1:
        channel_id = places.quiet
    sender_id = places.senders[number % len(places.senders)]
    if number % QUIET_SHARE == 2:
        sender_id = places.quiet_sender
    message = Message(
        id=new_id(),
        channel_id=channel_id,
        content=content,
        sender_id=sender_id,
        timestamp=at_ms,
        mentions=(places.senders[number % len(places.senders) // 2],) if number % 50 == 0 else (),
        seq=0,
    )
    event = ChannelMessage(channel_id=channel_id, message=message.part())
    return Decision((InsertMessage(message, chosen_id=False),), (Outgoing(event, at_ms, sender_id, channel_id),))
