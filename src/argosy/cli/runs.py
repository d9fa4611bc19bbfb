"""`argosy runs`: the last runs of pipelines, or tracked runs."""

from __future__ import annotations

import shlex
from typing import Annotated

from cyclopts import Parameter
from sqlalchemy import Connection

from argosy.cli import home, show, tracked
from argosy.cli.course import given, tally
from argosy.cli.get import again
from argosy.cli.option import Common
from argosy.cli.tracked import Asked
from argosy.controller import course
from argosy.controller.clock import SystemClock
from argosy.controller.course import Brief
from argosy.errors import UsageError
from argosy.store.tracking import clause
from argosy.store.tracking.grammar import RUNS

_LONGEST = 40


def runs(
    pipeline: str | None = None, /, *, where: str = "", experiment: str | None = None,
    sort: Annotated[list[str] | None, Parameter(allow_leading_hyphen=True)] = None,
    columns: list[str] | None = None, limit: int = 20, cursor: str | None = None, common: Common | None = None,
) -> int:  # fmt: skip
    """List runs of pipelines, or with --experiment, --sort, --columns or a search the tracked runs, the newest first.

    Where no pipeline has run yet, tracked runs are listed by themselves.
    A run is running, succeeded, failed or cancelled; one of a pipeline is interrupted whose process was killed. Of the
    parameters of a pipeline's run those are shown that are not at their defaults, of a tracked run what --columns,
    --sort and --where name.

    For example:
      argosy runs
      argosy runs nightly --where "state:failed"
      argosy runs --where "cause:schedule* at>=2026-03-01"
      argosy runs nightly --json --limit 1
      argosy runs --where "metrics.auc > 0.7 and params.depth = 6" --sort -metrics.auc
      argosy runs --experiment flights --columns metrics.auc,params.depth,tags.team

    Parameters
    ----------
    pipeline
        The pipeline; all if none is given.
    where
        Of pipelines, terms that must all hold: state, outcome, cause, actor, at, ended_at, due_at, key, ... Of tracked
        runs, comparisons joined by and: metrics.KEY, params.KEY, tags.KEY, status, run_name, start_time, ...
    experiment
        The experiment of tracked runs; all if none is given.
    sort
        What to sort tracked runs by, with a - in front for the largest first; may be given several times.
    columns
        What else to show of tracked runs, parted by commas: metrics.KEY, params.KEY, tags.KEY, user_id, artifact_uri.
    limit
        How many, at most 1,000.
    cursor
        Where to go on: `next` of the page before.
    """
    options = common or Common()
    asked = Asked(where=where, sort=sort or [], columns=columns or [], experiment=experiment)
    search = asked.certain or (pipeline is None and _is_search(where))
    if search:
        _check(pipeline)
    with home.look(options.home, tracked=search) as (_, conn):
        if search:
            return tracked.tell(conn, asked, limit, cursor, options)
        if _pipelines(conn, pipeline, where, limit, cursor, options) or options.json or pipeline or where or cursor:
            return 0
    with home.look(options.home, tracked=True) as (_, conn):
        return tracked.tell(conn, asked, limit, None, options)


def _pipelines(
    conn: Connection, pipeline: str | None, where: str, limit: int, cursor: str | None, options: Common
) -> bool:
    """Print a page of runs of pipelines; whether there are any."""
    named = f'pipeline:"{pipeline}"' if pipeline is not None else ""
    try:
        found = course.page(conn, f"{named} {where}".strip(), SystemClock().now(), limit=limit, cursor=cursor)
    except UsageError as error:
        raise _both(error, where) if where and pipeline is None else error from None
    if options.json:
        show.emit(found)
        return bool(found.items)
    if not found.items:
        of = f" of {pipeline}" if pipeline is not None else " of pipelines"
        hint = "" if where or cursor else _others(pipeline)
        show.say(f"no runs{of}" + (f" with {where}" if where else " yet"), f"  next: argosy run PIPELINE{hint}")
        return False
    headers = [">id", "pipeline", "state", "when", ">took", "calls", "cause", "parameters"]
    show.table(headers, [_row(each) for each in found.items])
    if found.next:
        command = ["runs", *([pipeline] if pipeline is not None else [])]
        show.say(f"more: {again(command, where, limit, found.next, options.home)}")
    return True


def _others(pipeline: str | None) -> str:
    """Where tracked runs are, which may be meant."""
    if pipeline is None:
        return "; these are tracked ones:"
    return f", or argosy runs --experiment {shlex.quote(pipeline)}, for tracked ones"


def _is_search(where: str) -> bool:
    """Whether a filter is in the search language of tracked runs; none is in both languages."""
    try:
        return bool(where and clause.parse(where, RUNS, plain=True))
    except UsageError:
        return False


def _both(error: UsageError, where: str) -> UsageError:
    """A mistake in a filter, as both languages have it."""
    try:
        clause.parse(where, RUNS, plain=True)
    except UsageError as other:
        return UsageError(f"{error.message}; as a {other.message}", next=f"{error.next}; or {other.next}")
    return error


def _check(pipeline: str | None) -> None:
    if pipeline is not None:
        raise UsageError(
            f"runs of pipeline {pipeline!r} are not searched so", next=f"--experiment {shlex.quote(pipeline)} instead"
        )


def _row(each: Brief) -> list[object]:
    took = show.span(each.took) if each.took is not None else None
    chosen = given(each.chosen, _LONGEST)
    return [each.id, each.pipeline, each.state, each.at, took, tally(each.counts), each.cause, chosen]
