"""Projects of pipelines that run by themselves, applied to a home, and a dispatch that is driven by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from argosy.controller.apply import apply
from argosy.controller.dispatch import Dispatch
from argosy.store import declarations, runs
from argosy.store.declarations import NewDeclaration
from argosy.store.runs import Ending, Run
from argosy.store.store import Store

START = datetime(2013, 1, 1, 0, 0, tzinfo=UTC)
PATIENCE = 120.0
HEAD = """
import time
import argosy as ag

@ag.step
def tell(about: str) -> str:
    return about
"""
NIGHTLY = """
@ag.pipeline(schedule="0 6 * * *", catch_up="all")
def nightly(span: ag.Span):
    return tell(str(span))
"""


def declare(store: Store, folder: Path, text: str, now: datetime = START) -> None:
    """Apply a project of pipelines."""
    folder.mkdir(exist_ok=True)
    (folder / "timetable.py").write_text(HEAD + text)
    apply(store, folder / "timetable.py", now, "tester")


def spoil(store: Store, pipeline: str) -> None:
    """Declare a pipeline as a machine would that knows a zone which this one does not."""
    given = {"kind": "cron", "text": "0 6 * * *", "zone": "Mars/Olympus"}
    body = {"kind": "pipeline", "name": pipeline, "function": "m:f", "schedule": given}
    new = NewDeclaration(kind="pipeline", name=pipeline, fingerprint="f", body=body, at=START, actor="ann")
    with store.write() as tx:
        declarations.add(tx, [new])


def of(store: Store, pipeline: str | None = None) -> list[Run]:
    """All runs, oldest first."""
    with store.read() as conn:
        return runs.latest(conn, pipeline, limit=1000)[::-1]


def ended(store: Store) -> dict[int, Ending]:
    """How runs ended."""
    every = of(store)
    with store.read() as conn:
        return runs.endings(conn, [run.id for run in every])


def until(dispatch: Dispatch, now: datetime, holds: Callable[[], bool]) -> None:
    """Look again and again at a time until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        dispatch.look(now)
        time.sleep(0.05)


def settle(dispatch: Dispatch, store: Store, now: datetime, count: int) -> list[Run]:
    """Look until so many runs have ended, and once more; all runs."""
    until(dispatch, now, lambda: len(ended(store)) >= count and not dispatch.pids)
    dispatch.look(now)
    return of(store)
