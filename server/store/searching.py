"""Full text, on each database by its own means: FTS5 on SQLite, tsvector on PostgreSQL.

Both index words, in any case and without accents, and find each term as a word or, from three letters on, as the
beginning of one. What a person types is cut into words first, so that no syntax of either reaches it.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Integer,
    Text,
    bindparam,
    cast,
    column,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from server.core.model import Message
from server.store.prepared import Cursor, Insert
from server.store.tables import messages

TERMS = 16
PREFIX_LENGTH = 3
WORD_LENGTH = 255
"""PostgreSQL takes no lexeme above 2,046 bytes."""

_WORD = re.compile(r"[^\W_]+")


class Matching(NamedTuple):
    """A table whose rows fit `condition`, joined with `messages`; `seq` orders it at no cost."""

    rows: FromClause
    seq: ColumnElement[int]
    condition: ColumnElement[bool]


class Index(Protocol):
    """The words of messages, kept within the transaction that changes the messages."""

    def add(self, cursor: Cursor, new: Sequence[Message]) -> None:
        """Index new messages."""

    def replace(self, connection: Connection, seq: int, before: str, after: str) -> None:
        """A message's content changes; empty when it becomes a tombstone."""

    def matching(self, query: str) -> Matching | None:
        """Messages that hold all words of `query`; None when there is no word in it."""


def words_of(content: str) -> list[str]:
    """The different words of a text, lower case, without accents."""
    plain = unicodedata.normalize("NFKD", content.lower())
    bare = plain if plain.isascii() else "".join(c for c in plain if not unicodedata.combining(c))
    return sorted({word[:WORD_LENGTH] for word in _WORD.findall(bare)})


class SqliteIndex:
    """FTS5 with the text in `messages` itself, so that it is stored once."""

    _ADD = Insert("INSERT INTO messages_fts (rowid, content)", "(?, ?)")
    _FORGET = text("INSERT INTO messages_fts(messages_fts, rowid, content) VALUES ('delete', :seq, :content)")
    _LEARN = text("INSERT INTO messages_fts(rowid, content) VALUES (:seq, :content)")
    _found = table("messages_fts", column("rowid", Integer), column("messages_fts", Text))

    def add(self, cursor: Cursor, new: Sequence[Message]) -> None:
        """See `Index.add`."""
        self._ADD.run(cursor, [(message.seq, message.content) for message in new])

    def replace(self, connection: Connection, seq: int, before: str, after: str) -> None:
        """See `Index.replace`."""
        connection.execute(self._FORGET, {"seq": seq, "content": before})
        connection.execute(self._LEARN, {"seq": seq, "content": after})

    def matching(self, query: str) -> Matching | None:
        """See `Index.matching`."""
        terms = [word[:WORD_LENGTH] for word in _WORD.findall(query)][:TERMS]
        if not terms:
            return None
        wanted = " AND ".join(f'"{term}"*' if len(term) >= PREFIX_LENGTH else f'"{term}"' for term in terms)
        match = self._found.c.messages_fts.op("MATCH", is_comparison=True)(bindparam("words", wanted))
        seq = self._found.c.rowid
        return Matching(self._found.join(messages, messages.c.seq == seq), seq, match)


class PostgresIndex:
    """A tsvector a message, made of our own words: the server's parser would take URLs and versions for one word."""

    _ADD = Insert("INSERT INTO message_words (seq, words)", "(%s, array_to_tsvector(%s::text[]))")
    _REPLACE = text("UPDATE message_words SET words = array_to_tsvector(:words) WHERE seq = :seq")
    _found = table("message_words", column("seq", BigInteger), column("words", TSVECTOR))

    def add(self, cursor: Cursor, new: Sequence[Message]) -> None:
        """See `Index.add`."""
        self._ADD.run(cursor, [(message.seq, words_of(message.content)) for message in new])

    def replace(self, connection: Connection, seq: int, before: str, after: str) -> None:  # noqa: ARG002 - FTS5's need
        """See `Index.replace`."""
        connection.execute(self._REPLACE, {"seq": seq, "words": words_of(after)})

    def matching(self, query: str) -> Matching | None:
        """See `Index.matching`."""
        terms = words_of(query)[:TERMS]
        if not terms:
            return None
        wanted = " & ".join(f"'{term}':*" if len(term) >= PREFIX_LENGTH else f"'{term}'" for term in terms)
        match = self._found.c.words.op("@@", is_comparison=True)(cast(wanted, TSQUERY))
        return Matching(self._found.join(messages, messages.c.seq == self._found.c.seq), messages.c.seq, match)


def index_for(dialect: Dialect) -> Index:
    """The one that this database has."""
    return SqliteIndex() if dialect.name == "sqlite" else PostgresIndex()
