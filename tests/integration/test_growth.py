"""The tool that measures growth, on a small scale: it fills what posts fill, and the hub goes on from there."""

from pathlib import Path

from tests.hub import HubProcess
from tests.load import filling, looks

COUNT = 2500


async def test_a_filled_hub_is_as_if_all_of_it_had_been_posted(tmp_path: Path) -> None:
    async with HubProcess(tmp_path) as hub, hub.client() as admin:
        busy, quiet, other = [await admin.channel() for _ in range(3)]
        agents = [await admin.agent() for _ in range(3)]
        for agent_id, _ in agents:
            await admin.ok("PUT", f"/api/channels/{busy}/members/{agent_id}", {"role": "member"})
    (anna, token), (bert, _), (carl, _) = agents
    url = f"sqlite:///{hub.data_dir / 'hub.db'}"
    filling.fill(url, COUNT, filling.Places(busy, quiet, [other], [anna, bert], carl), lambda _done: None)
    rooms = filling.found_channels(url, 3, [anna, bert])
    async with HubProcess(tmp_path) as hub, hub.client(token) as member:
        page = await member.ok("GET", f"/api/messages?channelId={busy}&limit=200")
        assert (len(page["messages"]), page["hasMore"]) == (200, True)
        assert all(filling.EVERYWHERE in message["content"] for message in page["messages"])
        for words, least in ((filling.SOMETIMES, 3), (filling.RARE, 1)):
            assert len((await member.ok("GET", f"/api/search?q={words}"))["messages"]) == least
        assert (await member.ok("GET", "/api/unread"))["channels"][busy]["unread"] > 0
        listed = await member.ok("GET", "/api/channels")
        assert {channel["id"] for channel in listed["channels"]} >= set(rooms)
        async with member.stream("?since=0") as frames:
            assert all([(await frames.next()).id for _ in range(50)])
        said = await member.say(rooms[0], "and on it goes")
        assert said["seq"] > COUNT
        back = await looks.comeback(hub, [token], 4, 100)
        assert back.missing == 0
