"""What `argosy describe` tells of a run, of an execution of a step, of an artifact and of a registered model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection

from argosy.cli import preview, record, registered, show
from argosy.cli.course import given, place, tally, written
from argosy.cli.section import pairs
from argosy.controller import course, provenance
from argosy.controller.clock import SystemClock
from argosy.controller.course import Step, Summary
from argosy.controller.provenance import Executed, Given, Kept, Maker
from argosy.errors import UnknownError
from argosy.spec import size
from argosy.spec.quantity import plural
from argosy.store import executions, runs
from argosy.store.calls import FAILED

_STEPS, _FAILURES = 100, 20
_REASON, _ALL = 500, 1000


def tell(conn: Connection, kind: str, name: str, *, json: bool) -> bool:
    """Print what is known of a thing of one of these kinds; false for another. Raises UnknownError, UsageError."""
    if kind == "executions" and not _is_step(conn, name):
        return False
    if kind not in _KINDS:
        return False
    _KINDS[kind](conn, name, json)
    return True


def identity(kind: str, text: str) -> int:
    """The id that a text is. Raises UnknownError."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        tracked = "; of a tracked run its first 8 digits, as argosy runs --sort -start_time shows" * (kind == "run")
        raise UnknownError(
            f"{text[:80]!r} is no id of a {kind}", next=f"pass a whole number, as argosy get {kind}s shows{tracked}"
        )
    return int(text)


def _run(conn: Connection, name: str, json: bool) -> None:
    if record.meant(conn, name):
        _tracked(conn, name, json)
        return
    found = course.summary(conn, identity("run", name), SystemClock().now())
    if json:
        show.emit(found)
        return
    show.put(*_head(found))
    if found.steps:
        show.put("")
        headers = ["step", "calls", ">CPU s", ">wall s", ">peak", ">made", "critical"]
        show.table(headers, [_row(each) for each in _foremost(found)])
        if len(found.steps) > _STEPS:
            show.put(f"… {len(found.steps) - _STEPS:,} more, which took less (--json has them)")
    show.put(*_failures(found), *_results(found))
    show.say(f"  next: {_next(found)}")


def _head(found: Summary) -> Iterator[str]:
    run, brief = found.run, found.brief
    took = f" in {show.span(brief.took)}" if brief.took is not None and brief.state != runs.RUNNING else ""
    at_work = f" for {show.span(brief.took)}" if brief.took is not None and brief.state == runs.RUNNING else ""
    yield f"run {run.id} of {run.pipeline}: {brief.state}{took}{at_work}" + (
        f", {tally(brief.counts)}" * bool(brief.counts)
    )
    due = f", due {show.text(run.due_at)} UTC" if run.due_at else ""
    yield f"  began       {show.text(run.at)} UTC: {run.cause}{due}"
    for ending in found.endings[:-1]:
        was = "was cancelled" if ending.outcome == runs.CANCELLED else ending.outcome
        yield f"  continued   after it {was} at {show.text(ending.at)} UTC"
    if brief.state == runs.CANCELLED:
        last = found.endings[-1]
        yield f"  cancelled   {show.text(last.at)} UTC by {last.actor}" + (f": {last.reason}" if last.reason else "")
    if run.parameters:
        yield f"  parameters  {given(run.parameters, _REASON)}"
    if found.working:
        now = SystemClock().now()
        shown = [
            f"{place(each.node, each.element)} for {show.span((now - each.started_at).total_seconds())}"
            for each in found.working[:_STEPS]
        ]
        more = len(found.working) - len(shown)
        yield f"  at work     {', '.join(shown)}" + (f" and {more:,} more" if more else "")
    if run.inputs:
        yield f"  inputs      {show.text(list(run.inputs.values()))}"
    if run.bundle:
        yield f"  code        bundle {run.bundle[:12]}"
    peak = f", at most {size.show(found.peak_bytes)} in one process" if found.peak_bytes else ""
    cost = f"{found.cpu_s:.3g} CPU-s, {show.span(found.wall_s)} of work{peak}, {size.show(found.bytes)} made"
    yield f"  cost        {cost if found.cpu_s or found.wall_s else 'nothing: it executed no step'}"


def _foremost(found: Summary) -> list[Step]:
    """The steps that are shown, in the order of the graph: of many, those that failed and those that took longest."""
    ranked = sorted(found.steps, key=lambda step: (step.failure is None, -step.wall_s))[:_STEPS]
    names = {step.name for step in ranked}
    return [step for step in found.steps if step.name in names]


def _row(step: Step) -> list[object]:
    calls = tally(step.counts) if step.kind != "either" else "a choice"
    ran = bool(step.wall_s or step.cpu_s)
    return [
        step.name, calls, step.cpu_s if ran else None, step.wall_s if ran else None,
        size.show(step.peak_bytes) if step.peak_bytes else None, size.show(step.bytes) if step.bytes else None,
        "*" if step.critical else None,
    ]  # fmt: skip


def _failures(found: Summary) -> Iterator[str]:
    failed = [step for step in found.steps if step.failure is not None]
    for number, step in enumerate(failed):
        if not number:
            yield from ("", "failed")
        if number == _FAILURES:
            yield f"  … {len(failed) - _FAILURES:,} more (--json has them)"
            return
        assert step.failure is not None
        reason = step.failure.reason[:_REASON].rstrip().replace("\n", "\n    ")
        execution = f" (execution {step.failure.execution_id})" if step.failure.execution_id is not None else ""
        others = step.counts[FAILED] - 1
        more = f"; {plural(others, 'other element')} failed too" if others else ""
        yield f"  {place(step.name, step.failure.element)}: {reason}{execution}{more}"


