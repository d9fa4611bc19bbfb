"""Keys of metrics, parameters and tags: a bounded number at a time, by name, however many there are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from argosy.store.rows import execute, within


def of_experiment(conn: Connection, table: str, experiment_id: int, text: str = "", limit: int = 50) -> list[str]:
    """The first keys of the table `metric`, `parameter` or `tag` in an experiment that hold `text`, of any case.

    Each key is one look into an index, whatever the number of runs that have it.
    """
    least = f"SELECT min(key) FROM {table} WHERE experiment_id = ?"
    sql = (
        f"WITH RECURSIVE each_key(key) AS (SELECT ({least}) UNION ALL "
        f"SELECT ({least} AND {table}.key > each_key.key) FROM each_key WHERE each_key.key IS NOT NULL) "
        f"SELECT key FROM each_key WHERE key IS NOT NULL AND lower(key) LIKE lower(?) ESCAPE '!' LIMIT {int(limit)}"
    )
    return [key for (key,) in execute(conn, sql, (experiment_id, experiment_id, _pattern(text)))]


def of_runs(
    conn: Connection, table: str, run_ids: Sequence[int], text: str = "", limit: int = 50, after: str = ""
) -> list[str]:
    """The first keys beyond `after` that any of some runs has and that hold `text`; at most 400 runs."""
    if not run_ids:
        return []
    each = (
        f"SELECT key FROM (SELECT key FROM {table} WHERE run_id = ? AND key > ? "
        f"AND lower(key) LIKE lower(?) ESCAPE '!' ORDER BY key LIMIT {int(limit)}) AS keys"
    )
    sql = f"{' UNION '.join([each] * len(run_ids))} ORDER BY key LIMIT {int(limit)}"
    values = [value for id in run_ids for value in (id, after, _pattern(text))]
    return [key for (key,) in execute(conn, sql, values)]


def stepped(conn: Connection, run_ids: Sequence[int], names: Sequence[str]) -> list[str]:
    """Those of some metrics that any of some runs logged at a step other than 0: the furthest first, then by name."""
    of, bound = within(conn, "run_id", run_ids)
    among, wanted = within(conn, "key", names)
    sql = f"SELECT key FROM metric WHERE {of} AND {among} AND step <> 0 GROUP BY key ORDER BY max(step) DESC, key"
    return [key for (key,) in execute(conn, sql, (bound, wanted))]


def _pattern(text: str) -> str:
    plain = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{plain}%"
