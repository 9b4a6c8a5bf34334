"""The QR code of a one-time link: on a terminal alone, and one that a phone reads as that link."""

import subprocess
import sys

import segno

from tests.terminal import on_a_terminal

LINK = "https://192.168.1.7:8080/welcome#3vK0abcdefghijklmnopqrstuvw"
SHOW = f"from hubctl.picture import show_code; show_code({LINK!r})"


def test_nothing_is_drawn_where_no_person_looks() -> None:
    shown = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True)
    assert shown.stdout == shown.stderr == ""


def test_on_a_terminal_it_is_drawn_with_the_links_own_pattern() -> None:
    dark = pattern(on_a_terminal(SHOW))
    code = segno.make(LINK, error="l", micro=False)
    expected = [[bool(module) for module in row] for row in code.matrix_iter(border=4)]
    assert dark[: len(expected)] == expected


def pattern(drawn: str) -> list[list[bool]]:
    """Two rows of modules a line; what is lit is light, as a phone sees a dark terminal."""
    halves = {"█": (False, False), "▀": (False, True), "▄": (True, False), " ": (True, True)}
    rows: list[list[bool]] = []
    for line in drawn.replace("\r", "").split("\n"):
        letters = [letter for letter in line if letter in halves]
        if letters:
            rows += [[halves[letter][half] for letter in letters] for half in (0, 1)]
    return rows
