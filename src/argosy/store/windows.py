"""Windows: where the mergeable statistics of a fleet over a span of time lie."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.rows import Row, columns, fetch, insert

_TABLE = schema.window


class NewWindow(Row, frozen=True, kw_only=True):
    """[start, stop) of a fleet: the blob `digest` holds the counts over `rows` rows of `dataset_version`."""

    fleet: str
    start: datetime
    stop: datetime
    kind: str
    digest: str
    rows: int
    at: datetime
    dataset_version: int


class Window(NewWindow, frozen=True, kw_only=True):
    """A recorded window."""

    id: int


def add(tx: Connection, windows: Sequence[NewWindow]) -> None:
    """Record windows; one already recorded for the same span and dataset version stays."""
    insert(tx, _TABLE, windows, ignore=True)


def between(
    conn: Connection, fleet: str, kind: str, start: datetime | None = None, stop: datetime | None = None
) -> list[Window]:
    """Windows that lie within [start, stop], in order of time; of each span the highest dataset version."""
    c = _TABLE.c
    mine = [c.fleet == fleet, c.kind == kind]
    if start is not None:
        mine.append(c.start >= start)
    if stop is not None:
        mine.append(c.stop <= stop)
    newest = select(c.start, c.stop, func.max(c.dataset_version).label("newest")).where(*mine)
    last = newest.group_by(c.start, c.stop).subquery()
    same = (c.start == last.c.start) & (c.stop == last.c.stop) & (c.dataset_version == last.c.newest)
    query = columns(_TABLE, Window).join(last, same).where(*mine).order_by(c.start, c.stop)
    return fetch(conn, query, Window)
