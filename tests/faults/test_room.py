"""An online store that is full, or whose disk is: it keeps what it had, and expiry makes room."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest

from argosy.errors import CapacityError
from argosy.features.join import Source
from argosy.features.online import Online
from tests.features.boards import BOARDS, board, delays
from tests.features.oracle import moment
from tests.store.room import no_file_larger_than


def test_a_full_store_keeps_what_it_had(tmp_path: Path) -> None:
    with Online(tmp_path, map_size=1 << 17) as online:
        online.write(BOARDS, board(("JFK", 1, 1, 1.0)))
        with pytest.raises(CapacityError, match="map size"):
            online.write(BOARDS, board(*((f"{i:0100}", 1, 1, 1.0) for i in range(2_000))))
        assert delays(online, 1, "JFK", f"{0:0100}") == [1.0, None]


def test_a_full_store_has_room_again_once_it_has_expired(tmp_path: Path) -> None:
    """Each entity has rows to drop, so that every page is touched."""
    with Online(tmp_path, map_size=1 << 19) as online:
        online.write(BOARDS, board(*((f"A{i}", minute, minute, 1.0) for i in range(1_000) for minute in range(6))))
        more = board(*((f"B{i}", 6, 6, 2.0) for i in range(5_000)))
        with pytest.raises(CapacityError, match="map size of 524,288 bytes"):
            online.write(BOARDS, more)
        assert online.expire(moment(6), timedelta(0)) == 5_000
        assert online.write(BOARDS, more) == 5_000
        assert delays(online, 6, "A0", "A999", "B4999") == [1.0, 1.0, 2.0]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1 << 20, 1 << 21])
def test_a_store_filled_row_by_row_has_room_again_once_it_has_expired(tmp_path: Path, size: int) -> None:
    """Rows come in one transaction each, wherever they fall, until the last page is taken."""
    notes, any_of = Source("notes", ("airport",), "event", None, ("note",)), Random(1)

    def fill(online: Online) -> int:
        minute = 0
        while True:
            row = {
                "airport": f"{any_of.randrange(40):017}",
                "event": moment(minute),
                "note": "x" * any_of.randint(1, 300),
            }
            try:
                online.write(notes, pl.DataFrame([row]))
            except CapacityError:
                return minute
            minute += 1

    with Online(tmp_path, map_size=size) as online:
        full = fill(online)
        assert online.expire(moment(full), timedelta(0)) == full - 40
        later = {"event": [moment(full + i) for i in range(full // 2)], "airport": "JFK", "note": "x" * 150}
        assert online.write(notes, pl.DataFrame(later)) == full // 2


@pytest.mark.fault
def test_a_full_disk_is_told_and_the_store_keeps_what_it_had(tmp_path: Path) -> None:
    with Online(tmp_path) as online:
        online.write(BOARDS, board(("JFK", 1, 1, 1.0)))
        many = board(*((f"{i:0100}", 1, 1, 1.0) for i in range(5_000)))
        with no_file_larger_than(1 << 18), pytest.raises(CapacityError, match="no room on disk"):
            online.write(BOARDS, many)
        assert delays(online, 1, "JFK", f"{0:0100}") == [1.0, None]
        online.write(BOARDS, many)
        assert delays(online, 1, "JFK", f"{0:0100}") == [1.0, 1.0]


@pytest.mark.fault
def test_on_a_full_disk_expiry_finds_room_in_the_file(tmp_path: Path) -> None:
    """One transaction that drops from every page has no room to do so; a few rows at a time have."""
    with Online(tmp_path) as online:
        older = board(*((f"A{i:03}", minute, minute, 1.0) for i in range(1_000) for minute in range(12)))
        online.write(BOARDS, older)
        online.write(Source("other", ("airport",), "event", "known", ("delay",)), older.head(1_500))
        online.replace(Source("other", ("airport",), "event", "known", ("delay",)), older.head(1))
        online.write(BOARDS, board(("A000", 12, 12, 2.0)))
        more = board(*((f"B{i:03}", 12, 12, 2.0) for i in range(3_000)))
        with no_file_larger_than((tmp_path / "data.mdb").stat().st_size):
            with pytest.raises(CapacityError, match="no room on disk"):
                online.write(BOARDS, board(*((f"B{i:0100}", 12, 12, 2.0) for i in range(9_000))))
            assert online.expire(moment(12), timedelta(0)) == 11_001
            assert online.write(BOARDS, more) == 3_000
        assert delays(online, 12, "A000", "A999", "B2999") == [2.0, 1.0, 2.0]
