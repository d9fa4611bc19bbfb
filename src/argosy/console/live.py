"""What changed on a page since it was sent, as HTML of the parts that differ."""

from __future__ import annotations

from datetime import datetime
from zlib import crc32

from sqlalchemy import Connection

from argosy.console import alarm, cells, experiment, experiments, feed, fleet, run, runs, step, tracked
from argosy.console.page import render
from argosy.store.store import Store

Parts = dict[str, str]
"""DOM id -> HTML."""


def of_fleet(conn: Connection, name: str, now: datetime, *, q: str, sort: str, number: int) -> Parts:
    """The rows of a fleet's table, its chips and its map."""
    data = fleet.read(conn, name, now, q=q, sort=sort, number=number)
    parts = {f"m{row.id}": render("row.html", row=row, now=now) for row in data.rows}
    parts["chips"] = render("chips.html", data=data)
    parts["map"] = f'<div id="map">{cells.draw(name, data.cells)}</div>'
    return parts


def of_events(conn: Connection, now: datetime, *, where: str) -> Parts:
    """The newest events with their counts and the way to older ones, as one part: they belong together."""
    return {"results": render("events-results.html", data=feed.read(conn, where=where), now=now)}


def of_alerts(conn: Connection, now: datetime, *, name: str) -> Parts:
    """The alerts, of one fleet if named, as one part."""
    return {"results": render("alerts-results.html", data=alarm.read(conn, name), now=now)}


def of_runs(conn: Connection, now: datetime, *, where: str) -> Parts:
    """The newest runs with the pipelines above them, as one part."""
    return {"results": render("runs-results.html", data=runs.read(conn, now, where=where), now=now)}


def of_run(conn: Connection, store: Store, id: int, now: datetime) -> Parts:
    """How far a run is: its state, its drawing, its steps, and what it gave."""
    data = run.read(conn, store, id, now)
    return {
        "state": render("run-state.html", data=data, now=now),
        "gantt": f'<div id="gantt" class="scroll">{run.draw(conn, data)}</div>',
        "results": render("run-results.html", data=data, now=now),
    }


def of_step(
    conn: Connection, store: Store, id: int, node: str, now: datetime, *, element: int | None, query: str, number: int
) -> Parts:
    """A step of a run, or one element of it: what is at work and writes, and what came of it."""
    data = step.read(conn, store, id, node, now, element=element, query=query, number=number)
    return {"step": render("step-body.html", data=data, now=now)}


def of_experiments(conn: Connection, now: datetime, *, where: str, view: str) -> Parts:
    """The experiments with the last run of each, as one part."""
    data = experiments.read(conn, where=where, view=view)
    return {"results": render("experiments-results.html", data=data, now=now)}


def of_experiment(conn: Connection, id: int, now: datetime, asked: experiment.Asked) -> Parts:
    """The first runs of an experiment's table, as one part."""
    data = experiment.read(conn, id, asked, now)
    return {"results": render("experiment-results.html", data=data, now=now)}


def of_tracked(conn: Connection, store: Store, run: str, now: datetime, asked: tracked.Asked) -> Parts:
    """How far a tracked run is: its state, its curves, its metrics and parameters."""
    data = tracked.read(conn, store, run, asked, now)
    return {
        "state": render("tracked-state.html", data=data, now=now),
        "results": render("tracked-results.html", data=data, now=now, pictures=tracked.draw(data)),
    }


def changes(parts: Parts, sent: dict[str, int]) -> Parts:
    """The parts that differ from those sent before; `sent` is brought up to date."""
    found = {}
    for name, html in parts.items():
        mark = crc32(html.encode())
        if sent.get(name) != mark:
            found[name] = html
            sent[name] = mark
    return found
