"""The replay: day after day, what happened lands, flights are scored over HTTP, and the loop turns.

Each day ends with an event of kind `replayed`. A replay that was killed goes on with the first day without one; rows of
that day that were answered and recorded are not asked again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from sqlalchemy import Connection

from argosy.cli import home
from argosy.cli.port import free_port, wait_for
from argosy.cli.replay import example
from argosy.cli.replay.client import Client, Lost
from argosy.controller import apply, loop
from argosy.controller.action import Ingest, Materialise, Record, Watch
from argosy.controller.child import Child, Order
from argosy.controller.clock import ManualClock
from argosy.controller.house import House
from argosy.controller.watching.answered import answers
from argosy.errors import ArgosyError
from argosy.serving.snapshot import Source
from argosy.store import events
from argosy.store.store import Store

FLEET = "late-arrival"
START = date(2013, 4, 1)
"""The first day that is replayed: January to March is what the fleet is first trained on."""
END = date(2013, 12, 31)

_DATA = (Ingest, Materialise, Record)
_SUBJECT, _DAY = "demo", timedelta(days=1)
_ATTEMPTS = 5


class Day(msgspec.Struct, frozen=True):
    """A day that was replayed: rows scored, and what the loop said that is worth a line; seconds by phase."""

    day: date
    rows: int
    said: tuple[str, ...]
    seconds: dict[str, float]


class Replay:
    """One process's hold on a demo's home. As a context it owns an inference server and the workers of the loop."""

    def __init__(self, store: Store, module: Path) -> None:
        self._store, self._module = store, module
        self._root = store.blobs.root.parent
        self._house = House(store, actor="demo")
        self._source = Source(store)
        self._port, self._token = free_port() or 0, secrets.token_urlsafe(32)
        order = Order("argosy.cli.role:inference", {
            "home": store.home, "blobs": str(store.blobs.root), "token": self._token, "port": self._port,
            "flush_seconds": 1.0, "poll_seconds": 0.05,
        })  # fmt: skip
        self._server = Child("inference", order)
        self._client = Client(self._port, self._token)
        self._picture = -1
        self._sure = False
        self._tables = example.world()
        self._world: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._server.stop()
        self._house.close()

    def begin(self, on_done: Callable[[loop.Done], None] | None = None) -> date:
        """Train on what was known before START, unless that was done; returns the day to go on with."""
        self._world = self._tables.load(self._root)
        with self._store.read() as conn:
            last = next(iter(events.of_subject(conn, _SUBJECT, limit=1)), None)
        if last is None:
            self._tables.land_until(self._world, self._module.parent / "data", START)
        at = _midnight(START) if last is None else datetime.fromisoformat(last.body["now"])
        home.stand(self._root, at)
        apply.apply(self._store, self._module, at, "demo")
        if last is None:
            loop.tick(self._house, at, on_done=on_done)
            self._mark(at, "trained on January to March", {"now": at.isoformat()})
        self._start()
        return at.date()

    def days(self, first: date, until: date) -> Iterator[Day]:
        """Replay the days from `first` to `until`, both with them."""
        day = first
        while day <= until:
            yield self._replay(day)
            day += _DAY

    def _replay(self, day: date) -> Day:
        seconds: dict[str, float] = {}
        clock = ManualClock(_midnight(day) + _DAY)
        now = clock.now()
        with _Timed(seconds, "land"):
            self._tables.land(self._world, self._module.parent / "data", day)
        with _Timed(seconds, "ingest"):
            loop.tick(self._house, now, only=_DATA)
        with _Timed(seconds, "score"):
            rows = self._score(day)
        done = loop.tick(self._house, now)
        for each in done:
            kind = str(each.action.__struct_config__.tag)
            seconds[kind] = seconds.get(kind, 0.0) + each.wall_s
        with _Timed(seconds, "swap"):
            self._settle()
        said = tuple(each.said for each in done if not isinstance(each.action, (*_DATA, Watch)) or each.failed)
        self._mark(now, f"{day.isoformat()}: {rows:,} rows scored", {"now": now.isoformat(), "rows": rows})
        home.stand(self._root, now)
        return Day(day, rows, said, seconds)

    def _score(self, day: date) -> int:
        """Have the flights of a day answered and written; asked again where the server was lost on the way."""
        batches = self._tables.requests(self._world, day)
        for _ in range(_ATTEMPTS):
            try:
                for batch in batches if self._sure else self._missing(day, batches):
                    self._client.infer(FLEET, batch)
                self._client.flush()
                self._sure = True
                return sum(len(batch["flight_id"]) for batch in batches)
            except Lost:
                self._sure = False
                self._start()
        raise ArgosyError(f"the inference server was lost {_ATTEMPTS} times on {day.isoformat()}")

    def _missing(self, day: date, batches: list[dict[str, list[object]]]) -> Iterator[dict[str, list[object]]]:
        """What is left to ask of a day of which some rows may have been recorded before."""
        start = _midnight(day)
        loop.tick(self._house, start + _DAY, only=(Record,))
        with self._store.read() as conn:
            known = set(answers(conn, self._store, FLEET, start, start + _DAY)["row_key"])
        for batch in batches:
            keep = [i for i, key in enumerate(batch["flight_id"]) if key not in known]
            if keep:
                yield {name: [values[i] for i in keep] for name, values in batch.items()}

    def _start(self) -> None:
        """Start the server, or start it again; it answers by the newest facts when this returns."""
        self._client.close()
        self._server.stop(1.0)
        self._server.start()
        if not wait_for(self._port, self._server):
            raise ArgosyError("the inference server of the demo did not start", next="see what it said above")
        self._settle()

    def _settle(self) -> None:
        """Wait until the server answers by the newest facts."""
        picture = self._source()
        if picture is not None:
            self._picture = picture.version
        try:
            self._client.follow(self._picture)
        except Lost:
            self._sure = False  # the next day starts it again

    def _mark(self, now: datetime, message: str, body: dict[str, Any]) -> None:
        with self._store.write() as tx:
            event = events.NewEvent(at=now, kind="replayed", subject=_SUBJECT, actor="demo", message=message, body=body)
            events.add(tx, [event])


def frozen_at() -> datetime:
    """The moment at which the frozen fleet stands still: after its first training."""
    return _midnight(START)


def replayed(conn: Connection) -> date | None:
    """The last day that was replayed."""
    last = next(iter(events.of_subject(conn, _SUBJECT, limit=1)), None)
    return None if last is None else datetime.fromisoformat(last.body["now"]).date() - _DAY


class _Timed:
    def __init__(self, into: dict[str, float], name: str) -> None:
        self._into, self._name, self._from = into, name, time.perf_counter()

    def __enter__(self) -> None:
        self._from = time.perf_counter()

    def __exit__(self, *exception: object) -> None:
        self._into[self._name] = time.perf_counter() - self._from


def _midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time(), UTC)
