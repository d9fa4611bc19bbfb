"""The record of a tracked run: all that is known of it, bounded, by a constant number of queries."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from argosy.store.models import logged, search
from argosy.store.tracking import files, history, identity, inputs, runs, view
from argosy.store.tracking.changes import Past
from argosy.store.tracking.clause import Clause
from argosy.store.tracking.inputs import Input
from argosy.store.tracking.place import SCHEME
from argosy.store.tracking.runs import PARENT_TAG, Run
from argosy.store.tracking.view import Seen


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A run, and what it read and made. Of files, of nested runs and of the history the first ones are there.

    `short` is what the run can be called by; `models` are (direction, logged model, step), `versions` those of
    registered models that are of the run, as (name, number); `files` are paths below
    `location` with their bytes, None where that lies outside; `execution` is the execution that the run is.
    """

    seen: Seen
    short: str
    inputs: list[Input]
    models: list[tuple[str, str, int]]
    versions: list[tuple[str, int]]
    location: str
    files: dict[str, int] | None
    children: dict[str, Run]
    parent: str | None
    history: list[Past]
    execution: int | None


def record(conn: Connection, text: str, limit: int = 1000) -> Record:
    """The record of the run whose name begins so, with at most `limit` files, nested runs and changes.

    Raises UnknownError, UsageError.
    """
    (run,) = identity.find(conn, [text])
    (seen,) = view.of(conn, [run.id])
    location = f"{seen.experiment.location.rstrip('/')}/{run.run}/artifacts"
    children = runs.children(conn, run, limit)
    parent = seen.tags.get(PARENT_TAG)
    near = [run.run, *(each.run for each in children), *([parent] if parent else [])]
    shorts = identity.shorts(conn, near)
    named = search.of_versions(conn, [Clause("attribute", "run_id", "=", run.run)], limit=limit).items
    return Record(
        seen=seen, short=shorts[run.run], inputs=inputs.of(conn, [run.id]).get(run.id, []),
        models=logged.flows(conn, [run.id]).get(run.id, []), versions=[(each.name, each.number) for each in named],
        location=location, files=_files(conn, location, limit),
        children={shorts[each.run]: each for each in children}, parent=shorts.get(parent or ""),
        history=history.of_run(conn, run.run, limit), execution=runs.execution(conn, run.id),
    )  # fmt: skip


def _files(conn: Connection, location: str, limit: int) -> dict[str, int] | None:
    if not location.startswith(SCHEME):
        return None
    root = location.removeprefix(SCHEME).strip("/")
    return {path[len(root) + 1 :]: size for path, (_, size) in files.below(conn, root, limit).items()}
