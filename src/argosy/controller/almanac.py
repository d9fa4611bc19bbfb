"""The almanac: what is true of pipelines, as far as the next run of each depends on it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.errors import DeclarationError
from argosy.spec.document import recorded
from argosy.spec.partition import Range
from argosy.spec.pipeline import Pipeline
from argosy.spec.span import Span
from argosy.spec.trigger import After, Event, NewVersion, Trigger
from argosy.store import datasets, declarations, events, pauses, runs
from argosy.store.events import Newest
from argosy.store.pauses import Pause
from argosy.store.runs import Latest, Unended

_SUCCEEDED = f"run.{runs.SUCCEEDED}"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of one pipeline. `bundle` is its code, `since` when it came to run by itself as it does now.

    `last` is the latest scheduled time that a run was for. Of its last run, `stop` is where the span ended, `began` the
    id of the event of its beginning, and `read` the versions of datasets that it read or was started for. `versions`
    are the latest there are; `happened` is the last event that each trigger asks for, and the run that it tells of
    where that is news. `under_way` are runs that did not end.
    """

    pipeline: Pipeline
    since: datetime
    bundle: str | None = None
    pause: Pause | None = None
    last: datetime | None = None
    stop: datetime | None = None
    began: int = 0
    read: dict[str, int] = {}
    versions: dict[str, int] = {}
    happened: dict[Trigger, tuple[Newest, int | None]] = {}
    under_way: tuple[int, ...] = ()

    @property
    def paused(self) -> bool:
        """Whether it starts no runs by itself."""
        return self.pause is not None and self.pause.paused


class _Past(msgspec.Struct):
    """What the runs of one pipeline came to so far: see `Entry`."""

    last: datetime | None = None
    stop: datetime | None = None
    read: dict[str, int] = msgspec.field(default_factory=dict)


class Almanac:
    """Reads on from where it was read before, so that a look costs what is new, in a constant number of queries.

    It belongs to one thread. All of it can be read again from the facts.
    """

    def __init__(self) -> None:
        self._run = self._event = 0
        self._declared: tuple[int, dict[str, Entry]] = (-1, {})
        self._pasts: dict[str, _Past] = {}
        self._began: dict[str, int] = {}
        self._asked: frozenset[Trigger] = frozenset()
        self._happened: dict[Trigger, Newest] = {}
        self.unended: list[Unended] = []
        """Runs of any pipeline that did not end, oldest first, as of the last `read`."""
        self.unread: dict[str, DeclarationError] = {}
        """Pipelines that have no entry, as their declarations cannot be read, as of the last `read`."""

    def read(self, conn: Connection) -> list[Entry]:
        """The entries of all pipelines that are declared, by name, but for those in `unread`."""
        declared = self._read_declared(conn)
        self._read_runs(conn)
        if not declared:
            return []
        asked = frozenset(trigger for each in declared.values() for trigger in each.pipeline.on)
        self._read_events(conn, asked)
        versions = {}
        if any(isinstance(trigger, NewVersion) for trigger in asked):
            versions = {name: each.number for name, each in datasets.latest(conn).items()}
        paused, happened = pauses.latest(conn), self._told(conn, declared.values())
        under_way: dict[str, list[int]] = {}
        for run in self.unended:
            under_way.setdefault(run.pipeline, []).append(run.id)
        return [
            msgspec.structs.replace(
                each, pause=paused.get(name), began=self._began.get(name, 0), versions=versions, happened=happened,
                under_way=tuple(under_way.get(name, ())), **msgspec.structs.asdict(self._pasts.get(name, _Past())),
            )
            for name, each in declared.items()
        ]  # fmt: skip

    def _read_declared(self, conn: Connection) -> dict[str, Entry]:
        last = declarations.last(conn)
        if last != self._declared[0]:
            found = {}
            self.unread.clear()
            for row in declarations.current(conn, "pipeline"):
                try:
                    pipeline = recorded(row.body)
                except DeclarationError as error:  # a zone that this machine lacks, a field of a later release
                    self.unread[row.name] = error
                    continue
                assert isinstance(pipeline, Pipeline)
                since = datetime.fromisoformat(row.body["since"]) if "since" in row.body else row.at
                found[row.name] = Entry(pipeline=pipeline, since=since, bundle=row.bundle)
            self._declared = (last, found)
            self._pasts.clear()  # the parameter that is a span may be another one
            self._run = 0
        return self._declared[1]

    def _read_runs(self, conn: Connection) -> None:
        self.unended = runs.unended(conn, self._run, [each.id for each in self.unended])
        for each in runs.lately(conn, self._run):
            past = self._pasts.setdefault(each.pipeline, _Past())
            past.last = max(filter(None, (past.last, each.due_at)), default=None)
            past.stop = self._stop(each)
            past.read = {name: int(str(reference).rpartition("@")[2]) for name, reference in each.inputs.items()}
            self._run = max(self._run, each.id)

    def _stop(self, run: Latest) -> datetime | None:
        entry = self._declared[1].get(run.pipeline)
        given = run.parameters.get(entry.pipeline.span or "") if entry is not None else None
        with suppress(DeclarationError, msgspec.ValidationError):  # the parameter was none of spans by then
            if isinstance(given, dict):
                return msgspec.convert(given, Range).spans()[-1].stop
            if isinstance(given, str):
                return Span.parse(given).stop
        return None

    def _read_events(self, conn: Connection, asked: frozenset[Trigger]) -> None:
        if not asked <= self._asked:
            self._event, self._happened = 0, {}
        self._asked = asked
        kinds = {runs.STARTED, *(kind for each in asked if (kind := _kind(each)) is not None)}
        for event in events.newest(conn, kinds, self._event):
            if event.kind == runs.STARTED:
                self._began[event.subject] = event.id
            for trigger in asked:
                if _meets(trigger, event):
                    self._happened[trigger] = event
            self._event = max(self._event, event.id)

    def _told(self, conn: Connection, declared: Iterable[Entry]) -> dict[Trigger, tuple[Newest, int | None]]:
        """The last event of each trigger, with the run that it tells of where that is news to a pipeline."""
        news = {
            found.id
            for each in declared
            for trigger in each.pipeline.on
            if isinstance(trigger, After) and (found := self._happened.get(trigger)) is not None
            and found.id > self._began.get(each.pipeline.name, 0)
        }  # fmt: skip
        bodies = {id: event.body for id, event in events.get(conn, news).items()} if news else {}
        return {trigger: (event, bodies.get(event.id, {}).get("run")) for trigger, event in self._happened.items()}


def _kind(trigger: Trigger) -> str | None:
    return trigger.event if isinstance(trigger, Event) else _SUCCEEDED if isinstance(trigger, After) else None


def _meets(trigger: Trigger, event: Newest) -> bool:
    if isinstance(trigger, After):
        return event.kind == _SUCCEEDED and event.subject == trigger.pipeline
    return isinstance(trigger, Event) and trigger.matches(event.kind, event.subject)
