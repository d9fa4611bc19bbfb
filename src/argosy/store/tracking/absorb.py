"""Absorption: what Argosy did itself becomes runs among those of clients, once somebody looks.

Executions, trainings of fleets and runs of pipelines are facts of their own; here a projection of them is brought up to
date. Whoever makes them knows nothing of it, and pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from argosy.store.rows import execute, execute_many
from argosy.store.store import Store
from argosy.store.tracking import draft, executed, passes, piped
from argosy.store.tracking.draft import Draft
from argosy.store.tracking.runs import RUNNING

MOST = 500
"""Executions, and runs of pipelines, that are taken in at once."""
_EXECUTION, _RUN, _ENDING, _WATCHED = "execution", "run", "ending", "running/"
_LAST = "coalesce((SELECT max(id) FROM {}), 0)"
_TOLD = "coalesce((SELECT last FROM absorbed WHERE source = '{}'), 0)"
_BEHIND = " OR ".join([
    *(f"{_LAST} > {_TOLD}".format(source, source) for source in (_EXECUTION, _RUN, _ENDING)),
    f"EXISTS (SELECT 1 FROM absorbed WHERE source > '{_WATCHED}' AND source < '{_WATCHED[:-1]}0')",
])  # fmt: skip
_KEEP = "INSERT INTO absorbed (source, last) VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET last = excluded.last"


def behind(store: Store) -> bool:
    """Whether there is anything that the runs do not tell of yet, or a run of a pipeline that was at work."""
    return bool(store.peek(f"SELECT 1 WHERE {_BEHIND}", ()))


def catch_up(store: Store, now: datetime) -> None:
    """Take in all that is new."""
    more = behind(store)
    while more:
        with store.write() as tx:
            more = absorb(tx, now)


def absorb(tx: Connection, now: datetime) -> bool:
    """Take in a bounded number of what is new, the oldest first; true if there is more.

    `now` is the machine's time, which tells what is at work. A constant number of statements. It may be done by any
    number of processes, one after the other: each goes on where the last one came to.
    """
    low, high, whole = _next(tx, _EXECUTION)
    found = executed.span(tx, low, high)
    watched, more = _pipelines(tx, {call.run_id for call in found.calls.values()})
    pipelines = piped.drafts(tx, watched, now) if watched else {}
    draft.write(tx, [*pipelines.values(), *passes.drafts(tx, found), *executed.drafts(found)], now)
    _watch(tx, pipelines)
    if high > low:
        execute(tx, _KEEP, (_EXECUTION, high))
    return more or whole > high


def _next(tx: Connection, source: str) -> tuple[int, int, int]:
    """Up to which id a source is told of, up to which it is to be now, and the last that there is."""
    low, whole = execute(tx, f"SELECT {_TOLD}, {_LAST}".format(source, source)).fetchone()
    return low, min(whole, low + MOST), whole


def _pipelines(tx: Connection, working: Iterable[int]) -> tuple[set[int], bool]:
    """Runs of pipelines to look at: new ones, those that ended, those `working`, those that were at work."""
    found, more = set(working), False
    for source, column in ((_RUN, "id"), (_ENDING, "run_id")):
        low, high, whole = _next(tx, source)
        if high > low:
            sql = f"SELECT {column} FROM {source} WHERE id > ? AND id <= ?"
            found |= {id for (id,) in execute(tx, sql, (low, high))}
            execute(tx, _KEEP, (source, high))
            more = more or whole > high
    rows = execute(tx, "SELECT last FROM absorbed WHERE source > ? AND source < ?", (_WATCHED, f"{_WATCHED[:-1]}0"))
    return found | {id for (id,) in rows}, more


def _watch(tx: Connection, looked: Mapping[int, Draft]) -> None:
    """Look at runs again that are at work, and no more at those that are not."""
    work = [(f"{_WATCHED}{id}", id, each.status == RUNNING) for id, each in looked.items()]
    execute_many(tx, _KEEP, [(name, id) for name, id, running in work if running])
    execute_many(tx, "DELETE FROM absorbed WHERE source = ?", [(name,) for name, _, running in work if not running])
