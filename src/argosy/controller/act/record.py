"""Carry out a `Record`: segments of answered rows become parts of the fleet's predictions dataset, exactly once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from argosy.controller.action import Record
from argosy.controller.house import House
from argosy.controller.observe import INSTANT, Snapshot
from argosy.controller.plan import predictions
from argosy.data.read import append
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
        frame = pl.concat([pl.read_ipc(file) for file in fresh], how="diagonal")
        frame = frame.with_columns(pl.col(TIME).cast(INSTANT))
        rows = frame.height
        append(house.store, name, frame, time=TIME, sources=[f.name for f in fresh], now=now, cause="answered rows")
    for file in files:
        file.unlink(missing_ok=True)
    return f"{name}: {rows:,} answered rows from {len(fresh)} segment(s)"
