"""Events, filtered and paged; equal ones that follow one another are one line with a count."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.console import links
from argosy.console.page import Page
from argosy.store import resources

SIZE = 50
"""Events on a page, before like ones become one line."""
VIEWS = "subject:*.features.*"
"""Events of the rows that views are computed to: one for each version of their dataset."""
_NEAR = timedelta(hours=1)
_COUNTED = 400


class Line(msgspec.Struct, frozen=True):
    """Some like events: the oldest's id, the newest's time and words, their subjects, and how many they are."""

    id: int
    at: datetime
    kind: str
    message: str
    actor: str
    subjects: tuple[str, ...]
    count: int


class FeedPage(msgspec.Struct, frozen=True):
    """What the events page shows; `cursor` is where it begins, None for the newest, `next` that of older ones.

    Without a filter it is all but `VIEWS`, which `views` asks for.
    `kinds` counts these events and some hundred older ones.
    """

    where: str
    lines: tuple[Line, ...]
    kinds: tuple[tuple[str, int], ...]
    cursor: str | None
    next: str | None
    views: str = VIEWS


def page(conn: Connection, now: datetime, *, where: str = "", cursor: str | None = None) -> Page:
    """The feed. Raises `InputError` for a filter that cannot be read."""
    data = read(conn, where=where, cursor=cursor)
    live = "" if cursor else links.with_query("/events/live", where=where)
    command = "argosy events" + (f" --where '{where}'" if where else "")
    return Page(
        "Events", "events.html", data, now, here="events", command=command, live=live, results="events-results.html"
    )


def read(conn: Connection, *, where: str = "", cursor: str | None = None) -> FeedPage:
    """The snapshot of the events page."""
    asked = where or f"-{VIEWS}"
    found = resources.page(conn, "events", asked, limit=SIZE, cursor=cursor)
    near = resources.page(conn, "events", asked, limit=_COUNTED, cursor=cursor).items
    kinds = Counter(str(item["kind"]) for item in near)
    return FeedPage(where, tuple(_collapse(found.items)), tuple(sorted(kinds.items())), cursor, found.next)


def lines(conn: Connection, *, where: str = "", limit: int = 50) -> list[Line]:
    """The newest events, collapsed; without a filter all but `VIEWS`."""
    return _collapse(resources.page(conn, "events", where or f"-{VIEWS}", limit=limit).items)


def _collapse(items: list[dict[str, Any]]) -> list[Line]:
    """Events of one kind, actor and wording within an hour become one line, whoever they were about."""
    found: list[Line] = []
    for item in items:
        last = found[-1] if found else None
        if last is not None and _alike(last, item):
            subjects = last.subjects if item["subject"] in last.subjects else (*last.subjects, item["subject"])
            found[-1] = msgspec.structs.replace(last, id=item["id"], count=last.count + 1, subjects=subjects)
        else:
            message = item["message"]
            found.append(Line(item["id"], item["at"], item["kind"], message, item["actor"], (item["subject"],), 1))
    return found


def _alike(line: Line, item: dict[str, Any]) -> bool:
    near = (line.kind, line.actor) == (item["kind"], item["actor"]) and line.at - item["at"] <= _NEAR
    return near and (_shape(line.message) == _shape(item["message"]))


def _shape(message: str) -> str:
    """A message without its numbers: the same thing said of many members."""
    return "".join("#" if letter.isdigit() else letter for letter in message).replace("##", "#")[:48]
