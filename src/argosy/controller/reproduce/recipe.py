"""Recipes: what a run of a pipeline, or a version of a member, is recorded to be made of, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.controller import libraries
from argosy.errors import ConflictError, UnknownError, UsageError
from argosy.registry import address
from argosy.registry.address import Address
from argosy.store import bundles, calls, declarations, edges, executions, runs, versions
from argosy.store.bundles import Bundle
from argosy.store.calls import Call
from argosy.store.declarations import Declaration
from argosy.store.edges import IN, OUT
from argosy.store.executions import Execution
from argosy.store.tracking import identity, naming
from argosy.store.tracking.runs import Run as Tracked
from argosy.training import plan

_DATASET, _VERSION, _STEP, _TRAIN = "dataset", "version", "step", "train"


class _Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """`datasets` are those that were read, each at the highest version; `libraries` those that counted, by name."""

    name: str
    at: datetime
    bundle: Bundle
    datasets: dict[str, int]
    libraries: dict[str, str]


class Piped(_Recipe, frozen=True, kw_only=True):
    """A run of a pipeline, or the one `call` of it that is asked for."""

    run: runs.Run
    call: Call | None = None


class Trained(_Recipe, frozen=True, kw_only=True):
    """A version of a member: what was declared when it was trained, and the tuning that its settings are from."""

    address: Address
    version: versions.Version
    execution: Execution
    declared: list[Declaration]
    tuning: Execution | None

    @property
    def parts(self) -> dict[str, str]:
        """What the key of its training is made of."""
        return dict(self.execution.parameters["parts"])


Recipe = Piped | Trained


def find(conn: Connection, text: str) -> Recipe | Tracked:
    """What is recorded of the run or version that a text names; of a client's run, the run.

    A text is the number of a pipeline's run, the beginning of the name of a tracked run, or a version as
    FLEET/KEY@NUMBER. Raises UnknownError for what is not there or has no code on record, ConflictError for a run that
    has not ended, and UsageError for what is neither a run of a pipeline, nor a step of one, nor the training of a
    version.
    """
    if "@" in text:
        return _version(conn, address.parse(text))
    if text.isascii() and text.isdigit() and len(text) < identity.LEAST:
        return _run(conn, int(text))
    (found,) = identity.find(conn, [text])
    execution, pipeline = naming.execution(found.run), naming.pipeline(found.run)
    if execution is not None:
        return _execution(conn, text, execution)
    if pipeline is not None:
        return _run(conn, pipeline)
    if naming.is_own(found.run):
        raise UsageError(
            f"{text} is a training of fleet {found.name}, of many versions",
            next="reproduce one of its versions: argosy reproduce FLEET/KEY@NUMBER",
        )
    return found


def place(call: Call) -> str:
    """What a call is named by: its node, and its element where it is mapped."""
    return call.node if call.element == calls.WHOLE else f"{call.node}[{call.element}]"


def _run(conn: Connection, id: int, call: Call | None = None) -> Piped:
    run = runs.get(conn, id)
    if run is None:
        raise UnknownError(f"there is no run {id}", next="argosy runs")
    name = f"run {run.id} of {run.pipeline}"
    facts = _bundle(conn, name, run.bundle)
    if not runs.endings(conn, [id]):
        raise ConflictError(
            f"{name} has not ended: it is at work, or was cut off", next=f"argosy retry {id}, and wait for its end"
        )
    used = [each.execution_id for each in calls.of(conn, run.id) if each.execution_id is not None]
    read = [*run.inputs.values(), *_datasets(conn, used)]
    known: Mapping[str, Mapping[str, Mapping[str, str]]] = run.body.get("recipes", {})
    counted = {name: each for step in known.values() for name, each in step.get("libraries", {}).items()}
    if call is not None:
        name = f"{place(call)} of {name}"
    return Piped(
        name=name, at=run.at, bundle=facts, datasets=_highest(read), libraries={**facts.libraries, **counted}, run=run,
        call=call,
    )  # fmt: skip


def _execution(conn: Connection, text: str, id: int) -> Recipe:
    found = executions.get(conn, [id])[id]
    if found.kind == _STEP and (call := calls.first(conn, [id]).get(id)) is not None:
        return _run(conn, call.run_id, call)
    made = [each.reference for each in edges.of(conn, [id], OUT) if each.kind == _VERSION]
    if found.kind == _TRAIN and made:
        return _version(conn, address.parse(made[0]))
    what = "a training that made no version" if found.kind == _TRAIN else f"an execution of kind {found.kind}"
    raise UsageError(
        f"{text} is {what}: {found.subject}", next="reproduce a run of a pipeline, a step of one, or a version"
    )


def _version(conn: Connection, meant: Address) -> Trained:
    found = versions.find(conn, meant.fleet, meant.key, meant.number)
    if found is None:
        raise UnknownError(
            f"there is no version {meant}", next=f"argosy get versions --where fleet:{meant.fleet}"
        )  # fmt: skip
    made = executions.get(conn, [found.execution_id])[found.execution_id]
    if made.kind != _TRAIN:
        before = next((e.reference for e in edges.of(conn, [made.id], IN) if e.kind == _VERSION), "another version")
        raise UsageError(f"{meant} was made of {before}, not trained", next=f"argosy reproduce {before}")
    facts = _bundle(conn, str(meant), made.bundle)
    parts: Mapping[str, str] = made.parameters["parts"]
    key = plan.tuning(parts["code"], parts["declaration"], parts["environment"])
    installed = libraries.known(conn, meant.fleet).values()
    counted = next((each.versions for each in installed if each.digest == parts["environment"]), {})
    return Trained(
        name=str(meant), at=made.started_at, bundle=facts, datasets=_highest(_datasets(conn, [made.id])),
        libraries={**facts.libraries, **counted}, address=meant, version=found, execution=made,
        declared=declarations.standing(conn, made.started_at), tuning=executions.finished(conn, [key]).get(key),
    )  # fmt: skip


def _bundle(conn: Connection, name: str, digest: str | None) -> Bundle:
    facts = bundles.get(conn, digest) if digest else None
    if facts is None:
        raise UnknownError(f"the code of {name} is not on record", next="argosy apply PROJECT records it from now on")
    return facts


def _datasets(conn: Connection, ids: Iterable[int]) -> list[str]:
    return [each.reference for each in edges.of(conn, ids, IN) if each.kind == _DATASET]


def _highest(references: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, _, number in (each.rpartition("@") for each in references):
        found[name] = max(int(number), found.get(name, 0))
    return dict(sorted(found.items()))
