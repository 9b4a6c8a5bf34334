"""What docs/failures.md says and no other test shows."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import HubProcess


def mount(*arguments: str) -> bool:
    return subprocess.run(["mount", "-t", "tmpfs", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of 3 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mount("-o", "size=3m,mode=700", "tmpfs", str(disk)):
        pytest.skip("a small file system takes the right to mount one")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


async def test_a_full_disk_refuses_keeps_what_it_has_and_recovers(small_disk: Path) -> None:
    async with HubProcess(small_disk) as hub, hub.client() as admin:
        channel_id = await admin.channel()
        post = {"channelId": channel_id, "content": "x" * 60_000}
        taken = 0
        while (answer := await admin.call("POST", "/api/messages", post)).status == 201:
            taken += 1
        assert taken > 0
        assert (answer.status, answer.body["code"]) == (507, "storage_full")
        assert (await admin.call("GET", "/readyz")).status == 503
        stored = await admin.ok("GET", f"/api/messages?channelId={channel_id}&limit=200")
        assert len(stored["messages"]) == taken
        assert mount("-o", "remount,size=16m", str(small_disk))
        assert (await admin.call("GET", "/readyz")).status == 200, "nobody has posted, yet it finds the room"
        await admin.say(channel_id, "there is room again")
