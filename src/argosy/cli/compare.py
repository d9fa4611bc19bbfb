"""`argosy compare`: in what several tracked runs differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from argosy.cli import home, show, tracked
from argosy.cli.course import cut
from argosy.cli.option import Common
from argosy.cli.section import lines
from argosy.controller import comparison
from argosy.controller.clock import SystemClock
from argosy.controller.comparison import Comparison, Patch, Row

_NARROW = 6
"""Runs up to which each is a column; of more runs each is a row."""
_MOST, _LINES, _LONGEST = 30, 60, 40
_COLUMNS = {"parameters": 4, "metrics": 4, "datasets": 2, "tags": 2}
"""Columns of each kind, where runs are rows."""
_ONE = {"parameters": "parameter", "metrics": "metric", "datasets": "dataset", "tags": "tag"}


def compare(*runs: str, common: Common | None = None) -> int:
    """Show in what 2 to 100 tracked runs differ: parameters, metrics, datasets, where their code came from, and code.

    What all have alike is left out. The code of what Argosy ran itself is compared line by line.

    For example:
      argosy compare 3f2a91c0 7be04d11
      argosy compare late-arrival/JFK/AA@7 late-arrival/JFK/AA@8
      argosy compare e31 e32 e33 --json

    Parameters
    ----------
    runs
        The first digits of runs, as argosy runs shows them, or versions of members: the runs that made them.
    """
    given = common or Common()
    with home.look(given.home, tracked=True) as (store, conn):
        found = comparison.compare(store, conn, runs)
    if given.json:
        show.emit({"runs": [_run(*each) for each in zip(found.names, found.runs, strict=True)], **_kinds(found),
                   "code": found.patches})  # fmt: skip
        return 0
    if len(runs) <= _NARROW:
        show.put(*_heads(found))
        _narrow(found)
    else:
        _wide(found)
    show.put(*_code(found))
    return 0


def _run(name: str, seen: Any) -> dict[str, Any]:
    run = seen.run
    return {"name": name, "run": run.run, "called": run.name, "experiment": seen.experiment.name, "status": run.status,
            "started_at": run.started_at, "ended_at": run.ended_at}  # fmt: skip


def _kinds(found: Comparison) -> dict[str, list[Row]]:
    return {name: getattr(found, name) for name in _COLUMNS}


def _heads(found: Comparison) -> Iterator[str]:
    for name, seen in zip(found.names, found.runs, strict=True):
        took = tracked.took(seen.run, SystemClock().now())
        what = f"{cut(seen.run.name, _LONGEST)} of {seen.experiment.name}: {seen.run.status}"
        yield f"{name}  {what}{f' in {took}' if took else ''}, {show.text(seen.run.started_at)} UTC"
    if found.none:
        yield "they are alike: parameters, metrics, datasets and code"


def _narrow(found: Comparison) -> None:
    """A table for each kind, a row a name, a column a run."""
    for kind, rows in _kinds(found).items():
        if rows:
            show.put("")
            right = ">" if kind == "metrics" else ""
            headers = [_ONE[kind], *(f"{right}{name}" for name in found.names)]
            shown = [[cut(row.name, _LONGEST), *map(_cell, row.values)] for row in rows[:_MOST]]
            show.table(headers, shown, counts=(), unbounded=True)
        if len(rows) > _MOST:
            show.put(f"… {len(rows) - _MOST:,} more (--json has them)")


def _wide(found: Comparison) -> None:
    """One table, a row a run, with some columns of each kind."""
    chosen = [(kind, row) for kind, rows in _kinds(found).items() for row in rows[: _COLUMNS[kind]]]
    headers = [f"{'>' if kind == 'metrics' else ''}{cut(row.name, _LONGEST)}" for kind, row in chosen]
    table = []
    for place, (name, seen) in enumerate(zip(found.names, found.runs, strict=True)):
        values = [_cell(row.values[place]) for _, row in chosen]
        table.append([name, cut(seen.run.name, _LONGEST), seen.run.status, *values])
    show.table(["run", "name", "status", *headers], table, counts=(), unbounded=True)
    left = {kind: len(rows) - _COLUMNS[kind] for kind, rows in _kinds(found).items() if len(rows) > _COLUMNS[kind]}
    if left:
        more = ", ".join(f"{count:,} {kind}" for kind, count in left.items())
        show.put(f"… they differ in more: {more} (--json has them)")
    if found.none:
        show.put("they are alike: parameters, metrics, datasets and code")


def _code(found: Comparison) -> Iterator[str]:
    for each in found.patches:
        yield from _patch(found.names, each)


def _patch(names: Sequence[str], each: Patch) -> Iterator[str]:
    yield from lines(f"code, {names[each.before]} -> {names[each.after]}", each.lines, _LINES)


def _cell(value: float | str | None) -> float | str | None:
    return cut(" ".join(value.split()), _LONGEST) if isinstance(value, str) else value
