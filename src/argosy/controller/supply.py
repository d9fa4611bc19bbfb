"""Supply: why a dataset has no rows yet, or takes in no more: no file, a source that gives none, a failed ingest."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.controller import apply
from argosy.controller.action import Ingest, headline
from argosy.controller.wanted import Wanted
from argosy.data import source
from argosy.data.source import INGEST
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
    unmatched: Mapping[str, tuple[str, str]] | None = None,
) -> dict[str, Lack]:  # fmt: skip
    """Of the declared datasets among `names`, those that lack rows: three queries in all.

    Where the last ingest failed, it is that; else only one that is not `filled`, which has no version, is looked at.
    `unmatched` are those whose files were looked for and not found, with why; else their files are listed here. Nothing
    is opened and nobody is asked.
    """
    asked = {name: wanted["dataset", name] for name in names if ("dataset", name) in wanted}
    if not asked:
        return {}
    events_of = events.latest(conn, "failed", [Ingest(name, "").subject for name in asked])
    ended = executions.latest(conn, INGEST, asked)
    failed = {name: _failed(name, events_of.get(Ingest(name, "").subject), ended.get(name)) for name in asked}
    empty = {name: given for name, given in asked.items() if failed[name] is None and name not in filled}
    if unmatched is None:
        unmatched = _unmatched(conn, empty)
    found = {name: _empty(given, unmatched.get(name), ended.get(name)) for name, given in empty.items()}
    return {name: lack for name in asked if (lack := failed[name] or found.get(name)) is not None}


def _unmatched(conn: Connection, given: Mapping[str, Wanted]) -> dict[str, tuple[str, str]]:
    """Of these datasets, those of files that match none, with why and what to do."""
    roots = apply.roots(conn, {each.project for each in given.values()})
    found = {}
    for name, each in given.items():
        if each.project in roots:  # else nobody knows where its files lie
            with suppress(OSError):  # nobody may look there
                found[name] = source.unmatched(_dataset(each).source, roots[each.project])
    return {name: why for name, why in found.items() if why is not None}


def _dataset(given: Wanted) -> Dataset:
    assert isinstance(given.declaration, Dataset)
    return given.declaration


def _failed(name: str, event: Event | None, last: Execution | None) -> Lack | None:
    if event is None or (last is not None and last.ended_at >= event.at):
        return None
    said, _, next = event.message.removeprefix(f"{headline(Ingest(name, ''))}: ").partition("\n  next: ")
    what = next.partition("\n")[0] or "mend its source; it is tried again at the next pass"
    return Lack(f"its last ingest failed at {_time(event.at)}: {said.partition(chr(10))[0]}", what)


def _empty(given: Wanted, unmatched: tuple[str, str] | None, last: Execution | None) -> Lack | None:
    if unmatched is not None:
        return Lack(*unmatched)
    if last is None:
        return None
    dataset = _dataset(given)
    again = "put more there" if isinstance(dataset.source, (Parquet, Csv)) else "it is asked again every minute"
    read = _time(last.ended_at)
    return Lack(f"{source.label(dataset.source)} gave no row known by {read}, when it was last read", again)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
