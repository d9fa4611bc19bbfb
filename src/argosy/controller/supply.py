"""Supply: why a dataset has no rows yet, or takes in no more: no file, a source that gives none, a failed ingest."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from argosy.controller import apply
from argosy.controller.action import Ingest, headline
from argosy.controller.observe import Wanted
from argosy.data import source
from argosy.data.source import INGEST
from argosy.errors import UnknownError
from argosy.spec.dataset import Dataset
from argosy.spec.source import Csv, Parquet
from argosy.store import events, executions
from argosy.store.events import Event
from argosy.store.executions import Execution


class Lack(msgspec.Struct, frozen=True):
    """Why rows are lacking, and what to do about it."""

    says: str
    next: str

    def __str__(self) -> str:
        return f"{self.says} ({self.next})"


def lacks(
    conn: Connection, wanted: Mapping[tuple[str, str], Wanted], names: Iterable[str], filled: Container[str],
    drafted: Path | None = None,
) -> dict[str, Lack]:  # fmt: skip
    """Of the declared datasets among `names`, those that lack rows: two queries in all.

    Where the last ingest failed, it is that; else only one that is not `filled`, which has no version, is looked at.
    Files are listed, nothing is opened and nobody is asked. `drafted` is as for `root`.
    """
    asked = {name: wanted["dataset", name] for name in names if ("dataset", name) in wanted}
    if not asked:
        return {}
    failed = events.latest(conn, "failed", [Ingest(name, "").subject for name in asked])
    ended = executions.latest(conn, INGEST, asked)
    found = {}
    for name, given in asked.items():
        last = ended.get(name)
        lack = _failed(name, failed.get(Ingest(name, "").subject), last)
        if lack is None and name not in filled:
            lack = _empty(conn, given, last, drafted)
        if lack is not None:
            found[name] = lack
    return found


def root(conn: Connection, given: Wanted, drafted: Path | None = None) -> Path:
    """The directory that relative source paths of a declaration start from.

    `drafted` is the module of a project that is not applied: its sources lie beside it. Raises UnknownError for the
    declaration of a project that was never applied.
    """
    if drafted is not None and given.project == drafted.stem:
        return drafted.parent
    return apply.root(conn, given.project)


def _failed(name: str, event: Event | None, last: Execution | None) -> Lack | None:
    if event is None or (last is not None and last.ended_at >= event.at):
        return None
    said, _, next = event.message.removeprefix(f"{headline(Ingest(name, ''))}: ").partition("\n  next: ")
    what = next.partition("\n")[0] or "mend its source; it is tried again at the next pass"
    return Lack(f"its last ingest failed at {_time(event.at)}: {said.partition(chr(10))[0]}", what)


def _empty(conn: Connection, given: Wanted, last: Execution | None, drafted: Path | None) -> Lack | None:
    dataset = given.declaration
    assert isinstance(dataset, Dataset)
    try:
        unmatched = source.unmatched(dataset.source, root(conn, given, drafted))
    except (UnknownError, OSError):  # nobody knows where its files lie, or may look there
        unmatched = None
    if unmatched is not None:
        return Lack(*unmatched)
    if last is None:
        return None
    again = "put more there" if isinstance(dataset.source, (Parquet, Csv)) else "it is asked again every minute"
    read = _time(last.ended_at)
    return Lack(f"{source.label(dataset.source)} gave no row known by {read}, when it was last read", again)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
