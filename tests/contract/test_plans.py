"""No statement of a busy hub reads a table that grows with the messages from end to end, nor sorts one.

The statements are those that the store really runs, caught on their way; the database says how it would run them.
"""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, insert, text

from server.core.changes import (
    AddReaction,
    BuryMessage,
    Decision,
    DropReaction,
    EditMessage,
    ForgetEnded,
    IndexMessages,
    MoveMarker,
    PruneLog,
    ReadThread,
    RemoveMessages,
    SettleQuestion,
    TidyUp,
)
from server.core.errors import HubError
from server.core.ids import new_id
from server.core.ports import Span
from server.core.records import Search
from server.store.database import Database
from server.store.engine import ANALYSED_ROWS
from server.store.migrating import migrate
from server.store.tables import channels
from tests.load import filling

GROWS = "messages|events|reactions|mentions|markers|follows|agent_events|threads|members|audit|message_words"
WHOLE = re.compile(rf"^(SCAN|SEARCH) ({GROWS})\b(?! VIRTUAL)(?P<how>.*)")
CHANNEL, QUIET = new_id(), new_id()
COUNT = 3000

Look = Callable[[Database], Awaitable[object]]

READS: dict[str, Look] = {
    "the newest page": lambda log: log.history(CHANNEL, None, Span(50)),
    "a page before": lambda log: log.history(CHANNEL, None, Span(50, before=900)),
    "a page after": lambda log: log.history(CHANNEL, None, Span(50, after=900)),
    "a page of a thread": lambda log: log.history(CHANNEL, CHANNEL, Span(50, before=900)),
    "a message": lambda log: log.message(CHANNEL),
    "events missed": lambda log: log.entries(500, 900, 100),
    "the head": lambda log: log.head(),
    "unread numbers": lambda log: log.records.unread("anna"),
    "unread of a channel": lambda log: log.records.unread("anna", CHANNEL),
    "followed threads": lambda log: log.records.followed("anna"),
    "unread replies": lambda log: log.records.replies("anna"),
    "own reactions": lambda log: log.records.reacted("anna", [5, 6]),
    "threads": lambda log: log.records.threads(CHANNEL, CHANNEL, 50),
    "the thread under": lambda log: log.records.thread_under(CHANNEL),
    "told": lambda log: log.records.told("anna", None, Span(50)),
    "told by one": lambda log: log.records.told("anna", "bert", Span(50, before=900)),
    "overdue": lambda log: log.records.overdue(5, 50),
    "the audit log": lambda log: log.records.deeds(900, 50),
    "search": lambda log: log.records.search(Search("everywhere", (CHANNEL, QUIET), 50)),
    "search by one": lambda log: log.records.search(Search("every", (CHANNEL,), 50, "anna", 900)),
}

WRITES: dict[str, Callable[[str], Decision]] = {
    "edit": lambda id_: Decision((EditMessage(id_, "else", ("bert",), 5),)),
    "bury": lambda id_: Decision((BuryMessage(id_, 5),)),
    "react": lambda id_: Decision((AddReaction(700, "👍", "anna"),)),
    "take back": lambda id_: Decision((DropReaction(700, "👍", "anna"),)),
    "mark read": lambda id_: Decision((MoveMarker(CHANNEL, "anna", 900),)),
    "read a thread": lambda _: Decision((ReadThread(CHANNEL, "anna", 900),)),
    "settle": lambda id_: Decision((SettleQuestion(5, "allow", 5),)),
    "index": lambda id_: Decision((IndexMessages(100),)),
    "prune": lambda id_: Decision((PruneLog(1, 100),)),
    "remove": lambda id_: Decision((RemoveMessages((700, 701, 702), 5),)),
    "forget ended": lambda id_: Decision((ForgetEnded(1),)),
}


