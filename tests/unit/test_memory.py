"""How much memory a process may use: the least of the machine's and of what control groups of either kind allow."""

from pathlib import Path

import pytest

from server import memory


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One of 1,000 kB, without control groups."""
    for name, file in (("CONTROL_GROUPS", "groups"), ("OWN_GROUPS", "own"), ("TOTAL", "total")):
        monkeypatch.setattr(memory, name, tmp_path / file)
    (tmp_path / "total").write_text("MemTotal:        1000 kB\nMemFree: 10 kB\n")
    return tmp_path


def test_the_machine_is_the_bound_where_nothing_else_is(machine: Path) -> None:
    assert memory.limit_bytes() == 1000 << 10
    assert memory.share(10, 1 << 30) == 100 << 10
    assert memory.share(10, 7) == 7


@pytest.mark.parametrize(
    ("own", "file"), [("0::/system/hub", "memory.max"), ("5:cpu:/\n4:memory:/system/hub", "memory.limit_in_bytes")]
)
@pytest.mark.parametrize("level", ["system/hub", "system"])
def test_the_least_of_the_groups_above_counts(machine: Path, own: str, file: str, level: str) -> None:
    root = machine / "groups" / ("memory" if "memory:" in own else "")
    (root / "system" / "hub").mkdir(parents=True)
    (root / "system" / "hub" / file).write_text("max\n")
    (root / level / file).write_text("300000\n")
    (machine / "own").write_text(own)
    assert memory.limit_bytes() == 300_000
