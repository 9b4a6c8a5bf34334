"""`make check` fails for an advisory, and for nothing else that pip-audit may say."""

import json
from typing import Any

import pytest

from tests import advisories
from tests.advisories import OUT_OF_REACH, Verdict, verdict_of

BAD = {"name": "jinja2", "version": "2.4.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.11.3"]}]}
GOOD = {"name": "click", "version": "8.3.3", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "Dependency not found"}


def report(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_an_advisory_is_named() -> None:
    verdict = verdict_of(report(GOOD, BAD, UNKNOWN))
    assert verdict == Verdict(2, ["jinja2 2.4.1: PYSEC-1, mended in 2.11.3"], "not in the database: ours")


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", report(), report(UNKNOWN)])
def test_no_answer_is_no_verdict(text: str) -> None:
    assert verdict_of(text) == Verdict(0, [], OUT_OF_REACH)


@pytest.mark.parametrize(("found", "code"), [([BAD, GOOD], 1), ([GOOD], 0), ([UNKNOWN], 0)])
def test_only_an_advisory_fails(monkeypatch: pytest.MonkeyPatch, found: list[dict[str, Any]], code: int) -> None:
    monkeypatch.setattr(advisories, "audited", lambda _lock: verdict_of(report(*found)))
    assert advisories.main() == code
