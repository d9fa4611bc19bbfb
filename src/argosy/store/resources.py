"""The one generic way to read: every kind of thing, one filter language, one pagination."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from argosy.errors import UnknownError, UsageError
from argosy.store import filters
from argosy.store.kinds import KINDS, Kind

_MOST = 1000


class Page(msgspec.Struct, frozen=True):
    """Some items, and the cursor of the next page (None: this was the last)."""

    items: list[dict[str, Any]]
    next: str | None


def names() -> list[str]:
    """All kinds that can be read."""
    return sorted(KINDS)


def fields(kind: str) -> list[str]:
    """The fields of a kind, as its items hold them."""
    return list(_kind(kind).fields)


def page(conn: Connection, kind: str, where: str = "", *, limit: int = 50, cursor: str | None = None) -> Page:
    """Up to `limit` items (at most 1,000) that meet the filter `where`, from `cursor` on.

    Facts come newest first, named things by name. Pages neither repeat nor miss what was there when
    the first was read. Raises `UsageError` for a wrong filter, limit or cursor, `UnknownError` for a kind.
    """
    found = _kind(kind)
    if not 1 <= limit <= _MOST:
        raise UsageError(f"limit {limit} is not within 1 and {_MOST}", next="ask for less and follow `next`")
    conditions = filters.clauses(where, found.fields, dialect=conn.dialect.name)
    if cursor is not None:
        conditions.append(_beyond(found, _decode(found, cursor)))
    items = _items(conn, found, conditions, limit + 1)
    after = _encode(found, items[limit - 1]) if len(items) > limit else None
    return Page(items[:limit], after)


def every(conn: Connection, kind: str, where: str = "") -> Iterator[dict[str, Any]]:
    """All items that meet the filter, page after page."""
    cursor = None
    while True:
        one = page(conn, kind, where, limit=_MOST, cursor=cursor)
        yield from one.items
        if one.next is None:
            return
        cursor = one.next


def get(conn: Connection, kind: str, reference: str) -> dict[str, Any]:
    """The item that `reference` names: an id, a digest, a name, or an address such as `late-arrival/JFK/AA@7`.

    Raises `UnknownError` if there is none.
    """
    found = _kind(kind)
    items = _items(conn, found, [_clause(found, reference)], 1)
    if not items:
        raise UnknownError(f"there is no {_one(kind)} {reference!r}", next=f"argosy get {kind}")
    return items[0]


def watch(conn: Connection, kind: str, after: int, where: str = "", *, limit: int = 1000) -> list[dict[str, Any]]:
    """Facts of a kind recorded after the id `after` that meet the filter `where`, oldest first.

    Poll with the last id seen and none is missed.
    """
    found = _kind(kind)
    if found.order != ("id",):
        raise UsageError(f"{kind} cannot be followed: they are not facts with an id", next="follow events instead")
    conditions = filters.clauses(where, found.fields, dialect=conn.dialect.name)
    newer = _select(found).where(found.fields["id"] > after, *conditions)
    query = newer.order_by(found.fields["id"]).limit(limit)
    return _read(conn, found, query)


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise UnknownError(f"there is no kind {name!r}", next=f"use one of: {', '.join(names())}")
    return KINDS[name]


def _one(kind: str) -> str:
    """What one item of a kind is called: `member`, `dataset version`."""
    return ("alias" if kind == "aliases" else kind.removesuffix("s")).replace("-", " ")


def _select(kind: Kind) -> Select[Any]:
    query = select(*(column.label(name) for name, column in kind.fields.items())).select_from(kind.source)
    return query if kind.where is None else query.where(kind.where)


def _items(conn: Connection, kind: Kind, conditions: list[ColumnElement[bool]], limit: int) -> list[dict[str, Any]]:
    order = [kind.fields[name].desc() if kind.newest_first else kind.fields[name] for name in kind.order]
    return _read(conn, kind, _select(kind).where(*conditions).order_by(*order).limit(limit))


def _read(conn: Connection, kind: Kind, query: Select[Any]) -> list[dict[str, Any]]:
    """The items, without values of columns that are tagged now, whenever the items were recorded."""
    items = [dict(zip(kind.fields, row, strict=True)) for row in conn.execute(query)]
    if kind.masked is None or not items:
        return items
    return [kind.masked(item, tags) for item, tags in zip(items, kind.tags(conn, items), strict=True)]


def _clause(kind: Kind, reference: str) -> ColumnElement[bool]:
    parts: Mapping[str, Any] = kind.locate(reference)
    return and_(*(kind.fields[name] == value for name, value in parts.items()))


def _beyond(kind: Kind, values: list[Any]) -> ColumnElement[bool]:
    """Strictly after `values` in the kind's order (row comparison, written out)."""
    columns = [kind.fields[name] for name in kind.order]
    choices = []
    for index, (column, value) in enumerate(zip(columns, values, strict=True)):
        same = [c == v for c, v in zip(columns[:index], values[:index], strict=True)]
        choices.append(and_(*same, column < value if kind.newest_first else column > value))
    return or_(*choices)


def _encode(kind: Kind, item: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([item[name] for name in kind.order])).decode()


def _decode(kind: Kind, cursor: str) -> list[Any]:
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=list[Any])
        types = [kind.fields[name].type.python_type for name in kind.order]
        return [msgspec.convert(value, each) for value, each in zip(values, types, strict=True)]
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise UsageError(f"cursor {cursor[:40]!r} was not given by this list", next="start without one") from error
