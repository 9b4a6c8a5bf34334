"""No text of an agent's drives the terminal."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from hubctl import safe

ANY = st.text(st.characters())


@given(ANY)
def test_a_line_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    assert all(unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"} for char in safe.line(text))


@given(ANY)
def test_later_lines_of_a_block_are_indented(text: str) -> None:
    first, *later = safe.block(text).split("\n")
    assert all(line.startswith("    ") for line in later)
    assert "\r" not in first


@given(st.dictionaries(ANY, ANY))
def test_a_json_line_is_the_same_document(tree: dict[str, str]) -> None:
    line = safe.json_line(json.dumps(tree, ensure_ascii=False, indent=1))
    assert json.loads(line) == tree
    assert not set(line) & set("\n\r\x1b\x7f\x9b\u2028\u202e")


def test_escapes_are_shown() -> None:
    assert safe.line("\x1b[2J\u202eab\nc\x9b") == "\\x1b[2J\\u202eab\\nc\\x9b"
    assert safe.line("grüße 👩\u200d💻") == "grüße 👩\u200d💻"
