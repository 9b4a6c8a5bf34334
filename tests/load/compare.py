"""The hub beside what it is held against, in one run on one machine: `make bench`, or `python -m tests.load.compare`.

Absolute figures say little on a machine that is shared; the ratios are what counts. Every load is put on each server
in turn, several rounds, and the best of the rounds counts for each of them.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil

from tests.hub import HubProcess
from tests.load import peers
from tests.load.generator import Figures, Generator, Load, MeasureError, Peer, build

PRIORITY = -15
"""Above whatever else the machine does; only root may ask for it."""

FAN_OUT = {
    "fan-out, 111 readers": Load(readers=111, publishers=16, window=16),
    "fan-out, 1,000 readers": Load(readers=1000, publishers=16, window=16),
    "1,000 msg/s, 111 readers": Load(readers=111, publishers=111, rate=1000),
    "one at a time, 111 readers": Load(readers=111, publishers=1, window=1),
}
INGEST_NAME = "ingest, 32 connections"
INGEST = Load(readers=0, publishers=32)
IDLE_READERS = 10_000

Runs = dict[tuple[str, str], list[Figures]]
"""What was measured, by load and server, one entry a round."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached: `of` one server at a load, divided by that of another; at least or at most so much."""

    load: str
    words: str
    of: Callable[[Figures], float]
    other: str
    least: float | None = None
    most: float | None = None


GOALS = (
    Goal("fan-out, 111 readers", "deliveries/s", lambda f: f.deliveries_per_s, "floor", least=1.5),
    Goal("fan-out, 111 readers", "deliveries/s", lambda f: f.deliveries_per_s, "nchan + Redis", least=1.8),
    Goal("fan-out, 1,000 readers", "deliveries/s", lambda f: f.deliveries_per_s, "floor", least=3),
    Goal("fan-out, 1,000 readers", "deliveries/s", lambda f: f.deliveries_per_s, "nchan + Redis", least=6),
    Goal("1,000 msg/s, 111 readers", "delivery p50 ms", lambda f: f.p50_ms, "nchan + Redis", most=4),
    Goal("1,000 msg/s, 111 readers", "delivery p99 ms", lambda f: f.p99_ms, "nchan + Redis", most=2),
    Goal("one at a time, 111 readers", "delivery p50 ms", lambda f: f.p50_ms, "nchan + Redis", most=1.5),
    Goal(INGEST_NAME, "messages/s", lambda f: f.messages_per_s, "bare aiohttp", least=1 / 3),
)


