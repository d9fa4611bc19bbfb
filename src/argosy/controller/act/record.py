"""Carry out a `Record`: segments of answered rows become parts of the fleet's predictions dataset, exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from argosy.controller.action import Record
from argosy.controller.house import House
from argosy.controller.observe import Snapshot
from argosy.controller.plan import predictions
from argosy.controller.watching.spans import retyped
from argosy.data.dtype import INSTANT, Types, parse_all, wider
from argosy.data.read import append, union
from argosy.store import datasets

TIME = "at"
PORTION, FILES = 200_000, 2_000
"""Rows, and segments, that one version takes in: after an outage memory stays bounded, and what is done is done."""


def waiting(segments: Path, fleet: str) -> list[Path]:
    """The segments that inference servers have finished writing and nobody has taken in yet, oldest first."""
    return sorted((segments / fleet).glob("[!.]*.arrow"))


def run(house: House, snapshot: Snapshot, action: Record, now: datetime) -> str:
    """Take in every waiting segment, a portion at a time, each a version in a transaction of its own.

    A file is removed only after the version that holds it is committed; one that was in already is removed as well.
    """
    files = waiting(house.places.segments, action.fleet)
    name = predictions(action.fleet)
    with house.store.read() as conn:
        seen = datasets.ingested(conn, name, [file.name for file in files])
    rows = 0
    for portion in _portions(file for file in files if file.name not in seen):
        rows += _take(house, name, action, portion, now)
    for file in files:
        file.unlink(missing_ok=True)
    return f"{name}: {rows:,} answered rows from {len(files) - len(seen)} segment(s)"


def _portions(files: Iterable[Path]) -> Iterator[list[tuple[Path, pl.DataFrame]]]:
    """The files with their rows, as many at a time as have at most `PORTION` rows; a larger file comes alone."""
    held: list[tuple[Path, pl.DataFrame]] = []
    for file in files:
        frame = pl.read_ipc(file)
        if held and (sum(each.height for _, each in held) + frame.height > PORTION or len(held) == FILES):
            yield held
            held = []
        held.append((file, frame))
    if held:
        yield held


def _take(
    house: House, name: str, action: Record, portion: Sequence[tuple[Path, pl.DataFrame]], now: datetime
) -> int:  # fmt: skip
    """Commit a portion, then remove its files; returns its number of rows."""
    with house.store.read() as conn:
        held = datasets.version(conn, name)
    types = parse_all(held.columns) if held is not None else {}
    frame = _joined(name, types, [each for _, each in portion]).with_columns(pl.col(TIME).cast(INSTANT))
    append(
        house.store, name, frame, time=TIME, sources=[file.name for file, _ in portion], now=now, cause="answered rows",
        work=lambda tx, _: house.hold(tx, action.subject),
    )  # fmt: skip
    for file, _ in portion:
        file.unlink(missing_ok=True)
    return frame.height


def _joined(dataset: str, types: Types, segments: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of segments. A feature that was declared anew with another type lies beside what it was before.

    It is called `distance as String` where the dataset holds numbers as `distance`.
    """
    frames = []
    for frame in segments:
        other = {c: retyped(c, t) for c, t in frame.schema.items() if c in types and wider(types[c], t) is None}
        frames.append(frame.rename(other))
        types = union(dataset, types, frames[-1].schema)
    return pl.concat(frames, how="diagonal_relaxed")
