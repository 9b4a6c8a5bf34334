"""How the write-ahead log of a SQLite is taken into the database: in moments in which nobody writes.

A checkpoint syncs twice and the commit after it once more than others. SQLite's own way is to checkpoint within a
commit, where somebody always waits; it is left for a hub that is never quiet.
"""

import logging
from sqlite3 import Connection, Error

QUIET_COMMITS = 256
"""After so many transactions, some 6 MB of lone messages, a quiet moment is used."""

LOG = logging.getLogger(__name__)


class Checkpoints:
    """Counts transactions, and checkpoints on the connection that made them: in SQLite before 3.51.3 two connections
    that do can lose commits.
    """

    def __init__(self) -> None:
        self._commits = 0
        self._fails = False

    def count(self) -> None:
        """A transaction was committed."""
        self._commits += 1

    def rest(self, connection: Connection) -> None:
        """Nobody writes at this moment: checkpoint if it is worth it.

        Nothing is lost when that fails, which is told once; raises what SQLite does.
        """
        if self._commits < QUIET_COMMITS:
            return
        self._commits = 0
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except Error as error:
            if not self._fails:
                LOG.error("what is stored cannot be taken from the write-ahead log into the database: %s", error)
            self._fails = True
            raise
        if self._fails:
            LOG.info("the write-ahead log is taken into the database again")
        self._fails = False