def main() -> int:
    """Measure and print."""
    options = _parser().parse_args()
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, {platform.platform()},", end=" ")
    print(f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} before;", end=" ")
    print(f"the generator {'where the kernel puts it' if options.anywhere else 'on the last processor'}")
    try:
        with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
            Path(folder).chmod(0o755)  # nginx's worker gives up root
            build(Path(folder))
            runs, notes = asyncio.run(_measure(options, Path(folder)))
    except (MeasureError, peers.StartError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    if options.json:
        tree = {f"{load} | {server}": rounds for (load, server), rounds in runs.items()}
        print(msgspec.json.encode({"runs": tree, "notes": notes}).decode())
        return 0
    _print_figures(runs)
    missed = _print_goals(runs)
    print("\n" + "\n".join(notes))
    return int(missed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load.compare", description="The hub beside its peers.")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each measurement takes (5)")
    parser.add_argument("--rounds", type=int, default=3, help="how often; the best counts (3)")
    parser.add_argument("--only", default="", help="loads whose name contains this")
    parser.add_argument("--anywhere", action="store_true", help="do not hold the generator on the last processor")
    parser.add_argument("--json", action="store_true", help="print every round as JSON")
    return parser


async def _measure(options: argparse.Namespace, folder: Path) -> tuple[Runs, list[str]]:
    runs: Runs = defaultdict(list)
    notes: list[str] = []
    generator = Generator(folder, anywhere=options.anywhere)
    async with contextlib.AsyncExitStack() as stack:
        hub, process = await stack.enter_async_context(peers.hub(folder))
        fans = [await stack.enter_async_context(peers.floor(folder, joined=joined)) for joined in (False, True)]
        if peers.nchan_is_installed():
            fans.append(await stack.enter_async_context(peers.nchan(folder)))
        else:
            notes.append("nchan was left out: nginx with libnginx-mod-nchan and redis-server are not installed")
        bare = await stack.enter_async_context(peers.bare())
        loads = {name: (load, [*fans, hub]) for name, load in FAN_OUT.items()}
        loads[INGEST_NAME] = (INGEST, [bare, hub])
        for name, (load, servers) in loads.items():
            if options.only in name:
                for _ in range(options.rounds):
                    await _round(runs, generator, name, load, servers, options.seconds)
                notes.append(f"hub after `{name}`: {_memory(process)}")
    if options.only in "idle":
        notes.append(await _idle(generator, folder))
    return runs, notes


async def _round(runs: Runs, generator: Generator, name: str, load: Load, servers: list[Peer], seconds: float) -> None:
    for server in servers:
        figures = await generator.measure(server, load, seconds)
        runs[name, server.name].append(figures)
        print(f"  {name}: {server.name}: {figures.deliveries_per_s:,.0f} deliveries/s,", end=" ", file=sys.stderr)
        print(f"{figures.messages_per_s:,.0f} msg/s, p50 {figures.p50_ms} p99 {figures.p99_ms} ms", file=sys.stderr)


async def _idle(generator: Generator, folder: Path) -> str:
    """What so many open streams cost a hub that has just started."""
    async with peers.hub(folder, "idle") as (hub, process):
        before = _memory(process)
        fan = await generator.hold(hub, IDLE_READERS)
        try:
            after = _memory(process)
        finally:
            assert fan.stdin is not None
            fan.stdin.close()
            await fan.wait()
    return f"{IDLE_READERS:,} idle streams: {after} (fresh: {before})"


def _memory(process: HubProcess) -> str:
    assert process.process is not None
    hub = psutil.Process(process.process.pid)
    redis = sum(child.memory_info().rss for child in hub.children(recursive=True))
    return f"{hub.memory_info().rss / 1e6:.0f} MB resident, its Redis {redis / 1e6:.0f} MB"


def _print_figures(runs: Runs) -> None:
    print("\n| load | server | deliveries/s | messages/s | p50 ms | p99 ms | p99.9 ms | POST p50 | lost | twice |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (load, server), rounds in runs.items():
        most_deliveries = max(figures.deliveries_per_s for figures in rounds)
        most_messages = max(figures.messages_per_s for figures in rounds)
        least = [min(getattr(figures, field) for figures in rounds) for field in ("p50_ms", "p99_ms", "p999_ms")]
        post_ms = min(figures.post_p50_ms for figures in rounds)
        wrong = [sum(getattr(figures, field) for figures in rounds) for field in ("lost", "twice")]
        latencies = " | ".join(f"{value:.2f}" for value in (*least, post_ms))
        print(f"| {load} | {server} | {most_deliveries:,.0f} | {most_messages:,.0f} | {latencies} | ", end="")
        print(" | ".join(map(str, wrong)) + " |")


def _print_goals(runs: Runs) -> bool:
    """Print each goal that was measured; True when one was missed."""
    print("\n| goal | hub | beside | ratio | asked | |\n|---|---|---|---|---|---|")
    missed = False
    for goal in GOALS:
        ours, theirs = runs.get((goal.load, "hub")), runs.get((goal.load, goal.other))
        if not ours or not theirs:
            continue
        best = max if goal.least is not None else min
        hub, other = best(map(goal.of, ours)), best(map(goal.of, theirs))
        ratio = hub / other
        if goal.least is not None:
            reached, asked = ratio >= goal.least, f"≥ {goal.least:.2f}"
        else:
            reached, asked = goal.most is not None and ratio <= goal.most, f"≤ {goal.most:.2f}"
        missed = missed or not reached
        print(
            f"| {goal.load}: {goal.words} | {hub:,.2f} | {goal.other} {other:,.2f} | {ratio:.2f} | {asked} | ", end=""
        )
        print("reached |" if reached else "**missed** |")
    return missed


if __name__ == "__main__":
    sys.exit(main())
