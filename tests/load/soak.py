"""The long ones: the hub killed at random under load, one of two hubs cut off, then load for long; `make soak`, or
`python -m tests.load.soak`.

Writers note every acknowledgement, readers every event (tests/oracle.py); both must agree at the end. Meanwhile the
hub's memory and descriptors are noted, since what grows for an hour ends a hub after a month.
"""

import argparse
import asyncio
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.cutting import cut_off
from tests.hub import HubProcess
from tests.load.faults import Tried, lasting
from tests.oracle import AGENTS, RATE, company

KILL_AFTER_S = (0.2, 2.0)
CHAPTER_KILLS = 20
PATIENCE_S = 300.0
"""A machine that does other things as well delays a start; how long one took is told."""

CHAPTER_S = 120.0
SAMPLE_S = 5.0
SETTLED_SHARE = 0.5
"""The log that is kept in memory fills in the first part of a run; what grows after it is growth."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at the hub's process."""

    at_s: float
    resident_bytes: int
    descriptors: int


@dataclass(slots=True)
class Result:
    """What one part of the soak found."""

    name: str
    wrong: list[str]
    acknowledged: int
    seconds: float
    restarts_s: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    words: str = ""


def main() -> int:
    """Run all parts and print their tables."""
    options = _parser().parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1_000_000)
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, {platform.platform()},", end=" ")
    print(f"Python {platform.python_version()}; --kills {options.kills} --cut {options.cut:g}", end=" ")
    print(f"--minutes {options.minutes:g} --seed {seed}")
    tried = asyncio.run(_lasting()) if options.faults else []
    results = asyncio.run(_all(options, random.Random(seed)))
    print("\n| part | acknowledged | seconds | verdict | more |\n|---|---|---|---|---|")
    for result in results:
        verdict = "; ".join(result.wrong) or "0 lost, 0 twice"
        words = f"| {result.name} | {result.acknowledged:,} | {result.seconds:.0f} | {verdict} | {_more(result)} |"
        print(words)
    if tried:
        print("\n| fault | measured | verdict |\n|---|---|---|")
    for fault in tried:
        print(f"| {fault.name} | {fault.measured} | {'; '.join(fault.wrong) or 'holds'} |")
    return int(any(result.wrong for result in results) or any(fault.wrong for fault in tried))


async def _lasting() -> list[Tried]:
    with tempfile.TemporaryDirectory(prefix="hub-soak-") as name:
        return await lasting(Path(name), _say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load.soak", description="The long tests of a hub.")
    parser.add_argument("--kills", type=int, default=200, help="how often the hub is killed (200)")
    parser.add_argument("--cut", type=float, default=60.0, help="seconds that one of two hubs is cut off (60)")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long the load goes on after that (60)")
    parser.add_argument("--rate", type=float, default=RATE, help=f"messages a second of that load ({RATE:g})")
    parser.add_argument("--faults", action=argparse.BooleanOptionalAction, default=True, help="faults that last")
    parser.add_argument("--seed", type=int, help="of the moments of the kills; default a new one")
    return parser


async def _all(options: argparse.Namespace, chance: random.Random) -> list[Result]:
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="hub-soak-") as name:
        if options.kills:
            results.append(await _kills(Path(name, "kills"), options.kills, chance))
        if options.cut:
            results.append(await _cut(Path(name, "cut"), options.cut))
        if options.minutes:
            results.append(await _load(Path(name, "load"), options.minutes * 60, options.rate))
    return results


async def _cut(folder: Path, seconds: float) -> Result:
    began_s = time.monotonic()
    outcome = await cut_off(folder, seconds)
    words = f"{outcome.served_meanwhile} stored by the other hub meanwhile, back {outcome.returned_s:.1f} s after"
    name = f"one of two hubs cut off for {seconds:g} s"
    return Result(name, outcome.wrong, outcome.acknowledged, _since(began_s), words=words)


async def _kills(folder: Path, kills: int, chance: random.Random) -> Result:
    await asyncio.to_thread(folder.mkdir)
    began_s = time.monotonic()
    restarts_s: list[float] = []
    hub = HubProcess(folder)
    hub.start_timeout_s = PATIENCE_S
    async with hub, company(hub) as talkers:
        for number in range(kills):
            await asyncio.sleep(chance.uniform(*KILL_AFTER_S))
            await hub.kill()
            killed_s = time.monotonic()
            await hub.start()
            restarts_s.append(time.monotonic() - killed_s)
            _say(f"kill {number + 1} of {kills}, {talkers.acknowledged:,} acknowledged")
            if number % CHAPTER_KILLS == CHAPTER_KILLS - 1:
                await talkers.close_chapter()
        await talkers.close_chapter()
    return Result(f"kill -9, {kills} times", talkers.wrong, talkers.taken, _since(began_s), restarts_s)


async def _load(folder: Path, seconds: float, rate: float) -> Result:
    await asyncio.to_thread(folder.mkdir)
    began_s = time.monotonic()
    samples: list[Sample] = []
    async with HubProcess(folder) as hub, company(hub, rate=rate) as talkers:
        while _since(began_s) < seconds:
            chapter_ends_s = min(_since(began_s) + CHAPTER_S, seconds)
            while _since(began_s) < chapter_ends_s:
                await asyncio.sleep(min(SAMPLE_S, seconds))
                samples.append(_look(hub, _since(began_s)))
                _say(f"{_since(began_s):.0f} of {seconds:.0f} s, {samples[-1].resident_bytes / 1e6:.1f} MB")
            await talkers.close_chapter()
    name = f"up to {rate:g} msg/s, {AGENTS} agents that write and read"
    return Result(name, talkers.wrong, talkers.taken, _since(began_s), samples=samples)


def _look(hub: HubProcess, at_s: float) -> Sample:
    assert hub.process is not None
    process = psutil.Process(hub.process.pid)
    return Sample(at_s, process.memory_info().rss, process.num_fds())


def _more(result: Result) -> str:
    words = [result.words] if result.words else []
    if result.restarts_s:
        median_s = statistics.median(result.restarts_s)
        words.append(f"kill to ready: median {median_s:.2f}, longest {max(result.restarts_s):.2f} s")
    settled = result.samples[int(len(result.samples) * SETTLED_SHARE) :]
    if len(settled) > 1:
        slope = statistics.linear_regression([look.at_s for look in settled], [look.resident_bytes for look in settled])
        first, last = settled[0], settled[-1]
        words.append(f"resident {first.resident_bytes / 1e6:.1f} to {last.resident_bytes / 1e6:.1f} MB")
        words.append(f"slope {slope.slope * 3600 / 1e6:+.1f} MB an hour")
        words.append(f"descriptors {first.descriptors} to {last.descriptors}")
    return ", ".join(words)


def _since(began_s: float) -> float:
    return time.monotonic() - began_s


def _say(words: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{words}\033[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
