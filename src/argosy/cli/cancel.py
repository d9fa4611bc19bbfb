"""`argosy cancel`: the end of a run."""

from __future__ import annotations

import time

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller import course, ending, tenure
from argosy.controller.clock import SystemClock
from argosy.store import Store, runs
from argosy.store.runs import Run

_PATIENCE, _POLL = 15.0, 0.2


def cancel(id: int, /, *, reason: str = "", common: Common | None = None) -> int:
    """End a run, wherever it is at work: its steps are stopped, and what is done stays.

    One that was cut off is not taken up again. `argosy retry` goes on with a cancelled run.

    For example:
      argosy cancel 12
      argosy cancel 12 --reason "wrong month"

    Parameters
    ----------
    id
        The run.
    reason
        Kept with its end.
    """
    given = common or Common()
    with home.open(given.home) as store:
        with store.write() as tx:  # looked at and ended in one: else it might end by itself in between
            run = course.find(tx, id)
            before = runs.states(tx, [id], SystemClock().now())[id]
            if before in (runs.RUNNING, runs.INTERRUPTED):
                ending.record(tx, run, runs.CANCELLED, SystemClock().now(), home.actor(), reason)
        after = _wait(store, run)
    if given.json:
        show.emit({"run": id, "pipeline": run.pipeline, "before": before, "state": after})
    else:
        show.say(_said(run, before, after), f"  next: {_next(run, after)}")
    return 1 if after == runs.RUNNING else 0


def _wait(store: Store, run: Run) -> str:
    """The state of a run once nobody is at work on it, or after a while."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        with tenure.hold(store, run.lease) as lease:  # the lease of a process that was killed here counts no more
            free = lease is not None
        if free or time.monotonic() > deadline:
            with store.read() as conn:
                return runs.states(conn, [run.id], SystemClock().now())[run.id]
        time.sleep(_POLL)


def _said(run: Run, before: str, after: str) -> str:
    name = f"run {run.id} of {run.pipeline}"
    if before not in (runs.RUNNING, runs.INTERRUPTED):
        return f"{name} was not at work: it is {before}" if before == runs.CANCELLED else f"{name} has {before} already"
    if after == runs.RUNNING:
        return f"{name} is to end, and whoever is at work on it has not stopped after {_PATIENCE:.0f} s"
    if after != runs.CANCELLED:
        return f"{name} has {after} meanwhile"
    return f"{name} is cancelled; what it did stays"


def _next(run: Run, after: str) -> str:
    if after == runs.RUNNING:
        return f"argosy get leases --where name:{run.lease}, to see which process has it"
    return f"argosy retry {run.id}, to go on with it" if after != runs.SUCCEEDED else f"argosy describe run {run.id}"
