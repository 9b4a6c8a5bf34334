"""docs/failures.md keeps its promise: each case names the tests that show it."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "failures.md").read_text("utf-8")
CASES = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("case", [case for case in CASES if case != "Not shown by a test yet"])
def test_each_case_is_shown_by_a_test(case: str) -> None:
    assert re.search(r"^- `tests/[\w/.]+::test_\w+`$", CASES[case], re.MULTILINE)


@pytest.mark.parametrize("case", [case for case in CASES if case != "Not shown by a test yet"])
def test_each_case_says_what_one_sees(case: str) -> None:
    assert "**You see**" in CASES[case]
