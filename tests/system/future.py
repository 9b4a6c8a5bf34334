"""Versions that are to come: wheels of this checkout under other numbers, good ones and broken ones."""

import re
import shutil
from pathlib import Path

from tests.system.booted import ROOT, wheel_of

PARTS = ("server", "hubctl", "static", "deploy", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", ".gitignore")
MIGRATION = '''"""A migration of a version that is to come."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change what is there."""
    op.add_column("channels", sa.Column("{column}", sa.Text(), nullable=True))
    {more}
'''
WAY_BACK = '''

def downgrade() -> None:
    """Take it away again."""
    op.drop_column("channels", "{column}")
'''


class Future:
    """A checkout that becomes the versions to come, one after the other."""

    def __init__(self, folder: Path, dist: Path) -> None:
        self.folder = folder
        self._dist = dist
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        self._versions = folder / "server/store/migrations/versions"
        self._head = max(path.name[:4] for path in self._versions.glob("[0-9]*.py"))

    def wheel(self, version: str) -> str:
        """The wheel of this version as it is now, where the machine finds it."""
        file = self.folder / "server/__init__.py"
        file.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', file.read_text()))
        return f"/dist/{wheel_of(self.folder, self._dist).name}"

    def migrate(self, revision: str, *, more: str = "pass", back: bool = False) -> None:
        """Change the schema."""
        column = f"column_{revision}"
        text = MIGRATION.format(revision=revision, before=self._head, column=column, more=more)
        text += WAY_BACK.format(column=column) if back else ""
        (self._versions / f"{revision}_to_come.py").write_text(text)
        self._head = revision

    def without(self, revision: str, head: str) -> None:
        """Take a change of the schema back."""
        (self._versions / f"{revision}_to_come.py").unlink()
        self._head = head

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a line."""
        file = self.folder / path
        assert file.read_text().count(old) == 1
        file.write_text(file.read_text().replace(old, new))


SAYING = "server/core/messages.py"


class Wheels:
    """The versions of this story."""

    def __init__(self, folder: Path, dist: Path) -> None:
        future = Future(folder, dist)
        first = future._head
        future.migrate("9001", back=True)
        self.good = future.wheel("9.1.0")
        future.migrate("9002", more='raise RuntimeError("this migration fails")')
        self.fails = future.wheel("9.2.0")
        future.without("9002", "9001")
        stored = "return hub.writer.enqueue(decide, 0.0 if _is_probe(caller) else arrived_s, shares=True)"
        future.edit(SAYING, stored, "return Future()  # it takes what is said, and never answers")
        self.silent = future.wheel("9.3.0")
        shutil.copy(ROOT / SAYING, future.folder / SAYING)
        future.without("9001", first)
        future.migrate("9004")
        self.one_way = future.wheel("9.4.0")
