"""What people call runs by: the first digits of a name, as many as make it that of one run.

The names of runs that Argosy made itself are the numbers of its executions (`e12`) and of its pipelines' runs (`a12`),
filled up to 32 digits: these short forms stand for them. One that stands for no run may begin the name of another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from argosy.errors import UnknownError, UsageError
from argosy.store.rows import execute, within
from argosy.store.tracking import naming
from argosy.store.tracking.runs import FIELDS, Run, made

LEAST, WHOLE = 8, 32
"""Digits of a name that are asked for, and all of them."""
_SEVERAL = 3
_PREFIX = re.compile(rf"[0-9a-f]{{{LEAST},{WHOLE}}}")
_SHORT = re.compile(rf"([{naming.EXECUTION}{naming.PIPELINE}])([1-9][0-9]{{0,17}})")
_NAMES = {naming.EXECUTION: naming.of_execution, naming.PIPELINE: naming.of_pipeline}


def is_one(text: str) -> bool:
    """Whether a text is written as a name of a run is, or as the beginning of one."""
    return _SHORT.fullmatch(text) is not None or _PREFIX.fullmatch(text.lower()) is not None


def find(conn: Connection, texts: Sequence[str]) -> list[Run]:
    """The run that each text begins the name of, deleted or not; one query for all.

    Raises UnknownError where there is none, UsageError where there are several or it is too short.
    """
    wanted = {text: _beginnings(text) for text in texts}
    if not wanted:
        return []
    each = f"SELECT {FIELDS} FROM tracked WHERE run >= ? AND run < ? ORDER BY run LIMIT {_SEVERAL}"
    starts = [start for several in wanted.values() for start in several]
    sql = " UNION ALL ".join([f"SELECT * FROM ({each}) AS found"] * len(starts))
    values = [value for start in starts for value in (start, f"{start}g")]
    known = {run.run: run for run in map(made, execute(conn, sql, values))}
    found = {}
    for text, meant in wanted.items():
        each_way = ([name for name in sorted(known) if name.startswith(start)] for start in meant)
        some = next(filter(None, each_way), [])
        if not some:
            raise UnknownError(f"there is no run {text!r}", next="argosy runs --sort -start_time, to list them")
        if len(some) > 1:
            shown = ", ".join(some[: _SEVERAL - 1])
            raise UsageError(f"{text!r} begins the names of several runs: {shown}, …", next="give more digits")
        found[text] = known[some[0]]
    return [found[text] for text in texts]


def shorts(conn: Connection, names: Iterable[str]) -> dict[str, str]:
    """What each of the runs of some names can be called by; one query."""
    clause, bound = within(conn, "r.run", names)
    before = "SELECT max(o.run) FROM tracked o WHERE o.run < r.run"
    after = "SELECT min(o.run) FROM tracked o WHERE o.run > r.run"
    rows = execute(conn, f"SELECT r.run, ({before}), ({after}) FROM tracked r WHERE {clause}", (bound,))
    return {name: _short(name, beside) for name, *beside in rows}


def _beginnings(text: str) -> list[str]:
    """What the name that a text stands for begins with; of several, the first with which there is a run."""
    short, lower = _SHORT.fullmatch(text), text.lower()
    found = [] if short is None else [_NAMES[short[1]](int(short[2]))]
    if _PREFIX.fullmatch(lower) is not None:
        found.append(lower)
    if not found:
        raise UsageError(
            f"{text[:80]!r} is no name of a run",
            next=f"give its first {LEAST} digits or more, as argosy runs --sort -start_time shows",
        )
    return found


def _short(name: str, beside: Iterable[str | None]) -> str:
    kind, number = name[0], int(name[1:], 16)
    if kind in _NAMES and _NAMES[kind](number) == name and number < 10**18:
        return f"{kind}{number}"
    count = max(LEAST, *(_alike(name, other) + 1 for other in beside if other is not None), 0)
    while _SHORT.fullmatch(name[:count]):
        count += 1
    return name[:count]


def _alike(one: str, other: str) -> int:
    """How many of the first digits are the same."""
    return next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(one))
