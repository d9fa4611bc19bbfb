"""`argosy runs`: the last runs of pipelines."""

from __future__ import annotations

from argosy.cli import home, show
from argosy.cli.course import given, tally
from argosy.cli.get import again
from argosy.cli.option import Common
from argosy.controller import course
from argosy.controller.clock import SystemClock
from argosy.controller.course import Brief

_LONGEST = 40


def runs(
    pipeline: str | None = None, /, *, where: str = "", limit: int = 20, cursor: str | None = None,
    common: Common | None = None,
) -> int:  # fmt: skip
    """List runs of pipelines, the newest first: their states, how long they took, what their calls came to.

    A run is running, succeeded, failed or cancelled; one is interrupted whose process was killed. Of the parameters
    those are shown that are not at their defaults.

    For example:
      argosy runs
      argosy runs nightly --where "state:failed"
      argosy runs --where "cause:schedule* at>=2026-03-01"
      argosy runs nightly --json --limit 1

    Parameters
    ----------
    pipeline
        The pipeline; all if none is given.
    where
        Terms that must all hold: state, outcome, cause, actor, at, ended_at, due_at, key, ...
    limit
        How many, at most 1,000.
    cursor
        Where to go on: `next` of the page before.
    """
    options = common or Common()
    named = f'pipeline:"{pipeline}"' if pipeline is not None else ""
    with home.look(options.home) as (_, conn):
        found = course.page(conn, f"{named} {where}".strip(), SystemClock().now(), limit=limit, cursor=cursor)
    if options.json:
        show.emit(found)
        return 0
    if not found.items:
        of = f" of {pipeline}" if pipeline is not None else ""
        show.say(f"no runs{of}" + (f" with {where}" if where else " yet"), "  next: argosy run PIPELINE")
        return 0
    headers = [">id", "pipeline", "state", "when", ">took", "calls", "cause", "parameters"]
    show.table(headers, [_row(each) for each in found.items])
    if found.next:
        command = ["runs", *([pipeline] if pipeline is not None else [])]
        show.say(f"more: {again(command, where, limit, found.next, options.home)}")
    return 0


def _row(each: Brief) -> list[object]:
    took = show.span(each.took) if each.took is not None else None
    chosen = given(each.chosen, _LONGEST)
    return [each.id, each.pipeline, each.state, each.at, took, tally(each.counts), each.cause, chosen]
