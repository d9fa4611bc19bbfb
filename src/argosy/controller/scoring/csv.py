"""CSV files of any size, read as ingest reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from argosy.controller.scoring import block
from argosy.data import csv
from argosy.serving.derive import DTYPES
from argosy.serving.routing import Endpoint
from argosy.spec.dataset import Dataset
from argosy.spec.source import Csv


def scan(path: Path, endpoint: Endpoint, spine: Dataset) -> tuple[pl.LazyFrame, bool]:
    """See `block.scan`. Where the fleet's dataset is of CSV files, this one is written as they are."""
    source = spine.source if isinstance(spine.source, Csv) else Csv(str(path))
    expected = {each.name: DTYPES[each.datatype] for each in endpoint.inputs}
    dates = {each.name for each in endpoint.inputs if each.datatype == "TIME"}

    def parse(text: bytes, skipped: int, types: block.Schema) -> pl.DataFrame:
        rows, _, _ = csv.parse(text, str(path), source, {**expected, **types}, dates, spine.tags, skipped)
        return rows

    return block.scan(path, lambda: blocks(path), parse)


def blocks(path: Path, size: int = block.BLOCK) -> Iterator[block.Block]:
    """The text by blocks of whole records, each behind the header, and the lines between that and the block's first."""
    with path.open("rb") as file:
        head = file.readline()
    empty = True
    for text, skipped in block.whole(path, len(head), size, _end):
        yield head + text, skipped
        empty = False
    if empty:
        yield head, 0


def _end(data: bytes) -> int:
    """Where the last record that is whole ends: behind a line that does not end within quotes. 0 if there is none."""
    end, quotes = len(data), data.count(b'"')
    while (line := data.rfind(b"\n", 0, end)) >= 0:
        quotes -= data.count(b'"', line, end)
        if quotes % 2 == 0:
            return line + 1
        end = line
    return 0
