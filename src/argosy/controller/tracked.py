"""Tracked runs as people ask for them: in the search language, of one experiment or of all that are not deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection

from argosy.errors import UnknownError, UsageError
from argosy.store.tracking import clause, experiments, gallery, search, view
from argosy.store.tracking.clause import Clause, Order
from argosy.store.tracking.grammar import RUNS
from argosy.store.tracking.view import ATTRIBUTE, Field, Seen

_ALL = 1_000_000
_ASIDE = {"artifact_uri", "user_id"}
"""Attributes that are shown where they are asked for; the others are shown always."""
_COLUMN = re.compile(r"(?:`[^`]*`|\"[^\"]*\"|[^,`\"])+")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: `fields` are those that are shown beside a run's attributes."""

    clauses: list[Clause]
    orders: list[Order]
    fields: list[Field]


class Page(msgspec.Struct, frozen=True):
    """Some runs, and the cursor of the next page (None: this was the last)."""

    items: list[Seen]
    next: str | None


def question(where: str = "", sort: Sequence[str] = (), columns: Sequence[str] = ()) -> Question:
    """What a filter, keys to sort by and columns ask. A key after a "-" is descending; columns are parted by commas.

    Raises UsageError for what the search language of runs does not have.
    """
    clauses = clause.parse(where, RUNS, plain=True)
    orders = clause.orders([f"{key[1:]} DESC" if key.startswith("-") else key for key in sort], RUNS)
    chosen = [each.strip() for text in columns for each in _COLUMN.findall(text) if each.strip()]
    named: list[Order | Clause] = [*clause.orders(list(dict.fromkeys(chosen)), RUNS), *orders, *clauses]
    fields = [Field(each.entity, each.key) for each in named if each.entity in view.PREFIXES]
    shown = [each for each in fields if each.entity != ATTRIBUTE or each.key in _ASIDE]
    return Question(clauses=clauses, orders=orders, fields=list(dict.fromkeys(shown)))


def page(
    conn: Connection, asked: Question, experiment: str | None = None, *, whole: bool = False, limit: int = 20,
    cursor: str | None = None,
) -> Page:  # fmt: skip
    """The runs that are asked for, with the fields that are or as a `whole`; a constant number of queries.

    Raises UnknownError for an experiment that is not there, UsageError for a cursor of another list.
    """
    return next(pages(conn, asked, experiment, whole=whole, limit=limit, cursor=cursor))


def pages(
    conn: Connection, asked: Question, experiment: str | None = None, *, whole: bool = False, limit: int = 1000,
    cursor: str | None = None,
) -> Iterator[Page]:  # fmt: skip
    """The same, page after page of `limit` runs; there is one always."""
    if limit < 1:
        raise UsageError(f"limit {limit} is below 1", next="ask for one run at least")
    among = _experiments(conn, experiment)
    more = True
    while more:
        found = search.page(conn, among, asked.clauses, asked.orders, limit=limit, token=cursor)
        yield Page(view.of(conn, found.ids, None if whole else asked.fields), found.next)
        cursor, more = found.next, found.next is not None


def _experiments(conn: Connection, name: str | None) -> list[int]:
    if name is None:
        return [each.id for each in gallery.page(conn, limit=_ALL).items]
    found = experiments.find(conn, name)
    if found is None:
        raise UnknownError(f"there is no experiment {name!r}", next="argosy get experiments")
    return [found.id]
