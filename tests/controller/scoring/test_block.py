"""What blocks make of a file together, and that it stays the file that it was."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import polars as pl
import pytest

from argosy.controller.scoring.block import Schema, scan, whole
from argosy.errors import ConflictError


def parse(text: bytes, skipped: int, types: Schema) -> pl.DataFrame:
    return pl.DataFrame({"n": [int(each) for each in text.split()]}, schema=dict(types) or None)


def opened(path: Path, size: int) -> tuple[pl.LazyFrame, bool]:
    return scan(path, partial(whole, path, 0, size, lambda data: data.rfind(b"\n") + 1), parse)


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("size", [7, 290, 400, 10_000])
def test_a_file_of_one_block_is_read_once_and_one_of_more_by_blocks(tmp_path: Path, size: int, end: str) -> None:
    path = tmp_path / "numbers"
    path.write_text("\n".join(map(str, range(100))) + end)
    found, large = opened(path, size)
    assert large == (path.stat().st_size > size)
    assert found.collect()["n"].to_list() == list(range(100))
    assert found.head(3).collect()["n"].to_list() == [0, 1, 2]
    assert found.select(pl.len()).collect().item() == 100


def test_a_file_that_has_become_shorter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_text("1\n" * 100)
    found, _ = opened(path, 50)
    path.write_text("1\n" * 90)
    with pytest.raises(ConflictError, match="changed while it was read"):
        found.collect()
