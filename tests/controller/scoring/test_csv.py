"""CSV is cut where records end, wherever that is, and read as if it were not cut."""

from __future__ import annotations

import csv as standard
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.controller.scoring import block
from argosy.controller.scoring.csv import blocks
from argosy.data import csv
from argosy.errors import InputError
from argosy.spec.source import Csv

VALUES = st.sampled_from(["a", 'say "hi"', "two\nlines", "a, b", "köln", "x" * 40])


def parse(text: bytes, skipped: int, types: block.Schema) -> pl.DataFrame:
    rows, _, _ = csv.parse(text, "rows.csv", Csv("rows.csv"), types, (), {}, skipped)
    return rows


def scan(path: Path, size: int) -> tuple[pl.LazyFrame, bool]:
    return block.scan(path, partial(blocks, path, size), parse)


@settings(max_examples=60)
@given(rows=st.lists(st.tuples(VALUES, st.integers(-9, 9)), min_size=1, max_size=60), size=st.integers(20, 300))
def test_blocks_end_where_records_do(tmp_path_factory: pytest.TempPathFactory, rows: list[object], size: int) -> None:
    path = tmp_path_factory.mktemp("blocks") / "rows.csv"
    with path.open("w", newline="") as file:
        writer = standard.writer(file, lineterminator="\n")
        writer.writerows([("text", "number"), *rows])  # type: ignore[list-item]
    found, large = scan(path, size)
    expected = parse(path.read_bytes(), 0, {})
    assert large == (len(list(blocks(path, size))) > 1)
    assert found.collect().equals(expected)
    assert found.slice(1, 2).collect().equals(expected.slice(1, 2))
    assert found.filter(pl.col("number") > 0).select("number").collect().equals(
        expected.filter(pl.col("number") > 0).select("number")
    )  # fmt: skip


def _written(folder: Path, *lines: str) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join(["a,b", *lines, ""]))
    return path


def test_a_column_has_the_type_that_holds_all_blocks(tmp_path: Path) -> None:
    lines = [f"{n},{n}" for n in range(50)] + [f"{n}.5," for n in range(50)] + [f"{n},x{n}" for n in range(50)]
    found, large = scan(_written(tmp_path, *lines), 100)
    assert large and dict(found.collect_schema()) == {"a": pl.Float64(), "b": pl.String()}
    rows = found.collect()
    assert rows["a"][:2].to_list() == [0.0, 1.0] and rows["b"][1] == "1" and rows["b"][50] is None


def test_an_error_names_the_line_of_the_file(tmp_path: Path) -> None:
    lines = [f"{n},{n}" for n in range(100)]
    lines[70] = "1,2,3"
    with pytest.raises(InputError, match=r"rows.csv, line 72: 3 fields"):
        scan(_written(tmp_path, *lines), 100)
    lines[70] = '"1",2,3'
    with pytest.raises(InputError, match=r"rows.csv, line 72: 3 fields"):
        scan(_written(tmp_path, *lines), 100)


def test_quotes_that_do_not_close_are_told_before_all_that_follows_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block, "RECORD", 1_000)
    path = _written(tmp_path, *["1,2"] * 30, '"3,4', *["1,2"] * 10_000)
    with pytest.raises(InputError, match=r"rows.csv: what follows 31 lines does not end within"):
        scan(path, 100)
