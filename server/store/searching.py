"""Full text, on each database by its own means: FTS5 on SQLite, tsvector on PostgreSQL.

Both get the words that `words_of` cuts, so both find the same: each term as a word or, from three letters on, as the
beginning of one. Channel and sender stand among the words as marks that nobody can type, so that a search in few
channels walks over no others' messages.

Messages enter the index a moment after they were stored, many at a time (`IndexMessages`): in the transaction that
stores a message the index would be a third of the cost. What is not in it yet is few, and is looked at one by one.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Integer,
    Row,
    Text,
    bindparam,
    cast,
    column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from server.core.records import Search
from server.store.prepared import Several
from server.store.tables import channels, messages

TERMS = 16
PREFIX_LENGTH = 3
WORD_LENGTH = 255
"""PostgreSQL takes no lexeme above 2,046 bytes."""

FEW_CHANNELS = 16
"""So many channels are told apart in the index at little cost, be it those to look in or all others."""

SMALL_SHARE = 50
MOST_CHANNELS = 500
"""Where the channels to look in hold less than the 50th part of all that was said, walking over the rest would take
long: there the index is asked for up to so many."""

SPELLED_WORDS = 64
"""A beginning that so many words have at most is looked for as these words. FTS5 gathers all messages for a beginning
before it gives the first, and walks from the newest for words."""

MARK = "·"
"""Begins what stands for a channel or a sender: no word holds it, and SQLite's `ascii` takes it for a letter."""

_WORD = re.compile(r"[^\W_]+")


class Matching(NamedTuple):
    """A table whose rows fit `condition`, joined with `messages`; `seq` orders it at no cost."""

    rows: FromClause
    seq: ColumnElement[int]
    condition: ColumnElement[bool]


class Index(Protocol):
    """The words of messages. A message in it leaves it before its content changes, and enters it anew."""

    def add(self, connection: Connection, rows: Sequence[Row[Any]]) -> None:
        """Index messages, tombstones excepted."""

    def forget(self, connection: Connection, rows: Sequence[Row[Any]]) -> None:
        """Messages that are in the index, as they were indexed, leave it."""

    def matching(self, connection: Connection, wanted: Search, terms: Sequence[str]) -> Matching:
        """Messages of the index that hold all `terms`, by the sender that is wanted; channels are judged in part.

        The sender is not asked for twice: PostgreSQL would take both for rare together, and gather all to sort them.
        """


def words_of(content: str) -> list[str]:
    """The different words of a text, lower case, without accents."""
    plain = content.lower()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return sorted({word[:WORD_LENGTH] for word in _WORD.findall(plain)})


def terms_of(query: str) -> list[str]:
    """What a query asks for; empty when there is no word in it."""
    return words_of(query)[:TERMS]


def fitting_of(terms: Sequence[str]) -> Callable[[str], bool]:
    """What says whether a text holds all `terms`, as the index would have it.

    Terms have no capitals and no accents, so most texts are told off without being cut into words.
    """

    def fits(content: str) -> bool:
        plain = content.lower()
        if plain.isascii() and not all(term in plain for term in terms):
            return False
        words = words_of(content)
        return all(
            any(word.startswith(term) for word in words) if len(term) >= PREFIX_LENGTH else term in words
            for term in terms
        )

    return fits


def _marked(row: Row[Any]) -> list[str]:
    """What is indexed of a message."""
    return [*words_of(row.content), _channel(row.channel_id), _sender(row.sender_id)]


def _channel(channel_id: str) -> str:
    return f"{MARK}c{channel_id.replace('-', '')}"


def _sender(sender_id: str) -> str:
    return f"{MARK}s{sender_id.encode().hex()}"


class Marks(NamedTuple):
    """What a message must have besides the words: one of each list of `needed`, and none of `barred`."""

    needed: list[list[str]]
    barred: list[str]


def _marks(connection: Connection, wanted: Search) -> Marks:
    """What spares the index most; channels that it is not asked for are told by the messages themselves."""
    sizes = {row.id: row.seq for row in connection.execute(select(channels.c.id, channels.c.seq))}
    here = wanted.channel_ids
    others = [channel_id for channel_id in sizes.keys() - set(here) if sizes[channel_id]]
    share = sum(sizes.get(channel_id, 0) for channel_id in here)
    needed = [] if wanted.sender_id is None else [[_sender(wanted.sender_id)]]
    is_small = share * SMALL_SHARE < sum(sizes.values()) and len(here) <= MOST_CHANNELS
    if len(here) <= FEW_CHANNELS or is_small:
        return Marks([*needed, [_channel(channel_id) for channel_id in here]], [])
    return Marks(needed, [_channel(channel_id) for channel_id in others] if len(others) <= FEW_CHANNELS else [])


