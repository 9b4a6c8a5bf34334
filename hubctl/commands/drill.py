"""`hubctl drill`: break a hub on purpose, and see that nothing is lost."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from hubctl.client import Hub
from hubctl.commands.options import json_option, print_json
from hubctl.drill.audit import Company
from hubctl.drill.run import Drill, Outcome, Plan, Tell
from hubctl.drill.victim import Running, throwaway
from hubctl.errors import Failure
from hubctl.load import local
from hubctl.load.showing import Show, bar
from hubctl.table import show
from hubctl.target import INSTALLED_DATA_DIR, Target, find_target, running_as_root


@click.command("drill")
@click.option("--url", metavar="URL", help="A hub that runs; default a throw-away one, made for the drill.")
@click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where admin.token of the hub at --url lies, when HUB_TOKEN is not set.",
)
@click.option("--yes", is_flag=True, help="Break it even if it is installed, somebody else's, or on another machine.")
@click.option("--rounds", metavar="N", type=click.IntRange(1, 1000), default=3, show_default=True)
@click.option("--writers", metavar="N", type=click.IntRange(1, 100), default=4, show_default=True)
@click.option("--readers", metavar="N", type=click.IntRange(1, 500), default=6, show_default=True)
@json_option
def drill(
    url: str | None, data_dir: Path | None, yes: bool, rounds: int, writers: int, readers: int, as_json: bool
) -> None:
    """Kill Redis, the hub and every stream in turn while agents talk, then audit what they heard.

    Without --url nothing of yours is touched. The exit code is 0 only when nothing was lost and nothing came twice.
    """
    plan = Plan(writers, readers, rounds)
    victim = _running(find_target(os.environ, url, data_dir, root=running_as_root()), yes=yes) if url else None
    outcome = _run(victim, plan)
    if as_json:
        found: dict[str, Any] = msgspec.to_builtins(outcome)
        print_json({**found, "clean": outcome.audit.clean})
    else:
        _print(outcome)
    if victim is not None and victim.restarted:
        click.echo(f"the hub was started again as it was, without its terminal: process {victim.pid}", err=True)
    if not outcome.audit.clean:
        raise Failure("something was lost or came twice")
    if any(broken.mended_s is None for broken in outcome.breaks):
        raise Failure("not everything mended in time")


def _running(target: Target, *, yes: bool) -> Running:
    """The hub at `target`, if it may be broken. Raises Failure, with nothing touched, when it may not."""
    with Hub(target) as hub:
        if not hub.get("/api/me").get("admin"):
            raise Failure("a drill makes agents and removes them, which takes an admin's token")
    process = local.find(target.url)
    reasons = _reasons(process)
    if reasons and not yes:
        words = "; ".join(reasons)
        raise Failure(f"{words}. Nothing was touched. `--yes` breaks it all the same.")
    return Running(target, process)


def _reasons(process: local.Process | None) -> list[str]:
    """Why a hub should not be broken without asking."""
    if process is None:
        return ["this hub's process is not to be seen from here: another user's, on another machine, behind a proxy"]
    reasons: list[str] = []
    if process.data_dir == INSTALLED_DATA_DIR:
        reasons.append("this is an installed hub, which others may rely on")
    if process.user_id != os.geteuid():
        reasons.append("this hub was started by another user")
    return reasons


def _run(victim: Running | None, plan: Plan) -> Outcome:
    with bar("drill") as shown, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:

        def tell(words: str, share: float, company: Company) -> None:
            _tell(shown, words, share, company)

        try:
            return runner.run(_drill(victim, plan, tell))
        except asyncio.CancelledError:
            raise Failure("ended before its time; its agents and its channel are removed") from None


async def _drill(victim: Running | None, plan: Plan, tell: Tell) -> Outcome:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if victim is not None:
        return await Drill(victim, plan, tell).run()
    async with throwaway() as hub:
        return await Drill(hub, plan, tell).run()


def _tell(shown: Show, words: str, share: float, company: Company) -> None:
    shown(f"{words}; {len(company.acknowledged()):,} acknowledged", share)


def _print(outcome: Outcome) -> None:
    rows = [
        [
            broken.what,
            "not in time" if broken.mended_s is None else f"{broken.mended_s:.2f} s",
            str(broken.acknowledged),
        ]
        for broken in outcome.breaks
    ]
    show(["broken", "all well after", "acknowledged meanwhile"], rows, empty="nothing was broken")
    for words in outcome.left_out:
        print(f"left out: {words}", file=sys.stderr)
    audit = outcome.audit
    words = f"{audit.acknowledged:,} acknowledged, {audit.lost} lost, {audit.twice} twice"
    more = f"{audit.readers} readers, {audit.reconnects} reconnects, {audit.retries} posts tried again"
    print(f"{words} ({more})")
    if audit.gaps or audit.backwards or audit.resets:
        print(f"{audit.gaps} gaps, {audit.backwards} steps back, {audit.resets} resets")
