"""A shelf holds whole chunks, for one at a time, and takes away nothing but its own."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from argosy.controller.scoring.shelf import Shelf
from argosy.errors import ConflictError

ROWS = pl.DataFrame({"n": [1, 2]})


def test_what_is_left_is_what_was_asked_for_and_what_others_put(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    with shelf.held():
        one, two = shelf.path(0, "a" * 64), shelf.path(1, "b" * 64)
        for path in (one, two):
            shelf.put(path, ROWS)
        assert shelf.spool("c" * 64, ROWS.lazy()).collect().equals(ROWS)
        assert shelf.spool("c" * 64, ROWS.lazy().head(0)).collect().equals(ROWS)  # as it came the first time
        strangers = [tmp_path / "shelf" / name for name in ("mine.parquet", ".mine.rows", "000001.parquet")]
        for path in strangers:
            path.touch()
        shelf.leave([one])
        assert set(shelf.folder.iterdir()) == {one, *strangers, shelf.folder / ".lock"}
    assert pl.read_parquet(one).equals(ROWS)


def test_one_at_a_time_writes_to_a_shelf(tmp_path: Path) -> None:
    with Shelf(tmp_path).held(), pytest.raises(ConflictError, match="somebody else writes"), Shelf(tmp_path).held():
        pass
    with Shelf(tmp_path).held():
        pass


def test_rows_that_cannot_be_had_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(pl.exceptions.PolarsError):
        Shelf(tmp_path).spool("c" * 64, ROWS.lazy().select("other"))
    assert list(tmp_path.iterdir()) == []
