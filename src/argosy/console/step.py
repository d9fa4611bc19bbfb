"""The page of a step of a run: its elements, or one call with what it read, made, said and came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.console import item, links, preview
from argosy.console.page import Page
from argosy.console.preview import Preview
from argosy.controller import cause, course, provenance
from argosy.controller.cause import Cause
from argosy.controller.course import Brief, Result
from argosy.controller.provenance import Executed, Given
from argosy.errors import UnknownError
from argosy.store import artifacts, calls, executions, runs, underway
from argosy.store.calls import Call
from argosy.store.edges import Edge
from argosy.store.executions import Execution
from argosy.store.runs import Run
from argosy.store.store import Store
from argosy.store.underway import Underway

SIZE = 50
"""Elements on a page."""
LINES = 400
"""Lines of a log that are shown."""
_LOGGED = 4


class Element(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a mapped step.

    `given` are the arguments in which the elements of the page differ, `logged` is the first of what it logged.
    """

    element: int
    state: str
    reason: str
    took: float | None = None
    cpu_s: float | None = None
    peak_bytes: int | None = None
    attempts: int = 1
    given: dict[str, str] = {}
    logged: dict[str, Any] = {}


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What a call wrote: the lines in which `query` occurs, by their number; without one the last lines.

    `found` counts those in which it occurs, shown or not, `count` all lines.
    """

    digest: str
    query: str
    lines: tuple[tuple[int, str], ...]
    found: int
    count: int


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is at work, and the end of what it wrote so far."""

    element: int
    started_at: datetime
    log: Log


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """An argument: a constant's text, an artifact, or what else it is in `words`; `link` leads to where it is from."""

    name: str
    words: str
    origin: str
    link: str | None
    preview: Preview | None


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What the step gave: an artifact, or the first of `count` of them."""

    name: str
    previews: tuple[Preview, ...]
    count: int | None


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `run` is that which executed it, where its result was known; `read` is what it read from outside."""

    call: Call
    why: tuple[str, ...]
    run: int | None = None
    before: int | None = None
    execution: Execution | None = None
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    read: tuple[Edge, ...] = ()
    log: Log | None = None
    attempts: int = 1
    traceback: str = ""
    logged: dict[str, Any] = {}


class StepPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a step shows: one call in `detail`, or `elements`, those that failed first, a page of them.

    `working` are calls at work, the first `SIZE` of them; `recipe` is what its code was: digests of its parts,
    versions of libraries, names of variables.
    """

    brief: Brief
    node: str
    kind: str
    function: str | None
    needs: tuple[str, ...]
    counts: dict[str, int]
    element: int | None
    elements: tuple[Element, ...]
    number: int
    pages: int
    detail: Detail | None
    working: tuple[Working, ...]
    recipe: dict[str, Any]


def page(
    conn: Connection, store: Store, run_id: int, node: str, now: datetime, *, element: int | None = None,
    query: str = "", number: int = 1,
) -> Page:  # fmt: skip
    """A step of a run, or one element of it; `query` searches its log. Raises UnknownError."""
    data = read(conn, store, run_id, node, now, element=element, query=query, number=number)
    if element is not None and data.detail is None and not data.working:
        raise UnknownError(f"run {run_id} has not come to {node}[{element}]", next=links.step(run_id, node))
    pipeline = data.brief.pipeline
    crumbs = [("runs", links.runs()), (pipeline, links.pipeline(pipeline))]
    crumbs.append((f"run {run_id}", links.run(run_id)))
    command = f"argosy logs {run_id} --step {node}"
    title = f"{node} of run {run_id}"
    if element is not None:
        crumbs.append((node, links.step(run_id, node)))
        command, title = f"{command} --element {element}", f"{node}[{element}] of run {run_id}"
    trail = (*crumbs, (node if element is None else f"element {element}", None))
    going = data.brief.state in (runs.RUNNING, runs.INTERRUPTED)
    which = None if element is None else str(element)  # the first is number 0
    live = links.with_query("/runs/live", id=run_id, node=node, element=which, q=query, page=data.number)
    return Page(
        title, "step.html", data, now, trail=trail, here="runs", command=command, live=live if going else "",
        results="log.html",
    )  # fmt: skip


def read(
    conn: Connection, store: Store, run_id: int, node: str, now: datetime, *, element: int | None, query: str,
    number: int,
) -> StepPage:  # fmt: skip
    """The snapshot of the page of a step, with neither call where an element is between two attempts, or there is none.

    Raises UnknownError for a step that the run has not.
    """
    run = course.find(conn, run_id)
    cause.check(run, node)
    (brief,) = course.briefs(conn, [run_id], now)
    counts = calls.counts(conn, [run_id]).get(run_id, {}).get(node, {})
    total = sum(counts.values())
    number = min(max(number, 1), max(-(-total // SIZE), 1))
    some = (
        calls.of(conn, run_id, node=node, element=element) if element is not None
        else calls.ranked(conn, run_id, node, limit=SIZE, offset=SIZE * (number - 1))
    )  # fmt: skip
    working = underway.of_run(conn, run_id, now, node=node, element=element)
    one = some[0] if some and (element is not None or (total == 1 and some[0].element == calls.WHOLE)) else None
    told: Mapping[str, Any] = next((each for each in run.body.get("nodes", ()) if each["name"] == node), {})
    return StepPage(
        brief=brief, node=node, kind=told.get("kind", "call"), function=told.get("step"),
        needs=tuple(told.get("needs", ())), counts=counts, element=element,
        elements=tuple(_elements(conn, store, run_id, some)) if one is None and element is None else (),
        number=number, pages=-(-total // SIZE),
        detail=_detail(conn, store, run, one, query) if one is not None else None,
        working=tuple(_working(each) for each in working[:SIZE]),
        recipe=run.body.get("recipes", {}).get(told.get("step"), {}),
    )  # fmt: skip


def search(text: str, query: str, digest: str) -> Log:
    """The lines of a log in which a text occurs, in either case; the last lines where it is empty."""
    lines = text.splitlines()
    numbered = list(enumerate(lines, 1))
    wanted = query.casefold()
    found = [(place, line) for place, line in numbered if wanted in line.casefold()] if query else numbered
    shown = found[:LINES] if query else found[-LINES:]
    return Log(digest=digest, query=query, lines=tuple(shown), found=len(found), count=len(lines))


def _working(each: Underway) -> Working:
    log = search(each.tail.decode(errors="replace"), "", "")
    return Working(element=each.element, started_at=each.started_at, log=log)


def _elements(conn: Connection, store: Store, run_id: int, some: list[Call]) -> Iterator[Element]:
    done = executions.get(conn, {each.execution_id for each in some if each.execution_id is not None})
    given = _given(conn, store, run_id, done)
    for call in some:
        made = done.get(call.execution_id or 0)
        if made is None:
            yield Element(element=call.element, state=call.state, reason=call.reason)
            continue
        logged = {**made.metrics, **made.parameters.get("logged", {})}
        yield Element(
            element=call.element, state=call.state, reason=call.reason, took=made.wall_s, cpu_s=made.cpu_s,
            peak_bytes=made.peak_bytes, attempts=made.parameters.get("attempts", 1), given=given.get(made.id, {}),
            logged=dict(list(logged.items())[:_LOGGED]),
        )  # fmt: skip


def _given(conn: Connection, store: Store, run_id: int, done: Mapping[int, Execution]) -> dict[int, dict[str, str]]:
    """The constants and the items of lists that executions were given, as far as they differ."""
    told = {id: made.parameters.get("arguments", {}) for id, made in done.items()}
    texts = item.texts(conn, store, run_id, (each for given in told.values() for each in given.values()))
    shown = {
        id: {
            name: _constant(each["value"]) if "value" in each else texts[each["content"]]
            for name, each in given.items()
            if "value" in each or each["content"] in texts
        }
        for id, given in told.items()
    }
    alike = {name for given in shown.values() for name in given if len({each.get(name) for each in shown.values()}) < 2}
    return {id: {name: text for name, text in given.items() if name not in alike} for id, given in shown.items()}


def _detail(conn: Connection, store: Store, run: Run, call: Call, query: str) -> Detail:
    causes = cause.causes(conn, run, call.node, call.element)
    found: Cause = causes.calls[0]
    made = Detail(call=call, why=tuple(found.why), run=found.run, before=causes.before)
    if call.execution_id is None:
        return made
    known = provenance.execution(conn, call.execution_id)
    about = known.execution.parameters
    texts = item.texts(conn, store, run.id, about.get("arguments", {}).values())
    return msgspec.structs.replace(
        made, execution=known.execution, read=tuple(known.read), log=_log(conn, store, known, query),
        inputs=tuple(_input(run.id, each, known.read, texts) for each in known.given),
        outputs=tuple(_output(conn, store, each) for each in known.made), attempts=about.get("attempts", 1),
        traceback=about.get("traceback", ""), logged={**known.execution.metrics, **about.get("logged", {})},
    )  # fmt: skip


def _log(conn: Connection, store: Store, known: Executed, query: str) -> Log | None:
    digest = known.log.digest if known.log is not None else None
    found = artifacts.get(conn, [digest]).get(digest) if digest is not None else None
    if found is None or digest is None:
        return None
    return search(artifacts.content(store.blobs, found).decode(errors="replace"), query, digest)


def _input(run_id: int, given: Given, read: list[Edge], texts: Mapping[str, str]) -> Input:
    kind, _, digest = given.content.partition(":")
    link = links.step(run_id, given.origin) if given.origin else None
    shown = None
    if not given.content:
        words = _constant(given.value)
    elif given.artifact is not None and given.count is None:
        shown = _preview(given.artifact)
        words = ""
    elif given.count is not None:
        words = f"a list of {given.count:,}"
    elif given.content in texts:
        words = texts[given.content]
    elif kind == "dataset":
        mine = [each.reference for each in read if each.kind == "dataset"]
        words, link = (mine[0], links.dataset(mine[0])) if len(mine) == 1 else (f"a dataset: {', '.join(mine)}", None)
    elif kind == "path":
        mine = [each.reference.rpartition("#")[0] for each in read if each.reference.endswith(f"#{digest[:12]}")]
        words = mine[0] if mine else "a path"
    else:
        words = f"a {kind} that is an item of a list" if given.origin else f"a {kind}"
    return Input(name=given.name, words=words, origin=given.origin, link=link, preview=shown)


def _constant(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _output(conn: Connection, store: Store, result: Result) -> Output:
    some = result.items if result.count is not None else [result]
    reports = artifacts.get(conn, [each.digest for each in some if each.format == "report" and each.digest])
    shown = [preview.whole(store, reports[e.digest]) if e.digest in reports else _preview(e) for e in some]
    return Output(name=result.name, previews=tuple(shown), count=result.count)


def _preview(result: Result) -> Preview:
    return preview.of(result.format, result.digest or "", result.bytes, result.preview)
