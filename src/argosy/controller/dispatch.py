"""Dispatch: starts what is due, and takes up what was cut off, each in a child process, as facts say and no more."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import datetime
from threading import Event

import msgspec
from sqlalchemy import Connection

from argosy.controller import starting, tenure
from argosy.controller.agenda import agenda
from argosy.controller.almanac import Almanac, Entry
from argosy.controller.child import Child, Order
from argosy.controller.clock import Clock, SystemClock
from argosy.controller.streak import Streaks
from argosy.errors import ArgosyError
from argosy.store import Store, events, leases, runs
from argosy.store.runs import Unended

DEATHS = 3
"""How often whoever works on a run may die of it."""
MOST = 2
"""How many runs are at work at once, unless a setting says otherwise."""
_INTERRUPTED = f"run.{runs.INTERRUPTED}"
_KEPT = 100
_LOG = logging.getLogger("argosy.controller")


class _Errand(msgspec.Struct):
    """A child at work: on the run of an id, or on one that it is to begin."""

    child: Child
    owner: str
    pipeline: str
    run: int | None


class Dispatch:
    """Keeps the runs of a home going; none of the user's code runs in its process. It belongs to one thread.

    What it remembers it could read again: it may be killed at any moment, run twice, or run late.

    `most` children are at work at once; `pause` is how many seconds it waits, after a child that died, before the next
    one tries the same, four times as long after each.
    """

    def __init__(self, store: Store, *, most: int = MOST, pause: float = 5.0, actor: str = "controller") -> None:
        self._store, self._most, self._pause, self._actor = store, most, pause, actor
        self._almanac, self._streaks = Almanac(), Streaks(actor)
        self._errands: list[_Errand] = []
        self._idle: set[int] = set()
        self._later: dict[tuple[str, int | None], float] = {}
        self._failed: dict[str, str] = {}

    @property
    def pids(self) -> list[int]:
        """The processes of its children that are alive."""
        return [each.child.pid for each in self._errands if each.child.alive and each.child.pid is not None]

    def look(self, now: datetime) -> None:
        """Start what is due at `now`, as far as there is room; returns at once, while children are at work.

        Alerts are brought up to date with how runs had ended by then. A run whose process was killed on this machine is
        at work no more, for all who look.
        """
        tenure.clear(self._store, runs.LEASE)
        with self._store.read() as conn:
            entries = {each.pipeline.name: each for each in self._almanac.read(conn)}
            held = _held(conn)
            watched = {name for name, each in entries.items() if each.pipeline.by_itself} | set(self._almanac.unread)
            streaks = self._streaks.read(conn, watched)
        for name, error in self._almanac.unread.items():
            self._tell(name, error)
        at_work = {owner: run for run, owner in held.items()}
        for errand in self._errands:
            errand.run = at_work.get(errand.owner, errand.run)
        self._bury([each for each in self._errands if not each.child.alive], entries, now)
        self._resume(set(held), now)
        self._start(list(entries.values()), now)
        self._streaks.tell(self._store, streaks, SystemClock().now())

    def close(self) -> None:
        """End the children where they stand; what they worked on is taken up at the next start."""
        for errand in self._errands:
            errand.child.ask()
        for errand in self._errands:
            errand.child.stop()
        self._errands.clear()

    def _resume(self, held: set[int], now: datetime) -> None:
        """Take up runs that nobody works on, the oldest first.

        Whoever begins a run takes its lease a moment later, so that one that is idle for a single look may not be.
        """
        given = {each.run for each in self._errands}
        idle = [each for each in self._almanac.unended if each.id not in held and each.id not in given]
        for run in idle:
            if run.id in self._idle and self._free(run.pipeline, run.id):
                self._send(run.pipeline, run.id, "resume", {"run": run.id}, now)
        self._idle = {each.id for each in idle}

    def _start(self, entries: list[Entry], now: datetime) -> None:
        beginning = {each.pipeline for each in self._errands if each.run is None}
        for start in agenda(entries, now, self._tell):
            if start.pipeline not in beginning and self._free(start.pipeline, None):
                self._send(start.pipeline, None, "start", {"pipeline": start.pipeline}, now)

    def _tell(self, pipeline: str, error: Exception) -> None:
        """Log, once, why a pipeline starts no runs."""
        said = f"{type(error).__name__}: {error}"
        if self._failed.get(pipeline) != said:
            self._failed[pipeline] = said
            _LOG.error("pipeline %s starts no runs by itself, as it cannot be looked at: %s", pipeline, said)

    def _free(self, pipeline: str, run: int | None) -> bool:
        waits = self._later.get((pipeline, run), 0.0) > time.monotonic()
        return len(self._errands) < self._most and not waits

    def _send(self, pipeline: str, run: int | None, errand: str, options: dict[str, object], now: datetime) -> None:
        place = {"home": self._store.home, "blobs": str(self._store.blobs.root), "at": now.isoformat()}
        child = Child(f"run of {pipeline}", Order(f"argosy.controller.errand:{errand}", {**place, **options}))
        child.start()
        owner = ""
        with suppress(ProcessLookupError):  # it has died already
            owner = tenure.owner(child.pid)
        self._errands.append(_Errand(child, owner, pipeline, run))

    def _bury(self, gone: list[_Errand], entries: dict[str, Entry], now: datetime) -> None:
        """Take note of children that have ended: a death is recorded, and a run that they keep dying of failed."""
        for errand in gone:
            self._errands.remove(errand)
            errand.child.stop()
            key = (errand.pipeline, errand.run)
            if not errand.child.code:
                self._later.pop(key, None)
                continue
            reason, deaths = self._record(errand, entries.get(errand.pipeline))
            self._later[key] = time.monotonic() + self._pause * 4 ** (deaths - 1)
            if deaths < DEATHS:
                continue
            self._later.pop(key)
            reason = f"{reason}, {deaths} times"
            if errand.run is not None:
                starting.give_up(self._store, Unended(id=errand.run, pipeline=errand.pipeline), reason, self._actor)
            elif errand.pipeline in entries:
                self._refuse(entries[errand.pipeline], reason, now)

    def _refuse(self, entry: Entry, reason: str, now: datetime) -> None:
        for start in agenda([entry], now, self._tell):
            starting.refuse(self._store, entry, start, reason, self._actor)

    def _record(self, errand: _Errand, entry: Entry | None) -> tuple[str, int]:
        """Record that a child died; says how, and how often one did of the same."""
        about = f"run {errand.run}" if errand.run is not None else f"the next run of {errand.pipeline}"
        reason = f"the process at work on {about} ended with {errand.child.code}"
        event = events.NewEvent(
            at=SystemClock().now(), kind=_INTERRUPTED, subject=errand.pipeline, actor=self._actor, message=reason,
            body={"run": errand.run, "code": errand.child.code},
        )  # fmt: skip
        after = entry.began if entry is not None and errand.run is None else 0
        with self._store.write() as tx:
            events.add(tx, [event])
            past = events.of_kind(tx, errand.pipeline, _INTERRUPTED, limit=_KEPT)
        return reason, sum(each.body["run"] == errand.run and each.id > after for each in past)


def run(store: Store, clock: Clock, stop: Event, *, most: int = MOST, every: float = 2.0) -> None:
    """Look until `stop` is set, waiting `every` seconds between looks. A look that fails is logged."""
    dispatch = Dispatch(store, most=most)
    try:
        while not stop.wait(every):
            try:
                dispatch.look(clock.now())
            except ArgosyError as error:
                _LOG.error("%s", error)
            except Exception:  # what one pipeline declares must not stop the others
                _LOG.exception("a look at pipelines failed")
    finally:
        dispatch.close()


def _held(conn: Connection) -> dict[int, str]:
    """The runs that are at work, each with who works on it."""
    live = leases.live(conn, SystemClock().now(), runs.LEASE)
    return {int(each.name.removeprefix(runs.LEASE)): each.owner for each in live}
