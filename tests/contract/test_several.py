"""What several hubs on one PostgreSQL rely on: what was overtaken is refused, and everything is found out."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from server.core.changes import Decision, DropMember, DropToken, Outgoing, PutAgent, PutChannel, PutMember, PutToken
from server.core.errors import Overtaken, Unavailable
from server.core.events import GlobalPart, SystemAnnouncement
from server.core.ids import digest_of, new_id
from server.core.model import Agent, Channel, Limits, Member, Token
from server.core.peers import Peers
from server.store.database import Database
from server.store.engine import postgres_driver
from server.store.journal import KEPT
from server.store.migrating import migrate
from server.store.pulse import Pulse

ANNA = Agent(id="anna", kind="agent", display_name="Anna", avatar="🤖", limits=Limits(message=3), created_at=1)
SLOWLY = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END';
CREATE TRIGGER slowly BEFORE INSERT ON hubs FOR EACH ROW EXECUTE FUNCTION slowly();
"""
"""Makes first beats of the same moment overlap: none sees the other's."""

TICKING = """
CREATE FUNCTION transaction_timestamp() RETURNS timestamptz LANGUAGE sql
AS 'SELECT to_timestamp(floor(extract(epoch FROM pg_catalog.transaction_timestamp()) * 2) / 2)';
DO 'BEGIN EXECUTE format(''ALTER DATABASE %I SET search_path = public, pg_catalog'', current_database()); END';
"""
"""Makes all beats of half a second bear one time."""

WORD = Outgoing(SystemAnnouncement(data=GlobalPart(message="x")), 1, "anna")


@pytest.fixture
def hubs(postgres_url: str) -> Iterator[tuple[Database, Database]]:
    migrate(postgres_url)
    one, other = Database(postgres_url), Database(postgres_url)
    yield one, other
    one.close()
    other.close()


async def test_a_decision_on_a_directory_that_has_changed_is_refused_and_leaves_no_trace(
    hubs: tuple[Database, Database],
) -> None:
    one, other = hubs
    assert one.commit([Decision((PutAgent(ANNA),))], 0, 0).version == 1
    with pytest.raises(Overtaken):
        other.commit([Decision((), (WORD,))], 0, 0)
    assert (await other.head()).seq == 0
    assert other.commit([Decision((), (WORD,))], 0, 1).written[0].entries[0].seq == 1


async def test_what_changes_nothing_of_the_directory_overtakes_nobody(hubs: tuple[Database, Database]) -> None:
    one, other = hubs
    one.commit([Decision((), (WORD,))], 0, 0)
    committed = other.commit([Decision((), (WORD,))], 0, 0)
    assert ([entry.seq for entry in committed.missed], committed.written[0].entries[0].seq) == ([1], 2)


async def test_who_missed_a_lot_is_to_catch_up_first(hubs: tuple[Database, Database]) -> None:
    one, other = hubs
    one.commit([Decision((), (WORD,) * 300)], 0, 0)
    with pytest.raises(Overtaken):
        other.commit([Decision((), (WORD,))], 0, 0)


async def test_news_are_the_events_and_the_changes_as_they_were_made(hubs: tuple[Database, Database]) -> None:
    one, other = hubs
    room = Channel(id=new_id(), name="room", is_private=True, created_at=1, created_by="anna")
    token = Token(id=new_id(), agent_id="anna", scopes=("read",), created_at=2, expires_at=3)
    made = (PutAgent(ANNA), PutChannel(room), PutMember(room.id, Member("anna", 1, "owner")))
    then = (PutToken(token, digest_of("secret")), DropToken(token.id), DropMember(room.id, "anna"))
    one.commit([Decision(made, (WORD,))], 0, 0)
    written = one.commit([Decision(then, (WORD,))], 1, 3).written[0]
    await other.head()
    news = await other.news(0, 0, 10)
    assert tuple(news.changes) == (*made, *then)
    assert (news.version, news.whole, [entry.seq for entry in news.entries]) == (6, False, [1, 2])
    later = await other.news(1, 3, 10)
    assert (tuple(later.changes), list(later.entries)) == (then, list(written.entries))
    assert (await other.news(2, 6, 10)).entries == []


async def test_who_is_too_far_behind_gets_the_directory_as_it_is(hubs: tuple[Database, Database]) -> None:
    one, other = hubs
    for number in range(0, KEPT + 50, 1000):
        one.commit([Decision((PutAgent(msgspec.structs.replace(ANNA, avatar=str(number))),) * 1000)], 0)
    version = (await other.contents()).version
    news = await other.news(0, 0, 10)
    assert (news.whole, news.version, len(news.changes)) == (True, version, 1)
    assert not (await other.news(0, version - 5, 10)).whole


async def test_out_of_reach_is_refused_at_once_and_then_taken_up_again(hubs: tuple[Database, Database]) -> None:
    one, _ = hubs
    one.commit([Decision((PutAgent(ANNA),))], 0)
    one.reach.lose("the database does not answer")
    with pytest.raises(Unavailable, match="does not answer"):
        one.commit([Decision((), (WORD,))], 0)
    with pytest.raises(Unavailable, match="does not answer"):
        await one.head()
    one.reach.regain()
    with pytest.raises(Unavailable):  # the connection that was cut is found to be so
        one.commit([Decision((), (WORD,))], 0)
    assert one.commit([Decision((), (WORD,))], 0).written[0].entries[0].seq == 1
    assert (await one.head()).seq == 1


async def start_together(postgres_url: str, after_s: float, setup: str) -> list[list[str]]:
    """Two hubs start, the second `after_s` later; whom each of them knows then."""
    migrate(postgres_url)
    driver = postgres_driver(postgres_url)
    assert driver is not None
    psycopg, arguments = driver
    with psycopg.connect(**arguments, autocommit=True) as connection:
        connection.execute(setup)
    peers = [Peers(name, b"key") for name in ("one", "other")]
    pulses = [Pulse(psycopg, arguments, each) for each in peers]

    async def start_later(pulse: Pulse) -> None:
        await asyncio.sleep(after_s)
        await pulse.start()

    try:
        await asyncio.gather(pulses[0].start(), start_later(pulses[1]))
        return [list(each.keys) for each in peers]
    finally:
        await asyncio.gather(*(pulse.stop() for pulse in pulses))


@pytest.mark.parametrize("after_s", [0, 0.05, 0.1, 0.15, 0.3])
async def test_hubs_that_start_at_about_the_same_moment_know_of_each_other_when_they_have_started(
    postgres_url: str, after_s: float
) -> None:
    assert await start_together(postgres_url, after_s, SLOWLY) == [["other"], ["one"]]


async def test_a_hub_that_beat_in_the_same_tick_of_the_clock_is_not_taken_for_one_that_knows(postgres_url: str) -> None:
    assert await start_together(postgres_url, 0.02, SLOWLY + TICKING) == [["other"], ["one"]]
