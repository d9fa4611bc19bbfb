"""Members as `argosy get members` lists them: each with its status in a word and the reason in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from argosy.controller.standing import standing
from argosy.controller.status import ORDER
from argosy.errors import InputError
from argosy.store import filters, resources
from argosy.store.filters import Term
from argosy.store.resources import Page

STATUS = "status"


def page(conn: Connection, where: str, limit: int, cursor: str | None, now: datetime) -> Page:
    """A page of members with the fields `status`, `reason`, `answers` and `trained`.

    `where` may ask for `status:drifting` beside the fields of members; then there is one page and no cursor.
    """
    terms = filters.parse(where)
    asked = [term for term in terms if term.field == STATUS]
    for term in asked:
        if term.operator != ":" or term.value not in ORDER:
            raise InputError(f"filter: {term} names no status", next=f"use status: and one of {', '.join(ORDER)}")
    if not asked:
        found = resources.page(conn, "members", where, limit=limit, cursor=cursor)
        return Page(_told(conn, found.items, now), found.next)
    if cursor is not None:
        raise InputError("a list by status has one page", next="leave --cursor out, and raise --limit")
    rest = " ".join(str(term) for term in terms if term.field != STATUS)
    told = _told(conn, list(resources.every(conn, "members", rest)), now)
    return Page([item for item in told if all(_holds(term, item) for term in asked)][:limit], None)


def _holds(term: Term, item: dict[str, Any]) -> bool:
    return (item[STATUS] == term.value) is not term.negated


def _told(conn: Connection, items: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    statuses = {name: _statuses(conn, name, now) for name in {item["fleet"] for item in items}}
    told = []
    for item in items:
        word, reason = statuses[item["fleet"]].get(item["key"], ("", "its fleet is no longer declared"))
        answers = f"own @{item['champion_number']}" if item["target"] == "own" else item["target"]
        told.append(item | {STATUS: word, "reason": reason, "answers": answers, "trained": item["version_at"]})
    return told


def _statuses(conn: Connection, name: str, now: datetime) -> dict[str, tuple[str, str]]:
    """The status and its reason of every member of a fleet by key."""
    found = standing(conn, name, now)
    if found is None:
        return {}
    return {key: (word, reason) for key, word, reason in found.table.select("key", STATUS, "reason").iter_rows()}