def _results(found: Summary) -> Iterator[str]:
    if found.results:
        yield from ("", "results")
    width = max((len(each.name) for each in found.results), default=0)
    for each in found.results:
        yield f"  {each.name:<{width}}  {preview.result(each)}"
        for item in each.items[:3]:
            yield f"  {'':<{width}}    {preview.result(item)}"
        if each.count is not None and each.count > 3:
            yield f"  {'':<{width}}    …"


def _next(found: Summary) -> str:
    id, state = found.run.id, found.brief.state
    if state == runs.RUNNING:
        return f"argosy logs {id} --follow, or argosy cancel {id}"
    if state == runs.SUCCEEDED:
        first = next((each.digest for each in found.results if each.digest), None)
        lost = f"argosy logs {id} --failed, " if found.brief.counts.get(FAILED) else ""
        return f"{lost}argosy why run {id}" + (f", or argosy describe artifact {first[:12]}" if first else "")
    failed = f"argosy logs {id} --failed, then " if state == runs.FAILED else ""
    return f"{failed}argosy retry {id}, or argosy run {found.run.pipeline}"


def _execution(conn: Connection, name: str, json: bool) -> None:
    found = provenance.execution(conn, identity("execution", name))
    if json:
        show.emit(found)
        return
    show.put(*_executed(found))
    call = found.call
    if call is not None:
        element = f" --element {call.element}" if call.element >= 0 else ""
        at = f"{call.run_id} --step {call.node}{element}"
        show.say(f"  next: argosy why run {at}" + (f", or argosy logs {at}" if found.log is not None else ""))


def _executed(found: Executed) -> Iterator[str]:
    run = found.execution
    attempts = run.parameters.get("attempts", 1)
    tried = f", at the {attempts}. attempt" if attempts > 1 else ""
    yield f"execution {run.id} of {run.subject}: {run.outcome}{tried}"
    if found.call is not None:
        yield f"  made for  run {found.call.run_id}, {place(found.call.node, found.call.element)}"
    yield f"  began     {show.text(run.started_at)} UTC"
    peak = f", at most {size.show(run.peak_bytes)}" if run.peak_bytes else ""
    yield f"  cost      {run.cpu_s or 0:.3g} CPU-s, {show.span(run.wall_s or 0)}{peak}"
    yield f"  key       {run.key[:12]}" + (f", code bundle {run.bundle[:12]}" if run.bundle else "")
    if run.reason:
        yield f"  failed    {run.reason}"
    yield from pairs("arguments", [(each.name, _given(each)) for each in found.given], _ALL)
    yield from pairs("read", [(edge.kind, edge.reference) for edge in found.read], _ALL)
    yield from pairs("gave", [(each.name, preview.result(each)) for each in found.made], _ALL)
    logged = {**run.metrics, **run.parameters.get("logged", {})}
    yield from pairs("logged", [(key, show.text(value)[:_REASON]) for key, value in logged.items()], _ALL)
    if found.log is not None:
        yield from pairs(
            "wrote", [("log", f"{size.show(found.log.bytes or 0)}, {(found.log.digest or '')[:12]}")], _ALL
        )
    if trace := run.parameters.get("traceback"):
        yield from ("", *str(trace).rstrip().splitlines())


def _given(each: Given) -> str:
    if not each.content:
        return written(each.value, _REASON)
    origin = f"from {each.origin}: " if each.origin else ""
    if each.artifact is not None:
        return origin + preview.result(each.artifact)
    kind, _, digest = each.content.partition(":")
    count = f" of {each.count:,}" if each.count is not None else ""
    return f"{origin}{kind}{count}, {digest[:12]}"


def _artifact(conn: Connection, name: str, json: bool) -> None:
    found = provenance.artifact(conn, name)
    if json:
        show.emit(found)
        return
    show.put(*_kept(found))
    if found.made_by:
        show.say(f"  next: argosy describe execution {found.made_by[0].id}")


def _kept(found: Kept) -> Iterator[str]:
    yield f"artifact {found.digest}"
    yield f"  {found.format} of {size.show(found.bytes)}, since {show.text(found.at)} UTC"
    yield from ("", "holds", *(f"  {each}" for each in preview.lines(found.preview)))
    yield from pairs("made by", [_maker(each) for each in found.made_by], _ALL)
    yield from pairs("read by", [_maker(each) for each in found.read_by], _ALL)
    if found.more:
        yield f"  and more than these {plural(max(len(found.made_by), len(found.read_by)), 'execution')}"


def _maker(each: Maker) -> tuple[str, str]:
    return f"execution {each.id}", f"{each.subject}, {show.text(each.ended_at)} UTC"


def _tracked(conn: Connection, name: str, json: bool) -> None:
    record.tell(conn, name, json=json)


def _model(conn: Connection, name: str, json: bool) -> None:
    registered.tell(conn, name, json=json)


def _is_step(conn: Connection, name: str) -> bool:
    id = identity("execution", name)
    found = executions.get(conn, [id]).get(id)
    return found is None or found.kind == "step"


_KINDS: dict[str, Callable[[Connection, str, bool], Any]] = {
    "runs": _run, "executions": _execution, "artifacts": _artifact, "tracked": _tracked,
    "models": _model,
}  # fmt: skip
