"""Parameters and tags of runs: texts by key. A parameter is written once; every change of a tag is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from argosy.errors import InputError, UnknownError
from argosy.store.codec import EPOCH, from_micros, to_micros
from argosy.store.rows import execute, execute_values, within
from argosy.store.tracking import changes
from argosy.store.tracking.changes import RUN, Change, Hand
from argosy.store.tracking.tables import HEAD

PARAMETER, TAG = "parameter", "tag"
_INSERT = "INSERT INTO {} (run_id, key, experiment_id, value, head, at, actor) VALUES {{}}"


def put(
    tx: Connection, table: str, run_id: int, experiment_id: int, values: Mapping[str, str], hand: Hand, run: str = "",
    *, new: bool = False,
) -> None:  # fmt: skip
    """Set parameters or tags of a run, which is called `run`; a `new` one has none yet.

    Raises InputError where a parameter has another value already: the transaction must not land then.
    """
    at = to_micros(hand.at)
    if table == PARAMETER:
        rows = [(run_id, key, experiment_id, value, value[:HEAD], at, hand.actor) for key, value in values.items()]
        if len(execute_values(tx, f"{_INSERT.format(table)} ON CONFLICT DO NOTHING RETURNING 1", rows)) < len(rows):
            _same(run, _known(tx, table, run_id, values), values)
        return
    known = {} if new or not values else _known(tx, table, run_id, values)
    changed = {key: value for key, value in values.items() if known.get(key) != value}
    execute_values(
        tx,
        f"{_INSERT.format(table)} ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value, head = excluded.head",
        [(run_id, key, experiment_id, value, value[:HEAD], at, hand.actor) for key, value in changed.items()],
    )
    told = [Change(RUN, run, f"tag:{key}", known[key], value) for key, value in changed.items() if key in known]
    changes.add(tx, hand, told)


def remove(tx: Connection, run_id: int, key: str, hand: Hand, run: str) -> None:
    """Remove a tag. Raises UnknownError where the run has none of this key."""
    where = "FROM tag WHERE run_id = ? AND key = ?"
    found = execute(tx, f"SELECT value, at, actor {where}", (run_id, key)).fetchone()
    if found is None:
        raise UnknownError(f"No tag with name: {key} in run with id {run}", next="look at its tags first")
    execute(tx, f"DELETE {where}", (run_id, key))
    value, at, actor = found
    changes.remove(tx, hand, RUN, run, f"tag:{key}", value, Hand(actor, from_micros(at) or EPOCH))


def of(
    conn: Connection, table: str, run_ids: Iterable[int], keys: Iterable[str] | None = None
) -> dict[int, dict[str, str]]:
    """Parameters or tags of runs that have any, by run and key; of some keys only if they are given."""
    clause, bound = within(conn, "run_id", run_ids)
    sql, values = f"SELECT run_id, key, value FROM {table} WHERE {clause}", [bound]
    if keys is not None:
        other, wanted = within(conn, "key", keys)
        sql, values = f"{sql} AND {other}", [bound, wanted]
    found: dict[int, dict[str, str]] = {}
    for run_id, key, value in execute(conn, f"{sql} ORDER BY run_id, key", values):
        found.setdefault(run_id, {})[key] = value
    return found


def _same(run: str, known: Mapping[str, str], values: Mapping[str, str]) -> None:
    """Raises InputError for the first parameter that has another value."""
    for key, after in values.items():
        if (before := known.get(key, after)) != after:
            raise InputError(
                f"Changing param values is not allowed. Param with key={key!r} was already logged with "
                f"value={before!r} for run ID={run!r}. Attempted logging new value {after!r}.",
                next="log it under another name, or in a run of its own",
            )


def _known(conn: Connection, table: str, run_id: int, keys: Iterable[str]) -> dict[str, str]:
    wanted = list(keys)
    if len(wanted) == 1:
        clause, bound = "key = ?", wanted[0]
    else:
        clause, bound = within(conn, "key", wanted)
    found = execute(conn, f"SELECT key, value FROM {table} WHERE run_id = ? AND {clause}", (run_id, bound))
    return dict(found.fetchall())
