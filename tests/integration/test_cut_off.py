"""One of two hubs loses its cable to PostgreSQL and Redis: the other serves, and after healing both have all."""

from pathlib import Path

from tests.cutting import cut_off

SECONDS = 10.0
"""`make soak` cuts it off for a minute."""


async def test_a_hub_that_is_cut_off_harms_nobody_and_catches_up(tmp_path: Path) -> None:
    outcome = await cut_off(tmp_path, SECONDS)
    assert outcome.wrong == []
    assert outcome.served_meanwhile >= 40
    assert set(outcome.refused_meanwhile) == {503}
    assert outcome.returned_s < 30
