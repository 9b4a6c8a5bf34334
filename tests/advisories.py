"""Known advisories about anything in the lock files; where the database is out of reach, a note and no failure.

pip-audit ends with 0 when it could look nothing up, and with 1 for an advisory and for a broken connection alike: so
its report is read, not its exit code.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("deploy/requirements.lock", "tests/requirements.lock", "tests/build.lock")
OUT_OF_REACH = "the database of advisories is out of reach"
TIMEOUT_S = 300


class Verdict(NamedTuple):
    """How many packages were looked up, the advisories found, and what there is to note."""

    known: int
    advisories: list[str]
    note: str


def verdict_of(report: str) -> Verdict:
    """What pip-audit's JSON says; all that it could not look up is in the note."""
    try:
        dependencies = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Verdict(0, [], OUT_OF_REACH)
    known = [one for one in dependencies if "skip_reason" not in one]
    advisories = [
        f"{one['name']} {one['version']}: {vulnerability['id']}, mended in {', '.join(vulnerability['fix_versions'])}"
        for one in known
        for vulnerability in one["vulns"]
    ]
    skipped = sorted(one["name"] for one in dependencies if "skip_reason" in one)
    if not known:
        return Verdict(0, advisories, OUT_OF_REACH)
    return Verdict(len(known), advisories, f"not in the database: {', '.join(skipped)}" if skipped else "")


def audited(lock: str) -> Verdict:
    """The verdict on one lock file."""
    options = ("--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off", "--timeout", "10")
    command = [sys.executable, "-m", "pip_audit", "-r", str(ROOT / lock), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return Verdict(0, [], OUT_OF_REACH)
    return verdict_of(done.stdout)


def main() -> int:
    """1 if there is an advisory, else 0."""
    found = False
    for lock in LOCKS:
        verdict = audited(lock)
        note = f" ({verdict.note})" if verdict.note else ""
        print(f"{lock}: {len(verdict.advisories)} advisories on {verdict.known} packages{note}")
        for advisory in verdict.advisories:
            print(f"  {advisory}")
        found = found or bool(verdict.advisories)
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
