"""The documentation is true: its examples run against a real hub, its commands, settings and codes exist."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from server.config import Section, Settings
from server.web.routes import ROUTES
from tests.docs.examples import SHOWN_ONLY, Example, Shell, blocks, differences, examples
from tests.hub import HubProcess

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BIN = Path(sys.executable).parent

EXAMPLES = {path.name: found for path in DOCUMENTS if (found := list(examples(path.read_text("utf-8"))))}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def home_with(hub: HubProcess, folder: Path) -> Path:
    """A home folder in which the hub's data lies where a new user's would."""
    home = folder / "home"
    (home / ".local/share").mkdir(parents=True)
    (home / ".local/share/openclaw-hub").symlink_to(hub.data_dir)
    return home


@pytest.mark.parametrize("name", EXAMPLES)
async def test_the_examples_run_and_print_what_is_shown(name: str, own_hub: HubProcess, tmp_path: Path) -> None:
    assert shutil.which("curl"), "curl is missing: install curl"
    assert (BIN / "hubctl").exists(), "hubctl is not installed beside this Python; `make test` does that"
    home = home_with(own_hub, tmp_path)
    environ = {
        "HOME": str(home),
        "XDG_DATA_HOME": "",
        "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
        "HUB_URL": own_hub.url,
        "HUB_TOKEN": own_hub.admin_token,
        "TZ": "UTC",
    }
    shell = Shell(home, environ)
    try:
        for example in EXAMPLES[name]:
            await follow(example, shell, own_hub, name)
    finally:
        await shell.close()


async def follow(example: Example, shell: Shell, hub: HubProcess, name: str) -> None:
    """Run one example and compare; a hub that was to be stopped for it is started again."""
    if example.stopped:
        await hub.stop()
    try:
        printed = await shell.run(example.commands)
    except AssertionError as error:
        pytest.fail(f"{name}, line {example.line}: {error}", pytrace=False)
    wrong = differences(example, printed)
    if wrong:
        pytest.fail(f"{name}, line {example.line}: {wrong}", pytrace=False)
    if example.stopped:
        await hub.start()


@each_document
def test_commands_that_are_only_shown_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = [block for block in blocks(document.read_text("utf-8")) if block.mark == SHOWN_ONLY]
    for line in (line for block in shown if block.kind in ("sh", "console") for line in block.body.splitlines()):
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words[:1] == ["make"]:
            assert words[1] in targets, line
        elif words[:1] == ["hubctl"]:
            known = help_of(words[1:])
            assert all(word in known for word in words if word.startswith("--")), line


def help_of(words: list[str]) -> str:
    """The help of the command that begins with these words; fails where there is none."""
    names = [word for word in words if re.fullmatch(r"[a-z]+", word)][
        : 2 if words[0] in {"agent", "channel", "export", "token"} else 1
    ]
    command = [sys.executable, "-m", "hubctl", *names, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_the_settings_are_documented_with_their_defaults() -> None:
    text = (ROOT / "docs/operating.md").read_text("utf-8")
    table = text.partition("## Settings")[2].partition("\n## ")[0]
    shown = dict(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.*?) \|", table, re.MULTILINE))
    sections = [(field.name, field.type) for field in msgspec.structs.fields(Settings)]
    real = {
        f"{name}.{key.name}": f"`{key.default}`" if key.default not in ("", (), None) else "empty"
        for name, kind in sections
        if isinstance(kind, type) and issubclass(kind, Section)
        for key in msgspec.structs.fields(kind)
    }
    assert shown == real


def test_the_calls_that_are_documented_exist() -> None:
    text = (ROOT / "docs/api.md").read_text("utf-8").partition("## All calls")[2]
    shown = re.findall(r"^\| (`[A-Z].*?) \|", text, re.MULTILINE)
    calls = {
        (method, cell.strip("`").rpartition(" ")[2]) for cell in shown for method in re.findall(r"[A-Z]{3,}", cell)
    }
    assert calls
    assert calls - {(method, path) for method, path, _, _ in ROUTES} == set()


def test_the_codes_that_are_documented_exist() -> None:
    text = (ROOT / "docs/api.md").read_text("utf-8")
    shown = re.findall(r"^\| \d{3} \| (.*?) \|", text, re.MULTILINE)
    codes = {code for cell in shown for code in re.findall(r"`([a-z_]+)`", cell)}
    source = "".join(path.read_text("utf-8") for path in (ROOT / "server").rglob("*.py"))
    assert codes
    assert {code for code in codes if f'"{code}"' not in source} == set()
