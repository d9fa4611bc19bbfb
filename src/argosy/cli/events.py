"""`argosy events`: what happened, or what happens."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.store import events as recorder
from argosy.store import filters, resources

_POLL_SECONDS = 0.5
_WIDEST = 40
"""Characters of a kind or a subject that its column is as wide as at most; what is longer pushes its line aside."""


def events(
    *, watch: Annotated[bool, Parameter(alias="-w", negative="")] = False, where: str = "", limit: int = 50,
    common: Common | None = None,
) -> int:  # fmt: skip
    """Show the latest events, the oldest of them first; with -w, go on with those to come.

    For example:
      argosy events
      argosy events -w
      argosy events -w --where "kind:promoted"
      argosy events --where "kind:promoted" --limit 200
      argosy events -w --json        (one line of JSON an event)

    Parameters
    ----------
    watch
        Follow: print events as they are recorded, until Ctrl-C.
    where
        Terms that must all hold, as for `argosy get events`; with -w, also of events to come.
    limit
        How many of the past, at most 1,000; -w goes on without a limit.
    """
    given = common or Common()
    with home.open(given.home) as store:
        with store.read() as conn:
            items = resources.page(conn, "events", where, limit=limit).items[::-1]
            recorded = recorder.kinds(conn) if where and not items else []
        widths = [min(_WIDEST, max((len(item[name]) for item in items), default=0)) for name in ("kind", "subject")]
        for item in items:
            _print(item, widths, given.json)
        if not items:
            show.say("no events" + (f" with {where}" if where else " yet"))
            if strange := _strange(where, recorded):
                show.say(f"  no event of kind {strange} was ever recorded here, only of {', '.join(recorded)}")
        last = items[-1]["id"] if items else 0
        while watch:
            with store.read() as conn:
                fresh = resources.watch(conn, "events", last, where)
            for item in fresh:
                _print(item, widths, given.json)
                last = item["id"]
            if not fresh:
                time.sleep(_POLL_SECONDS)
    return 0


def _strange(where: str, recorded: Sequence[str]) -> str:
    """The kind that a filter asks for and no event has; "" where there is none."""
    asked = [
        term for term in filters.parse(where) if term.field == "kind" and term.operator == ":" and not term.negated
    ]
    return next((repr(term.value) for term in asked if recorded and not fnmatch.filter(recorded, term.value)), "")


def _print(item: dict[str, Any], widths: Sequence[int], json: bool) -> None:
    if json:
        show.line(item)
    else:
        kind, subject = (f"{item[name]:<{width}}" for name, width in zip(("kind", "subject"), widths, strict=True))
        show.put(f"{show.text(item['at'])}  {kind}  {subject}  {item['message']}")
