"""Lists whose items have a status in a word and the reason in words: members, fleets, datasets and pipelines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller.clock import SystemClock
from argosy.controller.pipes import pipes
from argosy.controller.standing import Standing, standing, summary
from argosy.controller.status import ORDER
from argosy.controller.wanted import kinds, wanted
from argosy.data.state import blocked, stale
from argosy.errors import UsageError
from argosy.spec.fleet import POOLED
from argosy.store import filters, resources, runs
from argosy.store.filters import Term
from argosy.store.resources import Page

STATUS = "status"
WITHDRAWN = "withdrawn"
"""Of a fleet that has members and is declared no longer."""
BLOCKED, STALE, READY = "blocked", "stale", "ready"
"""Of a dataset: its latest version was rejected, its newest event is older than its contract allows, or neither."""

NEW = "new"
"""Of a pipeline that has no run yet."""

_Items = list[dict[str, Any]]


def page(conn: Connection, kind: str, where: str, limit: int, cursor: str | None, now: datetime) -> Page:
    """A page of members, fleets, datasets or pipelines with the fields `status` and `reason`; members have `answers`
    and `trained` too, pipelines what `of_pipelines` says.

    `where` may ask for `status:drifting` beside the fields of the kind, then there is one page and no cursor; and of
    members for what is shown as `trained`.
    """
    told, words = _KINDS[kind]
    terms = _stored(kind, filters.parse(where))
    asked = [term for term in terms if term.field == STATUS]
    _check(asked, words)
    if not asked:
        found = resources.page(conn, kind, " ".join(map(str, terms)), limit=limit, cursor=cursor)
        return Page(told(conn, found.items, now), found.next)
    if cursor is not None:
        raise UsageError("a list by status has one page", next="leave --cursor out, and raise --limit")
    rest = " ".join(str(term) for term in terms if term.field != STATUS)
    items = told(conn, list(resources.every(conn, kind, rest)), now)
    return Page([item for item in items if all(_holds(term, item) for term in asked)][:limit], None)


def selected(conn: Connection, where: str, now: datetime) -> list[int]:
    """The ids of all members that a list of them would show. Raises `UsageError` where there are none."""
    terms = _stored("members", filters.parse(where))
    rest = " ".join(str(term) for term in terms if term.field != STATUS)
    items, asked = list(resources.every(conn, "members", rest)), [term for term in terms if term.field == STATUS]
    if asked:
        _check(asked, ORDER)
        items = [item for item in _members(conn, items, now) if all(_holds(term, item) for term in asked)]
    if not items:
        raise UsageError(f"no member has {where}", next="argosy get members shows what may be asked for")
    return [item["member_id"] for item in items]


def _check(asked: Sequence[Term], words: Sequence[str]) -> None:
    for term in asked:
        if term.operator != ":" or term.value not in words:
            raise UsageError(f"filter: {term} names no status", next=f"use status: and one of {', '.join(words)}")


def _stored(kind: str, terms: list[Term]) -> list[Term]:
    """The terms by the fields of the store and `status`. Raises `UsageError` for another field."""
    shown = {"trained": "version_at"} if kind == "members" else {}
    known = {STATUS, *shown, *resources.fields(kind)}
    for term in terms:
        if term.field not in known:
            key = "; key:VALUE/VALUE are the values of the key columns" if kind == "members" else ""
            raise UsageError(
                f"filter: there is no field {term.field!r}", next=f"use one of: {', '.join(sorted(known))}{key}"
            )
    return [msgspec.structs.replace(term, field=shown.get(term.field, term.field)) for term in terms]


def _holds(term: Term, item: dict[str, Any]) -> bool:
    return (item[STATUS] == term.value) is not term.negated


def _members(conn: Connection, items: _Items, now: datetime) -> _Items:
    stands = {name: standing(conn, name, now) for name in {item["fleet"] for item in items}}
    statuses = {name: _statuses(found) for name, found in stands.items()}
    pooled = {name for name, found in stands.items() if found is not None and found.pooled}
    told = []
    for item in items:
        word, reason = statuses[item["fleet"]].get(item["key"], ("", "its fleet is no longer declared"))
        behind = "pooled" if item["fleet"] in pooled and item["key"] != POOLED else None
        target = behind if item["target"] in (None, "pooled") else item["target"]
        answers = f"own @{item['champion_number']}" if target == "own" else target
        told.append(item | {STATUS: word, "reason": reason, "answers": answers, "trained": item["version_at"]})
    return told


def _statuses(found: Standing | None) -> dict[str, tuple[str, str]]:
    """The status and its reason of every member of a fleet by key."""
    if found is None:
        return {}
    return {key: (word, reason) for key, word, reason in found.table.select("key", STATUS, "reason").iter_rows()}


def _fleets(conn: Connection, items: _Items, now: datetime) -> _Items:
    told = []
    for item in items:
        found = standing(conn, item["name"], now)
        word, reason = summary(conn, found) if found is not None else (WITHDRAWN, "it is no longer declared")
        told.append(item | {STATUS: word, "reason": reason})
    return told


def of_datasets(conn: Connection, items: _Items, now: datetime) -> _Items:
    """Datasets with their `status` and its `reason`: of one that is ready, what made its latest version."""
    declared = kinds(wanted(conn))[0]
    stopped = blocked(conn, [item["name"] for item in items])
    old = stale(conn, tuple(declared.values()), now)
    told = []
    for item in items:
        name = item["name"]
        word = BLOCKED if name in stopped else STALE if name in old else READY
        reasons = [stopped[name]] if name in stopped else []
        reasons += [str(old[name])] if name in old else []
        told.append(item | {STATUS: word, "reason": "; ".join(reasons) or item["cause"]})
    return told


def of_pipelines(conn: Connection, items: _Items, now: datetime) -> _Items:
    """Pipelines with what `starts` them, when they run `next`, whether they are `paused`, and their `last` run.

    The `status` is that of the last run, and `reason` why it is paused, or why the last run failed.
    """
    found = {each.name: each for each in pipes(conn, SystemClock().now())}
    told = []
    for item in items:
        each = found[item["name"]]
        told.append(
            item | {
                STATUS: each.last.state if each.last is not None else NEW, "project": each.project,
                "starts": "; ".join(each.starts) or "when asked for", "paused": each.paused, "next": each.next,
                "last": each.last.id if each.last is not None else None,
                "reason": each.reason or (each.last.reason if each.last is not None else ""),
            }
        )  # fmt: skip
    return told


_KINDS: dict[str, tuple[Callable[[Connection, _Items, datetime], _Items], tuple[str, ...]]] = {
    "datasets": (of_datasets, (BLOCKED, STALE, READY)),
    "members": (_members, ORDER),
    "fleets": (_fleets, (*ORDER, WITHDRAWN)),
    "pipelines": (of_pipelines, (NEW, runs.RUNNING, runs.SUCCEEDED, runs.FAILED, runs.CANCELLED, runs.INTERRUPTED)),
}
