"""What `argosy describe run` tells of a tracked run."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from argosy.cli import show, tracked
from argosy.cli.course import cut
from argosy.cli.section import lines, pairs
from argosy.controller.clock import SystemClock
from argosy.controller.record import Record
from argosy.controller.record import record as recorded
from argosy.spec import size
from argosy.store import runs
from argosy.store.models.logged import IN
from argosy.store.tracking import identity
from argosy.store.tracking.inputs import Input
from argosy.store.tracking.runs import NAME_TAG, PARENT_TAG
from argosy.store.tracking.sought import CONTEXT

_MOST, _LONGEST = 30, 100
_SOURCE = "mlflow.source."
_TOLD = {NAME_TAG, PARENT_TAG, "mlflow.user"}
"""Tags that say what is told of a run anyway."""


def meant(conn: Connection, name: str) -> bool:
    """Whether a name is that of a tracked run, or its beginning, and not the id of a run of a pipeline."""
    return identity.is_one(name) and not (name.isdigit() and len(name) < 19 and runs.get(conn, int(name)) is not None)


def tell(conn: Connection, name: str, *, json: bool) -> None:
    """Print what is known of a tracked run. Raises UnknownError, UsageError."""
    found = recorded(conn, name)
    if json:
        show.emit({**tracked.item(found.seen), **_rest(found)})
        return
    show.put(*_head(found), *_body(found))
    next = f"argosy history run {found.short}"
    show.say(f"  next: argosy lineage execution:{found.execution}, or {next}" if found.execution else f"  next: {next}")


def _rest(found: Record) -> dict[str, object]:
    return {
        "steps": {key: last.step for key, last in found.seen.metrics.items()},
        "inputs": [{**each.dataset._asdict(), "tags": dict(each.tags)} for each in found.inputs],
        "models": [{"direction": way, "model": model, "step": step} for way, model, step in found.models],
        "versions": [{"model": name, "number": number} for name, number in found.versions],
        "location": found.location, "files": found.files, "children": [each.run for each in found.children.values()],
        "execution": found.execution, "history": [each._asdict() for each in found.history],
    }  # fmt: skip


def _head(found: Record) -> Iterator[str]:
    run, tags = found.seen.run, found.seen.tags
    took = tracked.took(run, SystemClock().now())
    lasted = f" {'for' if run.ended_at is None else 'in'} {took}" if took else ""
    yield f"run {found.short} {run.name!r} of experiment {found.seen.experiment.name}: {run.status}{lasted}"
    yield f"  name        {run.run}"
    by = next((each.actor for each in reversed(found.history)), "")
    owner = run.owner or tags.get("mlflow.user", "")
    whose = f"{owner}, recorded by {by}" if owner and by and owner != by else owner or by
    yield f"  began       {show.text(run.started_at)} UTC" + (f" by {whose}" if whose else "")
    if run.ended_at is not None:
        yield f"  ended       {show.text(run.ended_at)} UTC"
    if run.deleted_at is not None:
        yield f"  deleted     {show.text(run.deleted_at)} UTC: argosy restore run {found.short}"
    if found.parent is not None:
        yield f"  within      run {found.parent}"
    code = {key.removeprefix(_SOURCE): value for key, value in tags.items() if key.startswith(_SOURCE)}
    if code:
        yield f"  code        {', '.join(f'{key} {cut(value, _LONGEST)}' for key, value in code.items())}"
    if found.execution is not None:
        yield f"  lineage     execution {found.execution}"


def _body(found: Record) -> Iterator[str]:
    seen = found.seen
    yield from pairs("parameters", [(key, _line(value)) for key, value in seen.parameters.items()], _MOST)
    measured = [(key, _at(last.value, last.step)) for key, last in seen.metrics.items()]
    yield from pairs("metrics", measured, _MOST)
    tags = [(key, _line(value)) for key, value in seen.tags.items() if key not in _TOLD and _SOURCE not in key]
    yield from pairs("tags", tags, _MOST)
    yield from pairs("read", [(each.dataset.name, _source(each)) for each in found.inputs], _MOST)
    models = [(f"{'read' if way == IN else 'made'}", model) for way, model, _ in found.models]
    named = [("registered", f"{name} version {number}") for name, number in found.versions]
    yield from pairs("models", [*models, *named], _MOST)
    if found.files is None:
        yield from lines("artifacts", [f"kept elsewhere: {found.location}"], _MOST)
    else:
        yield from pairs("artifacts", [(path, size.show(count)) for path, count in found.files.items()], _MOST)
    within = [(short, f"{_line(each.name)}: {each.status}") for short, each in found.children.items()]
    yield from pairs("nested runs", within, _MOST)


def _at(value: float, step: int) -> str:
    return f"{show.text(value)}  at step {step}" if step else show.text(value)


def _source(given: Input) -> str:
    context = given.tags.get(CONTEXT)
    return f"{given.dataset.digest}, {given.dataset.source_type}" + (f", for {context}" if context else "")


def _line(text: str) -> str:
    return cut(" ".join(text.split()), _LONGEST)