class SqliteIndex:
    """FTS5 that keeps no text: nothing is asked of it but which words are in which messages."""

    _ADD = Several("INSERT INTO messages_fts (rowid, words) VALUES ", "(?, ?)")
    _FORGET = text("INSERT INTO messages_fts(messages_fts, rowid, words) VALUES ('delete', :seq, :words)")
    # a step from each word to the next: the view has a row for every word of every message, and no other way past them
    _BEGINNING = text(
        "WITH RECURSIVE found(word) AS ("
        "SELECT (SELECT term FROM messages_words WHERE term >= :first AND term <= :last LIMIT 1) UNION ALL "
        "SELECT (SELECT term FROM messages_words WHERE term >= found.word || char(1) AND term <= :last LIMIT 1) "
        "FROM found WHERE found.word IS NOT NULL"
        ") SELECT word FROM found WHERE word IS NOT NULL LIMIT :most"
    )
    _found = table("messages_fts", column("rowid", Integer), column("messages_fts", Text))

    def add(self, connection: Connection, rows: Sequence[Row[Any]]) -> None:
        """See `Index.add`."""
        there = [(row.seq, " ".join(_marked(row))) for row in rows if row.deleted_at is None]
        self._ADD.change(connection.connection.cursor(), there)

    def forget(self, connection: Connection, rows: Sequence[Row[Any]]) -> None:
        """See `Index.forget`."""
        connection.execute(self._FORGET, [{"seq": row.seq, "words": " ".join(_marked(row))} for row in rows])

    def matching(self, connection: Connection, wanted: Search, terms: Sequence[str]) -> Matching:
        """See `Index.matching`."""
        needed = [self._word(connection, term) if len(term) >= PREFIX_LENGTH else f'"{term}"' for term in terms]
        marks = _marks(connection, wanted)
        asked = "(" + " AND ".join([*needed, *map(_any_of, marks.needed)]) + ")"
        asked += f" NOT {_any_of(marks.barred)}" if marks.barred else ""
        match = self._found.c.messages_fts.op("MATCH", is_comparison=True)(bindparam("words", asked))
        seq = self._found.c.rowid
        return Matching(self._found.join(messages, messages.c.seq == seq), seq, match)

    def _word(self, connection: Connection, beginning: str) -> str:
        """What finds every word with this beginning."""
        last = f"{beginning}{chr(sys.maxunicode)}"
        asked = {"first": beginning, "last": last, "most": SPELLED_WORDS + 1}
        words = connection.execute(self._BEGINNING, asked).scalars().all()
        return _any_of(words) if 0 < len(words) <= SPELLED_WORDS else f'"{beginning}"*'


def _any_of(words: Sequence[str]) -> str:
    return "(" + " OR ".join(f'"{word}"' for word in words) + ")"


class PostgresIndex:
    """A tsvector a message, made of our own words: the server's parser would take URLs and versions for one word."""

    _ADD = Several("INSERT INTO message_words (seq, words) VALUES ", "(%s, array_to_tsvector(%s::text[]))")
    _FORGET = text("DELETE FROM message_words WHERE seq = :seq")
    _found = table("message_words", column("seq", BigInteger), column("words", TSVECTOR))

    def add(self, connection: Connection, rows: Sequence[Row[Any]]) -> None:
        """See `Index.add`."""
        there = [(row.seq, _marked(row)) for row in rows if row.deleted_at is None]
        self._ADD.change(connection.connection.cursor(), there)

    def forget(self, connection: Connection, rows: Sequence[Row[Any]]) -> None:
        """See `Index.forget`."""
        connection.execute(self._FORGET, [{"seq": row.seq} for row in rows])

    def matching(self, connection: Connection, wanted: Search, terms: Sequence[str]) -> Matching:
        """See `Index.matching`."""
        needed = [f"'{term}':*" if len(term) >= PREFIX_LENGTH else f"'{term}'" for term in terms]
        marks = _marks(connection, wanted)
        needed += ["(" + " | ".join(f"'{mark}'" for mark in either) + ")" for either in marks.needed]
        needed += [f"!'{mark}'" for mark in marks.barred]
        match = self._found.c.words.op("@@", is_comparison=True)(cast(" & ".join(needed), TSQUERY))
        return Matching(self._found.join(messages, messages.c.seq == self._found.c.seq), messages.c.seq, match)


def index_for(dialect: Dialect) -> Index:
    """The one that this database has."""
    return SqliteIndex() if dialect.name == "sqlite" else PostgresIndex()
