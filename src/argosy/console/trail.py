"""Values of signals over time, for many members in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.rows import among

_SIGNAL = schema.signal.c


def recent(conn: Connection, name: str, member_ids: Iterable[int], last: int = 30) -> dict[int, list[float | None]]:
    """The last values of one signal of some members, oldest first."""
    rank = func.row_number().over(partition_by=_SIGNAL.member_id, order_by=_SIGNAL.id.desc()).label("rank")
    mine = (_SIGNAL.name == name) & among(conn, _SIGNAL.member_id, member_ids)
    ranked = select(_SIGNAL.id, _SIGNAL.member_id, _SIGNAL.value, rank).where(mine).subquery().c
    query = select(ranked.member_id, ranked.value).where(ranked.rank <= last).order_by(ranked.id)
    found: defaultdict[int, list[float | None]] = defaultdict(list)
    for member, value in conn.execute(query):
        found[member].append(value)
    return dict(found)


def mark(conn: Connection) -> tuple[int, ...]:
    """Changes whenever a fact that the table of members sums up was recorded: cheap enough to ask every second."""
    tables = (schema.signal, schema.alias, schema.rollout, schema.execution, schema.version, schema.verdict,
              schema.approval, schema.member)  # fmt: skip
    last = [select(func.coalesce(func.max(table.c.id), 0)).scalar_subquery() for table in tables]
    return tuple(conn.execute(select(*last)).one())
