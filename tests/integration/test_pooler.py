"""The pgbouncer of docs/scale-out.md between two hubs and their PostgreSQL: it takes nothing special but its mode."""

import getpass
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.hub import said
from tests.oracle import company
from tests.pair import two_hubs
from tests.servers import free_port, listens, started

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/scale-out.md"


@pytest.fixture
def pooled_url(postgres_url: str) -> Iterator[str]:
    """The URL of the database behind a pgbouncer."""
    pgbouncer = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    assert pgbouncer is not None, "pgbouncer is missing: install pgbouncer"
    there, port = make_url(postgres_url), free_port()
    found = re.search(r"```ini\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found is not None
    ours = {
        "host=db.example port=5432 dbname=hub": f"host={there.query['host']} dbname={there.database} user=hub",
        "listen_addr = 10.0.0.20": "listen_addr = 127.0.0.1\nunix_socket_dir =",
        "listen_port = 6432": f"listen_port = {port}",
        "auth_type = scram-sha-256\nauth_file = /etc/pgbouncer/userlist.txt": "auth_type = any",
    }
    text = found[1]
    for shown, here in ours.items():
        assert shown in text
        text = text.replace(shown, here)
    home = Path("/tmp") / f"hub-pgbouncer-{port}"
    home.mkdir()
    home.chmod(0o755)
    try:
        (home / "conf").write_text(text)
        # it refuses to be root, as PostgreSQL does, whose socket is nobody else's
        user = ["-u", Path(str(there.query["host"])).owner()] if getpass.getuser() == "root" else []
        with started([pgbouncer, *user, str(home / "conf")], home / "log", home, ready=lambda: listens(port)):
            yield f"postgresql://hub@127.0.0.1:{port}/hub"
    finally:
        shutil.rmtree(home)


async def test_two_hubs_are_one_behind_a_pooler(tmp_path: Path, pooled_url: str, redis_url: str) -> None:
    async with two_hubs(tmp_path, pooled_url, redis_url) as (one, other):
        async with one.client() as here, other.client(one.admin_token) as there, there.stream() as frames:
            general = await here.general()
            for number in range(10):
                await here.say(general, f"word {number}")
                assert said((await frames.until("channel.message"))[-1]) == f"word {number}"
        async with company(one, agents=10) as talkers:
            await talkers.progress(40)
