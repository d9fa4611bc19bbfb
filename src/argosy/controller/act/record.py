"""Carry out a `Record`: segments of answered rows become parts of the fleet's predictions dataset, exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from argosy.controller.action import Record
from argosy.controller.house import House
from argosy.controller.observe import INSTANT, Snapshot
from argosy.controller.plan import predictions
from argosy.controller.watching.spans import retyped
from argosy.data.dtype import Types, parse_all, wider
from argosy.data.read import append, union
from argosy.store import datasets

TIME = "at"


def waiting(segments: Path, fleet: str) -> list[Path]:
    """The segments that inference servers have finished writing and nobody has taken in yet, oldest first."""
    return sorted((segments / fleet).glob("[!.]*.arrow"))


def run(house: House, snapshot: Snapshot, action: Record, now: datetime) -> str:
    """Take in every waiting segment; a file is removed only after the version that holds it is committed."""
    files = waiting(house.places.segments, action.fleet)
    name = predictions(action.fleet)
    with house.store.read() as conn:
        seen = datasets.ingested(conn, name, [file.name for file in files])
    fresh = [file for file in files if file.name not in seen]
    rows = 0
    if fresh:
        with house.store.read() as conn:
            held = datasets.version(conn, name)
        frame = _joined(name, parse_all(held.columns) if held is not None else {}, fresh)
        frame = frame.with_columns(pl.col(TIME).cast(INSTANT))
        rows = frame.height
        append(house.store, name, frame, time=TIME, sources=[f.name for f in fresh], now=now, cause="answered rows")
    for file in files:
        file.unlink(missing_ok=True)
    return f"{name}: {rows:,} answered rows from {len(fresh)} segment(s)"


def _joined(dataset: str, types: Types, files: Sequence[Path]) -> pl.DataFrame:
    """The rows of the files. A feature that was declared anew with another type lies beside what it was before.

    It is called `distance as String` where the dataset holds numbers as `distance`.
    """
    frames = []
    for file in files:
        frame = pl.read_ipc(file)
        other = {c: retyped(c, t) for c, t in frame.schema.items() if c in types and wider(types[c], t) is None}
        frames.append(frame.rename(other))
        types = union(dataset, types, frames[-1].schema)
    return pl.concat(frames, how="diagonal_relaxed")
