"""What came of runs of pipelines: their states, how long they took, what their nodes cost, what they gave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.errors import UnknownError, UsageError
from argosy.store import artifacts, calls, filters, resources, runs, tallies, underway
from argosy.store.runs import Ending, Run
from argosy.store.tallies import Tally

STATES = (runs.RUNNING, runs.SUCCEEDED, runs.FAILED, runs.CANCELLED, runs.INTERRUPTED)
_SECOND = timedelta(seconds=1)
_ITEMS = 20
"""Items of a result that is a list whose artifacts are looked up."""


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a line. `chosen` are its parameters that are not at their defaults; `counts` its calls by state.

    `took` is in seconds, from its beginning, or from when it was continued after an ending, to its end or to now; None
    for one that was cut off.
    """

    id: int
    pipeline: str
    state: str
    at: datetime
    took: float | None
    counts: dict[str, int]
    cause: str
    actor: str
    chosen: dict[str, Any]
    reason: str


class Briefs(msgspec.Struct, frozen=True):
    """Some runs, and the cursor of the next page (None: this was the last)."""

    items: list[Brief]
    next: str | None


class Step(Tally, frozen=True, kw_only=True):
    """A node of a run. `step` is the function that it calls, if it calls one; `critical` says that the run was as long
    as it was because of this node and the others on its critical path."""

    name: str
    kind: str
    needs: list[str]
    step: str | None = None
    critical: bool = False


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a pipeline gave under a name: an artifact, or the first of `count` of them.

    `format` is None for what is no artifact: a constant, a dataset or a branch that was not taken.
    """

    name: str
    format: str | None = None
    digest: str | None = None
    bytes: int | None = None
    preview: dict[str, Any] | None = None
    count: int | None = None
    items: list[Result] = []


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is at work for more than a moment."""

    node: str
    element: int
    started_at: datetime


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """All that came of a run; `steps` are in the order of its graph, `critical` names those of its critical path,
    `working` are its calls at work, those that began first before the others.

    CPU and wall seconds, the peak and the bytes are those of what it executed itself.
    """

    run: Run
    brief: Brief
    endings: list[Ending]
    steps: list[Step]
    critical: list[str]
    working: list[Working]
    results: list[Result]
    cpu_s: float
    wall_s: float
    peak_bytes: int
    bytes: int


def page(conn: Connection, where: str, now: datetime, *, limit: int = 50, cursor: str | None = None) -> Briefs:
    """Runs that meet a filter over the fields of the kind `runs` and `state`, the newest first.

    A filter by state has one page and no cursor. Raises UsageError.
    """
    terms = filters.parse(where)
    asked = [term for term in terms if term.field == "state"]
    for term in asked:
        if term.operator != ":" or term.value not in STATES:
            raise UsageError(f"filter: {term} names no state", next=f"use state: and one of {', '.join(STATES)}")
    if not asked:
        found = resources.page(conn, "runs", where, limit=limit, cursor=cursor)
        return Briefs(briefs(conn, [item["id"] for item in found.items], now), found.next)
    if cursor is not None:
        raise UsageError("a list by state has one page", next="leave --cursor out, and raise --limit")
    rest = " ".join(str(term) for term in terms if term.field != "state")
    every = (item["id"] for item in resources.every(conn, "runs", rest))
    wanted: list[int] = []
    while len(wanted) < limit and (some := list(islice(every, 1000))):
        states = runs.states(conn, some, now)
        wanted += [id for id in some if all((states[id] == t.value) is not t.negated for t in asked)]
    return Briefs(briefs(conn, wanted[:limit], now), None)


def summary(conn: Connection, run_id: int, now: datetime) -> Summary:
    """What came of a run so far; a constant number of queries, however many calls. Raises UnknownError."""
    run = find(conn, run_id)
    (brief,) = briefs(conn, [run_id], now)
    endings = runs.history(conn, run_id)
    known = tallies.of(conn, run_id)
    nodes = list(run.body.get("nodes", ()))
    named = {node["name"] for node in nodes}
    nodes += [{"name": name, "kind": "call", "needs": []} for name in known if name not in named]
    critical = _critical(nodes, known)
    on_path = set(critical)
    steps = [
        Step(
            name=node["name"], kind=node["kind"], needs=node["needs"], step=node.get("step"),
            critical=node["name"] in on_path, **msgspec.structs.asdict(known.get(node["name"], Tally())),
        )
        for node in nodes
    ]  # fmt: skip
    given = results(conn, endings[-1].body.get("results", {}) if endings else {})
    working = [
        Working(node=each.node, element=each.element, started_at=each.started_at)
        for each in underway.of_run(conn, run_id, now)
    ]
    return Summary(
        run=run, brief=brief, endings=endings, steps=steps, critical=critical, working=working, results=given,
        cpu_s=sum(each.cpu_s for each in steps), wall_s=sum(each.wall_s for each in steps),
        peak_bytes=max((each.peak_bytes for each in steps), default=0), bytes=sum(each.bytes for each in steps),
    )  # fmt: skip


