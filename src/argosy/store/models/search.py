"""Search among registered models and their versions: pages in order, each beginning after the last row of another.

Prompts are kept as models with a tag: they are found where a filter asks for this tag, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection

from argosy.store.models import registered, versions
from argosy.store.models.registered import Registered
from argosy.store.models.versions import Version
from argosy.store.rows import execute
from argosy.store.tracking import pages
from argosy.store.tracking.changes import MODEL, VERSION
from argosy.store.tracking.clause import Clause, Order
from argosy.store.tracking.sought import Sql, matches
from argosy.store.tracking.term import Term, after

R = TypeVar("R")
PROMPT = "mlflow.prompt.is_prompt"
_TAG = "(SELECT t.value FROM label t WHERE t.kind = ? AND t.entity = CAST({id} AS TEXT) AND t.key = ?)"
_NAMED = "(SELECT n.id FROM registered n WHERE n.deleted_at IS NULL AND {which})"


class Page(msgspec.Struct, Generic[R], frozen=True):
    """Some of what was found, and the token of the next page (None: this was the last)."""

    items: list[R]
    next: str | None


class Kind(NamedTuple):
    """What is searched: rows of `fields`, found by `columns`; `last` orders what is alike."""

    kind: str
    id: str
    fields: str
    source: str
    live: str
    columns: Mapping[str, str]
    last: Mapping[str, bool]


_MODELS = Kind(
    MODEL, "m.id", registered.FIELDS, "registered m", "m.deleted_at IS NULL",
    {"name": "m.name", "creation_timestamp": "m.at", "last_updated_timestamp": "m.updated_at"},
    {"name": True},
)  # fmt: skip
_VERSIONS = Kind(
    VERSION, "v.id", versions.FIELDS, versions.JOIN, "v.deleted_at IS NULL",
    {
        "name": "m.name", "version_number": "v.number", "run_id": "v.run", "source_path": "v.source",
        "creation_timestamp": "v.at", "last_updated_timestamp": "v.updated_at",
    },
    {"name": True, "version_number": False},
)  # fmt: skip
LATEST = Order("attribute", "last_updated_timestamp", ascending=False)
"""What versions are ordered by unless something else is asked for."""


def models(
    conn: Connection, clauses: Sequence[Clause] = (), orders: Sequence[Order] = (), *, limit: int = 100,
    token: str | None = None,
) -> Page[Registered]:  # fmt: skip
    """Up to `limit` models for which all clauses hold; by name unless ordered otherwise.

    Raises UsageError for a token that no page of this order gave.
    """
    found, next = rows(conn, _MODELS, clauses, orders, limit, token)
    return Page([registered.made(row) for row in found], next)


def of_versions(
    conn: Connection, clauses: Sequence[Clause] = (), orders: Sequence[Order] = (), *, limit: int = 10_000,
    token: str | None = None,
) -> Page[Version]:  # fmt: skip
    """The same of versions; the last changed first, unless ordered otherwise."""
    found, next = rows(conn, _VERSIONS, clauses, orders or [LATEST], limit, token)
    return Page([versions.made(row) for row in found], next)


def rows(
    conn: Connection, of: Kind, clauses: Sequence[Clause], orders: Sequence[Order], limit: int, token: str | None,
    narrowed: Sequence[Sql] = (),
) -> tuple[list[Any], str | None]:  # fmt: skip
    """Up to `limit` rows of `of.fields` in order, and the token of the next page; only those that are `narrowed`."""
    ordered = terms(of, orders)
    held = [*narrowed, *holding(conn, of, clauses)]
    if token:
        held += _past(ordered, pages.row(token, [term.text for term in ordered]))
    select = ", ".join([of.fields, *(term.sql for term in ordered)])
    by = ", ".join(f"{term.sql}{'' if term.ascending else ' DESC'}" for term in ordered)
    where = " AND ".join(each.text for each in held)
    sql = f"SELECT {select} FROM {of.source} WHERE {where} ORDER BY {by} LIMIT {limit + 1}"
    found = [tuple(row) for row in execute(conn, sql, [value for each in held for value in each.values])]
    wide = -len(ordered)
    next = pages.mark(found[limit - 1][wide:]) if len(found) > limit else None
    return [row[:wide] for row in found[:limit]], next


def holding(conn: Connection, of: Kind, clauses: Sequence[Clause]) -> list[Sql]:
    """That all clauses hold for what is not in the trash."""
    return [Sql(of.live), *(_holds(conn, of, each) for each in _prompts(clauses)), *_usual(of, clauses)]


def terms(of: Kind, orders: Sequence[Order]) -> list[Term]:
    """What rows are ordered by: each field at most once, and in the end what tells rows that are alike."""
    wanted = {each.key: each.ascending for each in orders}
    wanted |= {key: ascending for key, ascending in of.last.items() if key not in wanted}
    return [Term(of.columns[key], ascending, text=key == "name") for key, ascending in wanted.items()]


def _past(ordered: Sequence[Term], row: Sequence[Any]) -> list[Sql]:
    """That a row comes after another: by a bound, for the index, and by the whole order."""
    bound = Sql(f"{ordered[0].sql} {'>=' if ordered[0].ascending else '<='} ?", (row[0],))
    return [bound, after(ordered, row)]


def _holds(conn: Connection, of: Kind, clause: Clause) -> Sql:
    if clause.entity == "tag":
        inner = matches(conn, _TAG.format(id=of.id), clause.operator, clause.value)
        return Sql(inner.text, (of.kind, clause.key, *inner.values))
    column = of.columns[clause.key]
    if of is _VERSIONS and clause.key == "name":
        which = matches(conn, "n.name", clause.operator, clause.value)
        one = "=" if clause.operator == "=" else "IN"  # of one model, an index has them in order
        return Sql(f"v.model_id {one} {_NAMED.format(which=which.text)}", which.values)
    if clause.key == "version_number":
        return Sql(f"{column} {'<>' if clause.operator == '!=' else clause.operator} ?", (clause.value,))
    if clause.key == "run_id" and clause.operator not in ("=", "IN"):
        column = f"coalesce({column}, '')"
    return matches(conn, column, clause.operator, clause.value)


def _prompts(clauses: Sequence[Clause]) -> list[Clause]:
    """The clauses without those about prompts, unless these ask for some."""
    return list(clauses) if _asks(clauses) else [each for each in clauses if not _is_about(each)]


def _usual(of: Kind, clauses: Sequence[Clause]) -> list[Sql]:
    """That it is no prompt, unless some are asked for."""
    if _asks(clauses):
        return []
    return [Sql(f"coalesce({_TAG.format(id=of.id)}, '') <> 'true'", (of.kind, PROMPT))]


def _asks(clauses: Sequence[Clause]) -> bool:
    about = next((each for each in clauses if _is_about(each)), None)
    return about is not None and (about.operator, str(about.value).lower()) in (("=", "true"), ("!=", "false"))


def _is_about(clause: Clause) -> bool:
    return (clause.entity, clause.key) == ("tag", PROMPT)
