"""`argosy events`: what happened, or what happens."""

from __future__ import annotations

import time
from typing import Annotated, Any

from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.store import resources

_POLL_SECONDS = 0.5


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
        for item in items:
            _print(item, given.json)
        if not items:
            show.say("no events" + (f" with {where}" if where else " yet"))
        last = items[-1]["id"] if items else 0
        while watch:
            with store.read() as conn:
                fresh = resources.watch(conn, "events", last, where)
            for item in fresh:
                _print(item, given.json)
                last = item["id"]
            if not fresh:
                time.sleep(_POLL_SECONDS)
    return 0


def _print(item: dict[str, Any], json: bool) -> None:
    if json:
        show.line(item)
    else:
        show.put(f"{show.text(item['at'])}  {item['kind']:<14} {item['subject']}  {item['message']}")
