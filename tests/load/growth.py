"""What it costs to have grown: a hub with a million messages beside an empty one, and one with a thousand channels.

`make growth`, or `python -m tests.load.growth`. Everything is measured in one run, in turns where two are compared.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
from sqlalchemy import text

from server.store.backing import file_of, is_postgres
from server.store.engine import reading
from tests.hub import ROOT, HubProcess
from tests.load import filling, looks, peers
from tests.load.compare import PRIORITY
from tests.load.generator import Figures, Generator, Load, MeasureError, Peer, build
from tests.oracle import company, p99
from tests.servers import postgres_server

LONE = Load(readers=0, publishers=1)
FAN_OUT = Load(readers=111, publishers=16, window=16)
CROWD = Load(readers=0, publishers=16)
STEADY = Load(readers=0, publishers=16, rate=200)
STREAMS = 1000
KEPT_DAYS = 14
"""Half of the messages are older: that is what is pruned while posts are timed."""

SAID_MESSAGES = 100_000
"""After each so many the filling says how far it is."""

PRUNING_SHARE = 3
"""So many times as long as others the posts are measured while that happens."""

WAL_BYTES = 64 << 20
EXPORTED_PAGES = 1000
EXPORT_S = 10
OTHERS = 20
"""Channels that the other half of the messages is spread over."""

BACKUP_RATES = (20, 300)
WARM_S = 3.0


class Line(msgspec.Struct, frozen=True):
    """A goal and what came of it; `reached` is None where nothing was asked."""

    what: str
    asked: str
    measured: str
    reached: bool | None


@dataclass(frozen=True, slots=True)
class Home:
    """A hub that was prepared: its agents' tokens, where they talk, and one who sees the quiet channel alone."""

    folder: Path
    places: filling.Places
    tokens: Sequence[str]
    stranger: str
    url: str

    @property
    def wal(self) -> Path | None:
        """The write-ahead log of its SQLite."""
        return None if is_postgres(self.url) else self.folder / "data" / "hub.db-wal"

    def megabytes(self) -> float:
        """How large its database is."""
        if not is_postgres(self.url):
            return file_of(self.url).stat().st_size / 1e6
        engine = reading(self.url)
        with engine.connect() as connection:
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        engine.dispose()
        return float(size) / 1e6


@dataclass(slots=True)
class Running:
    """That hub while it runs, how long it took to be ready, and how much of that it was computing."""

    home: Home
    process: HubProcess
    ready_s: float
    busy_s: float

    def peer(self, channel_ids: Sequence[str] = ()) -> Peer:
        """As the generator sees it, talking in these channels, or in the busy one."""
        home = self.home
        return peers.hub_peer(self.process, home.folder, home.tokens, channel_ids or [home.places.busy])

    def memory(self) -> str:
        """What it keeps resident."""
        return f"{psutil.Process(self.process.pid).memory_info().rss / 1e6:.0f} MB resident"

    def start(self, what: str) -> Line:
        """The verdict on its start; on a busy machine most of that is waiting for a processor."""
        words = f"{self.ready_s:.2f} s, {self.busy_s:.2f} of them computing"
        return Line(f"{what}: start to ready", "≤ 2 s", words, self.ready_s <= 2)


@contextlib.asynccontextmanager
async def _running(home: Home, **settings: str) -> AsyncIterator[Running]:
    began_s = time.monotonic()
    async with HubProcess(home.folder, HUB_DATABASE_URL=home.url, **peers.NO_SEATS_LIMIT, **settings) as process:
        ready_s = time.monotonic() - began_s
        used = psutil.Process(process.pid).cpu_times()
        yield Running(home, process, ready_s, used.user + used.system)


