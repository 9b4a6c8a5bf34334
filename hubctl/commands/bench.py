"""`hubctl bench`: how fast is this hub, and is anything lost."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from hubctl.bench.ledger import Ledger
from hubctl.bench.pace import Plan
from hubctl.bench.report import page
from hubctl.bench.run import Outcome, bench
from hubctl.bench.verdict import Line, doubts, lines
from hubctl.client import Hub
from hubctl.commands.options import json_option, print_json, with_hub
from hubctl.errors import Failure
from hubctl.load.showing import Show, bar
from hubctl.table import show

VERDICTS = {True: "reached", False: "MISSED", None: "not measured"}


@click.command("bench")
@click.option("--agents", metavar="N", type=click.IntRange(2, 1000), default=111, show_default=True)
@click.option(
    "--rate", metavar="R", type=click.FloatRange(1, 5000), default=100.0, show_default=True, help="Messages a second."
)
@click.option(
    "--seconds", metavar="S", type=click.FloatRange(1, 86_400), default=30.0, show_default=True, help="How long."
)
@click.option(
    "--ramp", "ramp_s", metavar="S", type=click.FloatRange(0, 3600), default=3.0, show_default=True, help="Warm-up."
)
@click.option(
    "--burst",
    metavar="N",
    type=click.IntRange(0, 1_000_000),
    default=0,
    show_default=True,
    help="Then so many messages by 100 publishers at once, as fast as it goes.",
)
@click.option(
    "--report", "report_file", metavar="FILE", type=click.Path(path_type=Path), help="Write a report in HTML to FILE."
)
@with_hub
@json_option
def bench_command(
    hub: Hub,
    agents: int,
    rate: float,
    seconds: float,
    ramp_s: float,
    burst: int,
    report_file: Path | None,
    as_json: bool,
) -> None:
    """Put load on a hub that runs, and judge what came of it. Takes an admin's token.

    It makes agents of its own in a private channel of their own; each reads everything by a stream of its own and
    posts in turn. All of it is removed at the end. The exit code is 1 when a line of the budget was missed.
    """
    _require_admin(hub)
    outcome = _run(hub, Plan(agents, rate, seconds, ramp_s, burst))
    verdict, doubtful = lines(outcome.measured), doubts(outcome.measured)
    if report_file is not None:
        _write(report_file, _report(outcome, verdict, doubtful))
    if as_json:
        found: dict[str, Any] = msgspec.to_builtins(outcome.measured)
        print_json({**found, "verdict": msgspec.to_builtins(verdict), "doubts": doubtful})
    else:
        rows = [[line.what, line.asked, line.measured, VERDICTS[line.reached]] for line in verdict]
        show(["what", "asked", "measured", "verdict"], rows, empty="")
        for words in doubtful:
            click.echo(f"doubtful: {words}", err=True)
        if report_file is not None:
            click.echo(f"wrote {report_file}", err=True)
    if outcome.first_refusal:
        click.echo(f"the first call that failed: {outcome.first_refusal}", err=True)
    missed = [line.what for line in verdict if line.reached is False]
    if missed:
        raise Failure(f"missed: {', '.join(missed)}")


def _require_admin(hub: Hub) -> None:
    if not hub.get("/api/me").get("admin"):
        raise Failure("a bench makes agents and removes them, which takes an admin's token")


def _run(hub: Hub, plan: Plan) -> Outcome:
    with bar("bench") as shown, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:

        def tell(words: str, share: float, ledger: Ledger | None) -> None:
            _tell(shown, words, share, ledger)

        try:
            return runner.run(bench(hub.target, plan, tell))
        except asyncio.CancelledError:
            raise Failure("ended before its time; its agents and its channel are removed") from None


def _tell(shown: Show, words: str, share: float, ledger: Ledger | None) -> None:
    if ledger is not None and ledger.delivery.total:
        p50, p99 = ledger.delivery.quantile_ms(0.5) or 0.0, ledger.delivery.quantile_ms(0.99) or 0.0
        words += f": {ledger.deliveries:,} deliveries, p50 {p50:.1f}, p99 {p99:.1f} ms, {ledger.twice} twice"
    shown(words, share)


def _report(outcome: Outcome, verdict: list[Line], doubtful: list[str]) -> str:
    measured, ledger = outcome.measured, outcome.ledger
    words = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC: {measured.agents} agents, each reading everything, "
    words += f"{measured.asked_rate:g} messages a second for {measured.seconds:g} s"
    spreads = [
        ("POST to delivery", ledger.delivery),
        ("POST to its answer", ledger.post),
        ("presence to delivery", ledger.presence),
        ("typing to delivery", ledger.typing),
    ]
    return page(words, verdict, doubtful, spreads)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror}") from None
