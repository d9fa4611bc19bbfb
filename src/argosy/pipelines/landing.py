"""Landing: what came of calls becomes facts, many in one transaction, small artifacts in their rows or in one pack."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.engine.contract import Result
from argosy.pipelines import frames, listing
from argosy.pipelines.memo import written
from argosy.pipelines.piece import INLINE, Held, Many, Piece, held
from argosy.pipelines.work import Made
from argosy.store import Blobs, Slot, artifacts, calls, edges, executions
from argosy.store.artifacts import Artifact
from argosy.store.codec import from_micros

Write = Callable[[], AbstractContextManager[Connection]]
"""Opens the transaction that results are recorded in, and refuses it where the right to the run was lost."""


class Ended(msgspec.Struct, kw_only=True, gc=False):
    """What came of one call: a result that was made here, one that was known, or none.

    `result` is None where nothing was executed. `made` are its artifacts before they are landed, `outputs` once they
    are. `arguments` are as they were bound, `told` as they are recorded.
    """

    node: str
    element: int
    state: str
    key: str = ""
    reason: str = ""
    arguments: dict[str, Piece | None] = {}
    told: dict[str, Any] = {}
    result: Result | None = None
    made: tuple[Made, ...] = ()
    outputs: tuple[Piece | None, ...] = ()
    metrics: dict[str, float] = {}
    logged: dict[str, Any] = {}
    execution_id: int | None = None
    claim: str = ""
    """The claim that it was made under."""
    of: int = 1
    """How many calls the node comes to."""
    twin: Ended | None = None
    """The call that made the same result, where that is to be told first."""


class Context(msgspec.Struct, frozen=True):
    """What all landings of a run share."""

    run_id: int
    pipeline: str
    bundle: str | None


def place(made: Sequence[Made], blobs: Blobs) -> dict[str, Slot]:
    """Put the bytes that came by hand and are too many for a row into one pack; where each lies, by digest."""
    large = {each.digest: each.data for each in _leaves(made) if each.data and len(each.data) > INLINE}
    return {slot.digest: slot for slot in blobs.pack(list(large.values()))} if large else {}


def hold(made: Made, placed: dict[str, Slot]) -> Piece:
    """The artifact that was made, by where it lies now."""
    if made.items is not None:
        return Many.of([hold(each, placed) for each in made.items])
    slot, format = placed.get(made.digest), sys.intern(made.format)  # one text for all elements of a map
    if slot is not None:
        return Held(format, made.digest, made.size, None, slot.pack, slot.start)
    return Held(format, made.digest, made.size, made.data)


def land(tx: Connection, blobs: Blobs, context: Context, ended: Sequence[Ended], now: datetime) -> None:
    """Record what came of calls. Each that was executed gets the id of its execution."""
    run = [each for each in ended if each.result is not None]
    logs = {id(each): _log(each.result, blobs, now) for each in run if each.result is not None and each.result.log}
    kept = [_kept(each.outputs) for each in run]
    artifacts.renew(tx, _artifacts(run, kept, now))
    artifacts.add(tx, list(logs.values()))
    made = [_execution(context, each, pieces, now) for each, pieces in zip(run, kept, strict=True)]
    for each, number in zip(run, executions.record(tx, made), strict=True):
        each.execution_id = number
    for each in ended:
        if each.twin is not None:
            each.execution_id = each.twin.execution_id
    listing.land(tx, blobs, (piece for each in run for piece in each.arguments.values()), context.bundle, now)
    edges.add(tx, [
        edge for each, pieces in zip(run, kept, strict=True) for edge in _edges(each, pieces, logs.get(id(each)))
    ])  # fmt: skip
    calls.add(tx, [_call(context, each, now) for each in ended])


def _leaves(made: Sequence[Made]) -> list[Made]:
    found: list[Made] = []
    for each in made:
        found += [each] if each.items is None else _leaves(each.items)
    return found


def _kept(outputs: Sequence[Piece | None]) -> list[Held]:
    """The artifacts within outputs, in the order of the leaves that they were made from."""
    found: list[Held] = []
    for each in outputs:
        if isinstance(each, Held):
            found.append(each)
        else:
            found += held(each)
    return found


def _artifacts(run: Sequence[Ended], kept: Sequence[Sequence[Held]], now: datetime) -> list[Artifact]:
    """What calls made, each artifact once."""
    found: dict[str, Artifact] = {}
    for each, pieces in zip(run, kept, strict=True):
        for leaf, piece in zip(_leaves(each.made), pieces, strict=True):
            if leaf.digest not in found:
                found[leaf.digest] = Artifact(
                    digest=leaf.digest, kind=leaf.format, bytes=leaf.size, at=now, pack=piece.pack, start=piece.start,
                    data=piece.data, body=leaf.body,
                )  # fmt: skip
    return list(found.values())


def _log(result: Result, blobs: Blobs, now: datetime) -> Artifact:
    data = result.log
    digest = hashlib.sha256(data).hexdigest()
    small = len(data) <= INLINE
    if not small:
        blobs.put(data)
    return Artifact(digest=digest, kind="log", bytes=len(data), at=now, data=data if small else None)


def _execution(context: Context, ended: Ended, kept: Sequence[Held], now: datetime) -> executions.NewExecution:
    result = ended.result
    assert result is not None
    started = from_micros(int(result.started * 1e6)) if result.started else now
    assert started is not None
    failure = result.failure
    return executions.NewExecution(
        key=ended.key, kind="step", subject=f"{context.pipeline}/{ended.node}", started_at=started,
        ended_at=started + timedelta(seconds=result.wall_s), reason=ended.reason,
        outcome=executions.SUCCEEDED if failure is None else executions.FAILED, cpu_s=result.cpu_s,
        wall_s=result.wall_s, peak_bytes=result.peak_bytes or None, bundle=context.bundle, metrics=ended.metrics,
        parameters=_parameters(ended, kept),
    )  # fmt: skip


def _parameters(ended: Ended, kept: Sequence[Held]) -> dict[str, Any]:
    assert ended.result is not None
    found: dict[str, Any] = {"arguments": ended.told}
    if ended.result.failure is None:
        found["outputs"] = [written(each) for each in ended.outputs]
        found["bytes"] = sum([each.size for each in kept])
    elif traceback := frames.told(ended.result.failure.traceback):
        found["traceback"] = traceback
    if ended.logged:
        found["logged"] = ended.logged
    if ended.result.attempts > 1:
        found["attempts"] = ended.result.attempts
    return found


def _edges(ended: Ended, kept: Sequence[Held], log: Artifact | None) -> list[edges.Edge]:
    id = ended.execution_id
    assert id is not None
    read = [pair for piece in ended.arguments.values() for pair in listing.read(piece)]
    made = [("artifact", each.digest) for each in kept]
    if log is not None:
        made.append(("log", log.digest))
    return [
        edges.Edge(execution_id=id, direction=direction, kind=kind, reference=reference)
        for direction, pairs in ((edges.IN, read), (edges.OUT, made))
        for kind, reference in pairs
    ]


def _call(context: Context, ended: Ended, now: datetime) -> calls.NewCall:
    return calls.NewCall(
        run_id=context.run_id, node=ended.node, element=ended.element, state=ended.state, at=now,
        execution_id=ended.execution_id, reason=ended.reason,
    )  # fmt: skip
