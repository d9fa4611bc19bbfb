"""The page of one run: when its steps were at work, what it was given, what it gave, and what it cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from markupsafe import Markup
from sqlalchemy import Connection

from argosy.console import gantt, links, preview, words
from argosy.console.page import Page
from argosy.console.preview import Preview
from argosy.controller import course
from argosy.controller.course import Brief, Result, Step, Summary
from argosy.store import artifacts, calls, runs, tallies
from argosy.store.runs import Ending
from argosy.store.store import Store
from argosy.store.tallies import Span

WORST = (calls.FAILED, calls.EXECUTED, calls.CACHED, calls.SKIPPED)
"""States of calls, the one that tells most of a step first."""
OPEN, RUNNING = "open", "running"
"""Steps that nothing came of yet, which wait for others or which do not."""
MOST = 1000
"""Steps of a graph that are drawn and listed."""
_REPORTS = 4


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a run gave under a name: an artifact, or the first of `count` of them."""

    name: str
    preview: Preview
    count: int | None = None
    items: tuple[Shown, ...] = ()


class Node(Step, frozen=True, kw_only=True):
    """A step with its `state`: that it is at work, the worst of its calls, or whether it waits for others.

    It might begin at `ready`. Of its calls `working` are at work for more than a moment, the first of them `since`.
    """

    state: str
    ready: datetime | None
    working: int = 0
    since: datetime | None = None


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a run shows; `start` and `stop` are the ends of its drawing.

    Costs are those of what it executed itself. Of a graph with more than `MOST` steps the others are left out.
    """

    brief: Brief
    due_at: datetime | None
    bundle: str | None
    parameters: dict[str, Any]
    inputs: dict[str, str]
    endings: tuple[Ending, ...]
    start: datetime
    stop: datetime
    steps: tuple[Node, ...]
    count: int
    critical: tuple[str, ...]
    results: tuple[Shown, ...]
    cpu_s: float
    wall_s: float
    peak_bytes: int
    bytes: int


def page(conn: Connection, store: Store, run_id: int, now: datetime) -> Page:
    """A run; `now` is the machine's time. Raises UnknownError."""
    data = read(conn, store, run_id, now)
    brief = data.brief
    crumbs = (("runs", links.runs()), (brief.pipeline, links.runs(where=f"pipeline:{brief.pipeline}")))
    unfinished = brief.state in (runs.RUNNING, runs.INTERRUPTED)
    return Page(
        f"Run {run_id} of {brief.pipeline}", "run.html", data, now, trail=(*crumbs, (f"run {run_id}", None)),
        here="runs", command=f"argosy describe run {run_id}", pictures={"gantt": draw(conn, data)},
        live=links.with_query("/runs/live", id=run_id) if unfinished else "",
    )  # fmt: skip


def read(conn: Connection, store: Store, run_id: int, now: datetime) -> RunPage:
    """The snapshot of the page of a run; a constant number of queries."""
    found = course.summary(conn, run_id, now)
    working: defaultdict[str, list[datetime]] = defaultdict(list)
    for each in found.working:
        working[each.node].append(each.started_at)
    brief = found.brief
    ended = [each.ended_at for each in found.steps if each.ended_at is not None]
    stop = now if brief.state == runs.RUNNING else max([*ended, *(each.at for each in found.endings[-1:])], default=now)
    begun = [each.started_at for each in found.steps if each.started_at is not None]
    start = stop - timedelta(seconds=brief.took) if brief.took is not None else min(begun, default=found.run.at)
    return RunPage(
        brief=brief, due_at=found.run.due_at, bundle=found.run.bundle, parameters=found.run.parameters,
        inputs=found.run.inputs, endings=tuple(found.endings), start=min([start, *begun]), stop=stop,
        steps=tuple(_nodes(found, start, working)[:MOST]), count=len(found.steps), critical=tuple(found.critical),
        results=_results(conn, store, found.results), cpu_s=found.cpu_s, wall_s=found.wall_s,
        peak_bytes=found.peak_bytes, bytes=found.bytes,
    )  # fmt: skip


def draw(conn: Connection, data: RunPage) -> Markup:
    """When the steps of a run were at work."""
    spans = tallies.spans(conn, data.brief.id)
    rows = [_row(data.brief.id, each, spans.get(each.name, ())) for each in data.steps]
    return gantt.draw(rows, data.start, data.stop)


def _nodes(found: Summary, start: datetime, working: Mapping[str, Sequence[datetime]]) -> list[Node]:
    """The steps with their states; each might begin once the last of what it needs had ended."""
    ends: dict[str, datetime | None] = {}
    made = []
    for step in found.steps:
        waited = [ends.get(name) for name in step.needs]
        known = [at for at in waited if at is not None]
        ready = max(known, default=start) if len(known) == len(waited) else None
        state = next((each for each in WORST if step.counts.get(each)), OPEN)
        if state == OPEN and ready is not None and step.kind != "either" and found.brief.state == runs.RUNNING:
            state = RUNNING
        at_work = working.get(step.name, ())
        if at_work and state != calls.FAILED:
            state = RUNNING
        ends[step.name] = step.ended_at if step.counts else ready if step.kind == "either" else None
        since = min(at_work, default=None)
        told = msgspec.structs.asdict(step)
        made.append(Node(**told, state=state, ready=ready, working=len(at_work), since=since))
    return made


def _row(run_id: int, step: Node, spans: Sequence[Span]) -> gantt.Row:
    note = words.came(step.counts)
    if step.working and step.counts:
        note = f"{note}, {step.working} at work"
    told = [note, *([f"{step.cpu_s:.3g} CPU-s"] if step.cpu_s else [])]
    if step.critical:
        told.append("on the critical path")
    if step.failure is not None:
        told.append(step.failure.reason.partition("\n")[0][:200])
    if not step.counts:
        note = {OPEN: "a choice" if step.kind == "either" else "", RUNNING: "at work"}[step.state]
        told = [note or "waits for others"]
    return gantt.Row(
        name=step.name, state=step.state, link=links.step(run_id, step.name), note=note, said=", ".join(told),
        ready=step.ready, since=step.since, critical=step.critical, spans=tuple(spans),
    )  # fmt: skip


def _results(conn: Connection, store: Store, results: Sequence[Result]) -> tuple[Shown, ...]:
    reports = [each.digest for each in _leaves(results) if each.format == "report" and each.digest is not None]
    known = artifacts.get(conn, reports[:_REPORTS])
    whole = {digest: preview.whole(store, each) for digest, each in known.items()}
    return tuple(_shown(each, whole) for each in results)


def _shown(result: Result, whole: Mapping[str, Preview]) -> Shown:
    found = whole.get(result.digest or "")
    made = found or preview.of(result.format, result.digest or "", result.bytes, result.preview)
    items = tuple(_shown(each, whole) for each in result.items)
    return Shown(name=result.name, preview=made, count=result.count, items=items)


def _leaves(results: Iterable[Result]) -> Iterable[Result]:
    for each in results:
        yield each
        yield from _leaves(each.items)