def main() -> int:
    """Measure and print."""
    options = _parser().parse_args()
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    where = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, {platform.platform()}, "
    where += f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} before"
    try:
        with tempfile.TemporaryDirectory(prefix="hub-growth-", dir=options.dir) as name:
            build(Path(name))
            with _databases(options.database, Path(name)) as urls:
                lines, details = asyncio.run(_measure(options, Path(name), urls))
    except MeasureError as error:
        print(f"growth: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(msgspec.json.encode({"where": where, "lines": lines, "looks": details}).decode())
    else:
        print(where)
        _print(lines, details)
    return int(any(line.reached is False for line in lines))


@contextlib.contextmanager
def _databases(kind: str, folder: Path) -> Iterator[list[str]]:
    """Where three hubs store, empty as yet."""
    if kind == "sqlite":
        yield [f"sqlite:///{folder / name / 'data/hub.db'}" for name in ("fresh", "grown", "wide")]
        return
    with postgres_server() as server, contextlib.ExitStack() as stack:
        yield [stack.enter_context(server.database()) for _ in range(3)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load.growth", description="What it costs to have grown.")
    parser.add_argument("--messages", type=int, default=1_000_000, help="how many there are (1,000,000)")
    parser.add_argument("--channels", type=int, default=1000, help="how many the wide hub has (1,000)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each measurement of posts takes (3)")
    parser.add_argument("--rounds", type=int, default=3, help="how often posts are measured; the best counts (3)")
    parser.add_argument("--times", type=int, default=100, help="how often each page and search is asked for (100)")
    databases = ("sqlite", "postgresql")
    parser.add_argument("--database", choices=databases, default="sqlite", help="what the hubs store in (sqlite)")
    parser.add_argument("--dir", help="where the databases lie meanwhile, 1.5 GB (the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser


async def _measure(
    options: argparse.Namespace, folder: Path, urls: Sequence[str]
) -> tuple[list[Line], list[looks.Look]]:
    generator, lines = Generator(folder), list[Line]()
    names = ("fresh", "grown", "wide")
    fresh, grown, wide = [await _prepare(folder / name, url) for name, url in zip(names, urls, strict=True)]
    began_s = time.monotonic()
    filled = (grown.url, options.messages, grown.places)
    await asyncio.to_thread(filling.fill, *filled, _say_stored)
    _say(f"that took {time.monotonic() - began_s:.0f} s and {grown.megabytes():,.0f} MB")
    senders = wide.places.senders
    rooms = await asyncio.to_thread(filling.found_channels, wide.url, options.channels, senders)
    async with _running(fresh) as few, _running(grown) as many:
        lines.append(many.start(f"{options.messages:,} messages"))
        lines += await _posts(options, generator, few, many)
        details = await _reads(options, many)
        lines += _judged(details)
        lines += await _comebacks(many)
        lines += await _export(generator, many)
        lines += await _backup(many, folder)
        lines.append(Line("memory of that hub", "", many.memory(), None))
    async with _running(fresh) as few, _running(wide) as many:
        lines += await _wide(options, generator, few, many, rooms)
    async with _running(grown, HUB_LOG_RETENTION_DAYS=str(KEPT_DAYS)) as many:
        lines.append(await _pruning(options, generator, many))
    return lines, details


async def _prepare(folder: Path, url: str) -> Home:
    """A hub with 111 agents in private channels, and a stranger who sees the quiet one alone."""
    await asyncio.to_thread(folder.mkdir)
    async with HubProcess(folder, HUB_DATABASE_URL=url, **peers.NO_SEATS_LIMIT) as process, process.client() as admin:
        busy, quiet = [await admin.channel(name, isPrivate=True) for name in ("busy", "quiet")]
        guests = [await peers.guest(admin, busy) for _ in range(peers.AGENTS)]
        senders = [agent_id for agent_id, _ in guests]
        for agent_id in senders:
            await admin.ok("PUT", f"/api/channels/{quiet}/members/{agent_id}", {"role": "member"})
        stranger, stranger_token = await peers.guest(admin, quiet)
    others = await asyncio.to_thread(filling.found_channels, url, OTHERS, senders, is_private=True)
    places = filling.Places(busy, quiet, others, senders, stranger)
    return Home(folder, places, [token for _, token in guests], stranger_token, url)


async def _posts(options: argparse.Namespace, generator: Generator, fresh: Running, grown: Running) -> list[Line]:
    """A lone publisher on both hubs in turn."""
    found: dict[str, list[Figures]] = {"fresh": [], "grown": []}
    for _ in range(options.rounds):
        for name, hub in (("fresh", fresh), ("grown", grown)):
            found[name].append(await generator.measure(hub.peer(), LONE, options.seconds))
            _say(f"lone posts, {name}: p50 {found[name][-1].post_p50_ms:.2f} ms")
    few, many = (min(figures.post_p50_ms for figures in found[name]) for name in ("fresh", "grown"))
    words = f"{many:.2f} ms beside {few:.2f}: {many / few:.2f}"
    slow = [min(figures.post_p99_ms for figures in found[name]) for name in ("fresh", "grown")]
    return [
        Line("POST p50, beside an empty hub", "≤ 1.2", words, many <= 1.2 * few),
        Line("POST p99, beside an empty hub", "", f"{slow[1]:.1f} ms beside {slow[0]:.1f}", None),
    ]


async def _reads(options: argparse.Namespace, grown: Running) -> list[looks.Look]:
    _say("reading pages and searching")
    home, process = grown.home, grown.process
    async with process.client(home.tokens[0]) as member, process.client(home.stranger) as stranger:
        found = await looks.pages(member, home.url, home.places.busy, options.times)
        queries = looks.asked(home.places, home.url)
        found += await looks.searches(member, "sees all", queries, options.times)
        found += await looks.searches(stranger, "sees the quiet channel", queries, options.times)
        found.append(await looks.timed("unread numbers", options.times, lambda: member.ok("GET", "/api/unread")))
    return found


def _judged(details: Sequence[looks.Look]) -> list[Line]:
    pages = [look for look in details if "page" in look.kind]
    found = [look for look in details if ";" in look.kind]
    unread = next(look for look in details if look.kind == "unread numbers")
    lines: list[Line] = []
    for what, some, most_ms in (("history page p99", pages, 10), ("search p99", found, 100)):
        worst = max(some, key=lambda look: look.p99_ms)
        words = f"{worst.p99_ms:.1f} ms at worst ({worst.kind})"
        lines.append(Line(f"{what}, {len(some)} kinds", f"≤ {most_ms} ms", words, worst.p99_ms <= most_ms))
    lines.append(Line("unread numbers of 22 channels, p99", "", f"{unread.p99_ms:.1f} ms", None))
    return lines


async def _comebacks(grown: Running) -> list[Line]:
    """All streams at once, and again right after a restart, when the hub has nothing in memory."""
    lines: list[Line] = []
    for missed in (100, 1000):
        back = await looks.comeback(grown.process, grown.home.tokens, STREAMS, missed)
        lines.append(_caught_up(f"{STREAMS:,} streams back at once, {missed:,} missed", back))
    await grown.process.stop()
    await grown.process.start()
    back = await looks.comeback(grown.process, grown.home.tokens, STREAMS, 1000)
    lines.append(_caught_up(f"{STREAMS:,} streams back after a restart, 1,000 missed", back))
    return lines


def _caught_up(what: str, back: looks.Comeback) -> Line:
    words = f"{back.seconds:.2f} s" + (f", {back.missing} never" if back.missing else "")
    return Line(what, "≤ 2 s", words, back.seconds <= 2 and not back.missing)


async def _export(generator: Generator, grown: Running) -> list[Line]:
    """Posts, and the largest write-ahead log of a SQLite, while somebody exports a channel and others post."""
    _say("exporting while posting")
    largest, wal = 0, grown.home.wal
    async with grown.process.client(grown.home.tokens[0]) as member:
        exporting = asyncio.create_task(looks.export(member, grown.home.places.busy, EXPORTED_PAGES))
        posting = asyncio.create_task(generator.measure(grown.peer(), CROWD, EXPORT_S))
        while not (exporting.done() and posting.done()):
            largest = max(largest, wal.stat().st_size if wal else 0)
            await asyncio.sleep(0.1)
    posted = posting.result()
    words = f"while {exporting.result():,} were read and {posted.answered:,} posted"
    slow_ms = posted.post_p99_ms
    lines = [Line("POST p99 during an export", "≤ 1 s", f"{slow_ms:.0f} ms {words}", slow_ms <= 1000)]
    if wal:
        words = f"{largest / 1e6:.0f} MB {words}"
        lines.append(Line("write-ahead log during an export", "≤ 64 MB", words, largest <= WAL_BYTES))
    return lines


async def _backup(grown: Running, folder: Path) -> list[Line]:
    """The slowest post while a backup is made, at the rate of a lab and at many times that."""
    lines: list[Line] = []
    for rate in BACKUP_RATES:
        _say(f"backing up at {rate} messages a second")
        async with company(grown.process, rate=rate) as talkers:
            await asyncio.sleep(WARM_S)
            since_s = time.monotonic()
            code = await _back_up(grown, folder / "backups")
            took_s = time.monotonic() - since_s
            posts_s = talkers.posts_s(since_s)
        words = f"{max(posts_s):.2f} s of {len(posts_s):,}, p99 {p99(posts_s):.2f} s, in {took_s:.0f} s"
        right = not code and max(posts_s) <= 1
        lines.append(Line(f"slowest POST during a backup, 111 agents, up to {rate} msg/s", "≤ 1 s", words, right))
    return lines


async def _back_up(grown: Running, folder: Path) -> int:
    """Make one, verified and tried by a hub as ever; the exit code."""
    words = ("-m", "server", "backup", "--data-dir", str(grown.process.data_dir), "--to", str(folder), "--keep", "1")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    environ["HUB_DATABASE_URL"] = grown.home.url
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=ROOT, env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


async def _wide(
    options: argparse.Namespace, generator: Generator, few: Running, many: Running, rooms: Sequence[str]
) -> list[Line]:
    """Deliveries to 111 readers who are in all channels, beside readers who are in few."""
    best: dict[str, float] = {}
    loads = {"one channel": few.peer(), "many channels": many.peer(rooms)}
    for _ in range(options.rounds):
        for name, peer in loads.items():
            figures = await generator.measure(peer, FAN_OUT, options.seconds)
            best[name] = max(best.get(name, 0.0), figures.deliveries_per_s)
            _say(f"fan-out, {name}: {figures.deliveries_per_s:,.0f} deliveries/s, {figures.lost} lost")
    one, all_of_them = best.values()
    words = f"{all_of_them:,.0f} deliveries/s beside {one:,.0f}: {all_of_them / one:.2f}"
    name = f"{len(rooms):,} channels with 111 members each"
    return [
        Line(f"{name}: posts to all in turn, beside one channel", "≥ 0.9", words, all_of_them >= 0.9 * one),
        many.start(name),
        Line(f"{name}: memory", "", many.memory(), None),
    ]


async def _pruning(options: argparse.Namespace, generator: Generator, grown: Running) -> Line:
    """Posts while half of the log is let go, and when that is over."""
    url = grown.home.url
    before = looks.oldest(url)
    during = await generator.measure(grown.peer(), STEADY, PRUNING_SHARE * options.seconds)
    gone = looks.oldest(url) - before
    _say(f"{gone:,} events pruned so far")
    await looks.until_pruned(url)
    after = await generator.measure(grown.peer(), STEADY, PRUNING_SHARE * options.seconds)
    words = f"{during.post_p99_ms:.1f} ms beside {after.post_p99_ms:.1f}; {gone:,} events gone meanwhile"
    bound_ms = max(2 * after.post_p99_ms, after.post_p99_ms + 10)
    asked = "at most double, or 10 ms more"
    return Line("POST p99 while the log is pruned, 200 msg/s", asked, words, during.post_p99_ms <= bound_ms)


def _print(lines: Sequence[Line], details: Sequence[looks.Look]) -> None:
    verdicts = {True: "reached", False: "**missed**", None: ""}
    print("\n| what | asked | measured | |\n|---|---|---|---|")
    for line in lines:
        print(f"| {line.what} | {line.asked} | {line.measured} | {verdicts[line.reached]} |")
    print("\n| request | p50 ms | p99 ms |\n|---|---|---|")
    for look in details:
        print(f"| {look.kind} | {look.p50_ms:.1f} | {look.p99_ms:.1f} |")


def _say_stored(messages: int) -> None:
    if messages % SAID_MESSAGES == 0:
        _say(f"{messages:,} messages stored")


def _say(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