@pytest.fixture(scope="module", params=["bare", "analysed"])
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with some messages, of which it knows their statistics or not."""
    made = tmp_path_factory.mktemp("plans") / "hub.db"
    _fill(f"sqlite:///{made}", analysed=request.param == "analysed")
    return made


def _fill(url: str, *, analysed: bool) -> None:
    migrate(url)
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for id_ in (CHANNEL, QUIET):
            room = {"id": id_, "name": id_, "topic": "", "description": "", "is_private": False}
            connection.execute(insert(channels).values(**room, created_at=1, created_by="anna"))
    filling.fill(url, COUNT, filling.Places(CHANNEL, QUIET, [], ["anna", "bert"], "carl"), lambda _done: None)
    log = Database(url)
    try:
        log.commit([Decision((IndexMessages(COUNT - 50),))], COUNT)
        if analysed:
            log.commit([Decision((TidyUp(1),))], COUNT)
    finally:
        log.close()
    if analysed:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                connection.execute(text(f"PRAGMA analysis_limit={ANALYSED_ROWS}")).close()
            connection.execute(text("ANALYZE"))
    engine.dispose()


def _plans(file: Path, statements: list[str]) -> list[str]:
    """What SQLite would do that is not to be done."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        wrong = [words for statement in statements for words in _wrong(connection, statement)]
    engine.dispose()
    return wrong


def _wrong(connection: Connection, statement: str) -> list[str]:
    if not statement.lstrip("( ").startswith(("SELECT", "UPDATE", "DELETE", "INSERT", "WITH")):
        return []
    plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    wrong = [f"{line}: {statement}" for line in plan if (found := WHOLE.match(line)) and _reads_all(line, found["how"])]
    if "LIMIT" in statement and any("TEMP B-TREE FOR ORDER BY" in line for line in plan):
        wrong.append(f"sorts before its limit: {statement}")
    return wrong


def _reads_all(line: str, how: str) -> bool:
    # with an upper bound by number alone, everything older is looked at until enough fits
    back = line.startswith("SEARCH messages ") and how.endswith("PRIMARY KEY (rowid<?)")
    return back or line.startswith("SCAN") or "USING" not in how or "AUTOMATIC" in how


def _watched(file: Path, seen: list[str]) -> Database:
    log = Database(f"sqlite:///{file}")

    def trace(connection: Any, _record: object) -> None:
        connection.set_trace_callback(seen.append)

    for engine in (log._reading, log._writing):
        event.listen(engine, "connect", trace)
    return log


@pytest.mark.parametrize("what", READS)
async def test_what_is_read_is_found_by_an_index(file: Path, what: str) -> None:
    seen: list[str] = []
    log = _watched(file, seen)
    await READS[what](log)
    log.close()
    assert any("SELECT" in statement for statement in seen)
    assert _plans(file, seen) == []


@pytest.mark.parametrize("what", WRITES)
def test_what_is_written_is_found_by_an_index(file: Path, what: str) -> None:
    seen: list[str] = []
    log = _watched(file, seen)
    with create_engine(f"sqlite:///{file}").connect() as connection:
        message_id = connection.execute(text("SELECT id FROM messages WHERE deleted_at IS NULL LIMIT 1")).scalar_one()
    try:
        log.commit([WRITES[what](message_id)], COUNT)
    except HubError:
        pass  # the question is not there: looking for it is what counts
    finally:
        log.close()
    # the oldest events are read in order until the limit, which is no scan but looks like one
    oldest = [statement for statement in seen if "FROM events ORDER BY events.seq" in statement]
    assert len(oldest) == (what == "prune")
    assert _plans(file, [statement for statement in seen if statement not in oldest]) == []


async def test_posting_looks_nothing_up_but_by_an_index(file: Path) -> None:
    seen: list[str] = []
    log = _watched(file, seen)
    places = filling.Places(CHANNEL, QUIET, [], ["anna", "bert"], "carl")
    log.commit(list(filling._sayings(20, places)), 1 << 60)
    log.close()
    assert any("INSERT INTO messages" in statement for statement in seen)
    assert _plans(file, seen) == []


async def test_postgresql_has_an_index_for_what_is_read(postgres_url: str) -> None:
    _fill(postgres_url, analysed=True)
    seen: list[tuple[str, Any]] = []
    log = Database(postgres_url)

    def note(_c: object, _u: object, statement: str, parameters: Any, _x: object, _m: object) -> None:
        seen.append((statement, parameters))

    event.listen(log._reading, "before_cursor_execute", note)
    for look in READS.values():
        await look(log)
    event.remove(log._reading, "before_cursor_execute", note)
    with log._reading.connect() as connection:
        connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, parameters in seen:
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
            scans = [line for line in plan if re.search(rf"Seq Scan on ({GROWS})\b", line)]
            assert not scans, (statement, plan)
    log.close()
    assert len(seen) >= len(READS)
