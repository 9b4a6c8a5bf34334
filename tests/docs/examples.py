"""The examples of the documentation as things to run: found in Markdown, typed into bash, compared with what is shown.

Every ```sh block runs, and every line of a ```console block that begins with `$ `; what follows such a line is what
it prints. A ```text or ```json block right after a ```sh block is what that one prints. A comment before a block
says otherwise: `<!-- shown only -->` is not run, `<!-- hub stopped -->` runs while the hub is down.

"…" in what is shown stands for anything. Ids, times, tokens and the like need only have their shape.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

TIMEOUT_S = 60.0
SHOWN_ONLY = "<!-- shown only -->"
HUB_STOPPED = "<!-- hub stopped -->"

_BLOCK = re.compile(
    r"(?:^(?P<mark><!-- [a-z ]+ -->)\n+)?^```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_VOLATILE = {
    "anything": ("…", r".*?"),
    "uuid": (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",) * 2,
    "clock": (r"\b\d\d:\d\d:\d\d\b",) * 2,
    "date": (r"\b20\d\d-\d\d-\d\d\b",) * 2,
    "ms": (r"\b1\d{12}\b",) * 2,
    "epoch": (r"\b[0-9a-f]{8}\b",) * 2,
    "retry": (r'(?<=retry: )\d{4}\b|(?<="retryMs":)\d{4}\b', r"\d{4}"),
    "blank": (r"\s+", r"\s+"),
}
_PIECES = re.compile("|".join(f"(?P<{name}>{found})" for name, (found, _) in _VOLATILE.items()))


class Block(NamedTuple):
    """A fenced block: its language, its text, the line it begins at, and the comment before it."""

    kind: str
    body: str
    line: int
    mark: str


class Example(NamedTuple):
    """Commands to run, and what they print (None where that is not shown)."""

    commands: str
    line: int
    stopped: bool = False
    printed: str | None = None
    as_json: bool = False


def blocks(text: str) -> list[Block]:
    """Every fenced block of a document."""
    return [
        Block(found["kind"], found["body"], text.count("\n", 0, found.start("kind")) + 1, found["mark"] or "")
        for found in _BLOCK.finditer(text)
    ]


def examples(text: str) -> Iterator[Example]:
    """What is to be run of a document, in order."""
    found = blocks(text)
    for block, after in zip_longest(found, found[1:]):
        if block.mark == SHOWN_ONLY:
            continue
        stopped = block.mark == HUB_STOPPED
        if block.kind == "console":
            yield from _typed(block, stopped=stopped)
        elif block.kind == "sh":
            shows = after is not None and after.kind in ("text", "json") and after.mark != SHOWN_ONLY
            printed = after.body if after is not None and shows else None
            yield Example(
                block.body, block.line, stopped, printed, shows and after is not None and after.kind == "json"
            )


def _typed(block: Block, *, stopped: bool) -> Iterator[Example]:
    for piece in re.split(r"^\$ ", block.body, flags=re.MULTILINE)[1:]:
        lines = piece.splitlines(keepends=True)
        count = 1 + next((n for n, line in enumerate(lines[1:]) if not line.startswith("> ")), len(lines) - 1)
        commands = lines[0] + "".join(line.removeprefix("> ") for line in lines[1:count])
        yield Example(commands, block.line, stopped, "".join(lines[count:]))


def differences(example: Example, printed: str) -> str:
    """What is wrong with what an example printed; nothing when it is as shown."""
    if example.printed is None:
        return ""
    if example.as_json:
        return "; ".join(_unlike(json.loads(example.printed), json.loads(printed), "answer"))
    if re.fullmatch(_pattern(example.printed.strip()), printed.strip(), re.DOTALL):
        return ""
    return f"shown:\n{example.printed}\nprinted:\n{printed}"


def _pattern(shown: str) -> str:
    pieces: list[str] = []
    end = 0
    for found in _PIECES.finditer(shown):
        pieces += [re.escape(shown[end : found.start()]), _VOLATILE[str(found.lastgroup)][1]]
        end = found.end()
    return "".join([*pieces, re.escape(shown[end:])])


def _unlike(shown: Any, real: Any, place: str) -> Iterator[str]:
    if isinstance(shown, dict) and isinstance(real, dict):
        if shown.keys() != real.keys():
            yield f"{place} has {sorted(real)}, shown are {sorted(shown)}"
        for key in shown.keys() & real.keys():
            yield from _unlike(shown[key], real[key], f"{place}.{key}")
    elif isinstance(shown, list) and isinstance(real, list):
        if len(shown) != len(real):
            yield f"{place} has {len(real)} items, shown are {len(shown)}"
        for number, (one, other) in enumerate(zip(shown, real, strict=False)):
            yield from _unlike(one, other, f"{place}[{number}]")
    elif shown == "…":
        return
    elif type(shown) is not type(real) or not re.fullmatch(_pattern(str(shown)), str(real), re.DOTALL):
        yield f"{place} is {real!r}, shown is {shown!r}"


class Shell:
    """One bash for a whole document, so that an example may use what an earlier one has set."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        self._environ = {**inherited, **environ}
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, commands: str) -> str:
        """Standard output. Raises AssertionError when a command fails or takes too long."""
        if self._process is None:
            self._process = await self._start()
        script, out, err = (self._folder / name for name in ("example.sh", "out", "err"))
        script.write_text(commands, "utf-8")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b". ./example.sh </dev/null >out 2>err; echo done\n")
        try:
            done = await asyncio.wait_for(self._process.stdout.readline(), TIMEOUT_S)
        except TimeoutError:
            done = b"too late\n"
        printed = out.read_text("utf-8", "replace")
        assert done == b"done\n", f"failed:\n{commands}\nprinted:\n{printed}\n{err.read_text('utf-8', 'replace')}"
        return printed

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *("bash", "--noprofile", "--norc", "-euo", "pipefail"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=self._environ,
            start_new_session=True,
        )

    async def close(self) -> None:
        """End bash and what it left in the background."""
        if self._process is not None:
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):  # it may just have ended by itself
                    os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
