"""A tail's place: nothing twice, nothing half written."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubctl.cursor import CursorFile, Place
from hubctl.errors import Failure


@given(st.lists(st.integers(0, 50)))
def test_no_seq_is_taken_twice(seqs: list[int]) -> None:
    place = Place()
    taken = [seq for seq in seqs if place.advance(f"e:{seq}")]
    assert taken == sorted(set(taken))


def test_a_stored_place_counts_as_read() -> None:
    place = Place("e:7")
    assert not place.advance("e:7")
    assert place.advance("e:8")
    assert place.id == "e:8"


def test_another_epoch_starts_anew() -> None:
    place = Place("old:700")
    assert place.advance("new:3")
    place.reset("new:1")
    assert place.advance("new:2")


def test_a_file_keeps_the_cursor(tmp_path: Path) -> None:
    file = CursorFile(tmp_path / "cursor")
    assert file.read() is None
    file.write("e:1")
    file.write("e:2")
    assert file.read() == "e:2"
    assert [path.name for path in tmp_path.iterdir()] == ["cursor"]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"e:", b"e:1\ne:2", b"\xff"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cursor").write_bytes(content)
    with pytest.raises(Failure):
        CursorFile(tmp_path / "cursor").read()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="nowhere"):
        CursorFile(tmp_path / "nowhere" / "cursor").write("e:1")
