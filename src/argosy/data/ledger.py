"""What of its sources a dataset has taken, and rows that it keeps back until they are known."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, or_, select

from argosy.store import schema
from argosy.store.datasets import Part
from argosy.store.rows import among, columns, fetch

WAITING = "waiting"
"""Purpose of parts with rows that are not known yet; their `low`..`high` is a span of known times."""

_MARK = "mark:"


class Mark(msgspec.Struct, frozen=True):
    """How far a source that is asked, not listed, has been read: the largest value so far, after `count` answers.

    `seen` counts the rows that would be given again: those of that value, and those without one.
    """

    count: int = 0
    value: Any = None
    seen: int = 0


def waiting(conn: Connection, names: Iterable[str], now: datetime) -> dict[str, list[Part]]:
    """Of each dataset, the parts that hold rows known by `now` and were kept back; those taken since are among them."""
    c, found = schema.part.c, dict[str, list[Part]]()
    query = columns(schema.part, Part).where(among(c.dataset, names), c.purpose == WAITING)
    for part in fetch(conn, query.where(or_(c.low.is_(None), c.low <= now)).order_by(c.id), Part):
        found.setdefault(part.dataset, []).append(part)
    return found


def waiting_key(part: Part) -> str:
    """The key under which a part that waited counts as taken."""
    return f"{WAITING}:{part.id}"


def mark(conn: Connection, dataset: str) -> Mark:
    """How far an asked source has been read."""
    c = schema.ingested.c
    query = select(c.source_key).where(c.dataset == dataset, c.source_key >= _MARK, c.source_key < _MARK + "~")
    key = conn.execute(query.order_by(c.source_key.desc()).limit(1)).scalar_one_or_none()
    if key is None:
        return Mark()
    place, _, value = str(key).removeprefix(_MARK).partition(":")
    count, _, seen = place.partition(".")
    return Mark(int(count), _decoded(msgspec.json.decode(value)), int(seen) if seen.isdigit() else 0)


def mark_key(mark: Mark) -> str:
    """The key of a mark; keys sort by their count."""
    place = f"{mark.count:012d}.{mark.seen}" if mark.seen else f"{mark.count:012d}"
    return f"{_MARK}{place}:{msgspec.json.encode(_encoded(mark.value)).decode()}"


def _encoded(value: Any) -> Any:
    for name, kind in (("at", datetime), ("on", date)):
        if isinstance(value, kind):
            return {name: value.isoformat()}
    return {"number": str(value)} if isinstance(value, Decimal) else value


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    if kind == "number":
        return Decimal(text)
    return datetime.fromisoformat(text) if kind == "at" else date.fromisoformat(text)
