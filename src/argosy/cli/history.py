"""`argosy history`: who changed what of a thing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from argosy.cli import home, show
from argosy.cli.course import cut
from argosy.cli.option import Common
from argosy.controller import disposal
from argosy.controller.disposal import EXPERIMENT, MODEL, RUN
from argosy.errors import UnknownError, UsageError
from argosy.store import resources
from argosy.store.models import registered
from argosy.store.tracking import experiments, identity
from argosy.store.tracking import history as past
from argosy.store.tracking.changes import Past

_LONGEST, _MOST = 60, 1000


def history(kind: str, name: str, /, *, limit: int = 50, common: Common | None = None) -> int:
    """Show who set or changed what of an experiment, a run, a model or a member: when, from what, to what and why.

    Runs are tracked ones, models are registered by name. What lies in the trash has its history too. That of a member
    is where its aliases went.

    For example:
      argosy history run 3f2a91c0
      argosy history experiment trials
      argosy history model late --limit 200
      argosy history member late-arrival/JFK/AA

    Parameters
    ----------
    kind
        What it is: experiment, run, model or member.
    name
        Its name or address; of a run the first digits are enough.
    limit
        How many changes, the newest first, at most 1,000.
    """
    given = common or Common()
    asked = _KINDS.get(kind.removesuffix("s"))
    if asked is None:
        raise UsageError(f"a {kind} has no history", next=f"use one of: {', '.join(_KINDS)}")
    if not 1 <= limit <= _MOST:
        raise UsageError(f"--limit {limit} is not between 1 and {_MOST:,}", next="correct it")
    with home.look(given.home, tracked=asked is _run) as (_, conn):
        found = asked(conn, name, limit)
    if given.json:
        show.emit([each._asdict() for each in found])
        return 0
    show.table(
        ["when", "who", "what", "from", "to", "reason"], [_row(each) for each in found], counts=(), unbounded=True
    )
    return 0


def _row(each: Past) -> list[object]:
    values = (_shown(value, each.field) for value in (each.before, each.after))
    return [each.at, each.actor, each.field, *values, each.reason]


def _shown(value: str | None, field: str) -> str | None:
    if value is None:
        return None
    return (
        show.text(datetime.fromisoformat(value))
        if field.endswith("deleted")
        else cut(" ".join(value.split()), _LONGEST)
    )


def _run(conn: Connection, name: str, limit: int) -> list[Past]:
    (found,) = identity.find(conn, [name])
    return past.of_run(conn, found.run, limit)


def _experiment(conn: Connection, name: str, limit: int) -> list[Past]:
    trashed = experiments.trashed(conn, name)
    known = trashed and experiments.find(conn, name) is None
    found = trashed[0] if known else disposal.experiment(conn, name)
    return past.of_experiment(conn, found.id, limit)


def _model(conn: Connection, name: str, limit: int) -> list[Past]:
    found = registered.find(conn, name)
    trashed = registered.trashed(conn, name)
    if found is None and not trashed:
        raise UnknownError(f"there is no registered model {name!r}", next="argosy history member ADDRESS, of a member")
    return past.of_model(conn, found.id if found else trashed[0][0].id, limit)


def _member(conn: Connection, name: str, limit: int) -> list[Past]:
    member = resources.get(conn, "members", name)
    items = resources.page(conn, "aliases", f'address:"{member["address"]}"', limit=limit).items
    last: dict[str, str | None] = {}
    found: list[Past] = []
    for each in reversed(items):
        to = _target(each)
        moved = f"alias:{each['alias']}"
        found.append(
            Past(each["id"], each["at"], each["actor"], "member", name, moved, last.get(moved), to, each["reason"])
        )
        last[moved] = to
    return found[::-1]


def _target(move: dict[str, Any]) -> str | None:
    number = move["number"]
    return f"{move['target']} @{number}" if number is not None else move["target"]


_KINDS: dict[str, Callable[[Connection, str, int], list[Past]]] = {
    EXPERIMENT: _experiment, RUN: _run, MODEL: _model, "member": _member,
}  # fmt: skip