def find(conn: Connection, run_id: int) -> Run:
    """The run of an id. Raises UnknownError that says what there is."""
    run = runs.get(conn, run_id)
    if run is None:
        last = next(iter(runs.latest(conn)), None)
        known = f"the last one is {last.id}: argosy runs" if last else "none was begun yet: argosy run PIPELINE"
        raise UnknownError(f"there is no run {run_id}", next=known)
    return run


def briefs(conn: Connection, ids: Sequence[int], now: datetime) -> list[Brief]:
    """Runs in a line each, in the order of their ids as given; a constant number of queries."""
    found = {run.id: run for run in runs.some(conn, ids)}
    states, endings = runs.states(conn, ids, now), runs.endings(conn, ids)
    running = [id for id in ids if states[id] == runs.RUNNING]
    continued = tallies.continued(conn, endings, running)
    told = {id: each.body["counts"] for id, each in endings.items() if id not in running and "counts" in each.body}
    counts = calls.counts(conn, [id for id in ids if id not in told])
    return [
        Brief(
            id=id, pipeline=found[id].pipeline, state=states[id], at=found[id].at, cause=found[id].cause,
            actor=found[id].actor, took=_took(found[id], states[id], endings.get(id), continued.get(id), now),
            counts=told[id] if id in told else _summed(counts.get(id, {}).values()),
            chosen={name: found[id].parameters[name] for name in found[id].body.get("chosen", found[id].parameters)},
            reason=endings[id].reason if id in endings else "",
        )
        for id in ids
    ]  # fmt: skip


def _took(run: Run, state: str, ending: Ending | None, continued: datetime | None, now: datetime) -> float | None:
    """Seconds that a run took, the last time that it was taken up."""
    if state == runs.RUNNING:
        start = continued or (run.at if ending is None else now)
        return (now - start) / _SECOND
    return (ending.at - (continued or run.at)) / _SECOND if ending is not None else None


def _summed(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in counts:
        for state, count in each.items():
            found[state] = found.get(state, 0) + count
    return found


def _critical(nodes: Sequence[dict[str, Any]], known: dict[str, Tally]) -> list[str]:
    """From the node that ended last back along what each waited for longest, in the order of time.

    A choice has no calls: it ended with the last of what it needs. What was skipped is not waited for.
    """
    ends: dict[str, tuple[datetime, int]] = {}
    latest: dict[str, str] = {}
    for place, node in enumerate(nodes):
        waited = [each for each in node["needs"] if each in ends]
        if waited:
            latest[node["name"]] = max(waited, key=ends.__getitem__)
        tally = known.get(node["name"])
        if tally is not None and tally.ended_at is not None and set(tally.counts) != {calls.SKIPPED}:
            ends[node["name"]] = tally.ended_at, place
        elif tally is None and waited:
            ends[node["name"]] = ends[latest[node["name"]]][0], place
    path: list[str] = []
    last = max(ends, key=ends.__getitem__, default=None)
    while last is not None:
        path.append(last)
        last = latest.get(last)
    return [name for name in reversed(path) if name in known]


def results(conn: Connection, written: dict[str, Any]) -> list[Result]:
    """Outputs as facts name them (see `memo.written`), with what is recorded of their artifacts.

    A constant number of queries.
    """
    first = {name: _first(each) for name, each in written.items()}
    asked = {each[1] for some in first.values() for each in some if isinstance(each, list)}
    known = artifacts.masked(conn, artifacts.get(conn, asked).values())

    def told(name: str, each: Any) -> Result:
        if isinstance(each, dict):
            items = [told(f"{name}[{place}]", one) for place, one in enumerate(each["items"][:_ITEMS])]
            return Result(name=name, count=len(each["items"]), items=items)
        if each is None:
            return Result(name=name)
        artifact = known.get(each[1])
        size, preview = (artifact.bytes, artifact.body) if artifact is not None else (None, None)
        return Result(name=name, format=each[0], digest=each[1], bytes=size, preview=preview)

    return [told(name, each) for name, each in written.items()]


def _first(written: Any) -> list[Any]:
    if isinstance(written, dict):
        return [each for item in written["items"][:_ITEMS] for each in _first(item)]
    return [] if written is None else [written]
