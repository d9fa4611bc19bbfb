"""Starting: from a pipeline that is due to a run that has begun, once; and taking up one that was cut off.

User's code runs in here: each process does this for one run, under a lease.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from argosy.controller import code as coding
from argosy.controller import ending, running, tenure
from argosy.controller.action import Start
from argosy.controller.agenda import due
from argosy.controller.almanac import Almanac, Entry
from argosy.controller.clock import SystemClock
from argosy.controller.code import Code
from argosy.controller.house import House
from argosy.errors import ArgosyError, CapacityError, ConflictError, LeaseError
from argosy.pipelines import begin as beginning
from argosy.pipelines.setting import Setting
from argosy.spec.pipeline import Pipeline
from argosy.spec.trigger import NewVersion
from argosy.store import Store, leases, runs
from argosy.store.runs import NewRun, Run, Unended

LEASE = "start/"
_PASSING = (CapacityError, ConflictError, LeaseError, MemoryError)
_LONGEST = 1000
_Made = tuple[Code, Setting]


class Begun(msgspec.Struct, frozen=True):
    """A run that this process is to carry out."""

    code: Code
    run: Run
    setting: Setting


def begin(house: House, pipeline: str, now: datetime) -> Begun | None:
    """Begin the run of a pipeline that is due; None where none is, or another process begins it.

    One that cannot be put together, as its code fails or what it reads is not there, begins and fails at once, with the
    reason: its time is done with.
    """
    with tenure.hold(house.store, f"{LEASE}{pipeline}") as lease:
        found = _due(house.store, pipeline, now) if lease is not None else None
        if lease is None or found is None:
            return None
        entry, start = found
        made = _attempt(lambda: _put_together(house, start))
        if isinstance(made, str):
            refuse(house.store, entry, start, made, house.actor)
            return None
        code, setting = made
        asked = running.request(house, code, _given(code.pipeline, start), start.why, start.due_at)
        with house.store.write() as tx:
            leases.hold(tx, [lease])
            at = SystemClock().now()
            for id, state in runs.states(tx, start.replaces, at).items():
                if state in (runs.RUNNING, runs.INTERRUPTED):  # else it ended meanwhile
                    replaced = Unended(id=id, pipeline=pipeline)
                    ending.record(tx, replaced, runs.CANCELLED, at, house.actor, f"replaced, {start.why}")
            run = beginning.begin(tx, msgspec.structs.replace(asked, anew=True), setting, at)
    return Begun(code, run, setting)


def take_up(house: House, run_id: int) -> Begun | None:
    """A run that was cut off, with the code, parameters and versions that it had; None where it has ended meanwhile.

    One that cannot be put together any more ends as failed, with the reason.
    """
    with house.store.read() as conn:
        run = runs.get(conn, run_id)
        if run is None or runs.endings(conn, [run_id]):
            return None
    made = _attempt(lambda: _put_together_again(house, run))
    if isinstance(made, str):
        give_up(house.store, run, f"it cannot be taken up again: {made}", house.actor)
        return None
    code, setting = made
    return Begun(code, run, setting)


def refuse(store: Store, entry: Entry, start: Start, reason: str, actor: str) -> None:
    """Record that a run which was due failed before it could begin; what it was started for is done with."""
    at, pipeline = SystemClock().now(), entry.pipeline
    asked = (each.dataset for each in pipeline.on if isinstance(each, NewVersion))
    new = NewRun(
        pipeline=pipeline.name, key="", at=at, actor=actor, cause=start.why, bundle=entry.bundle,
        parameters=_given(pipeline, start),
        inputs={name: f"{name}@{entry.versions[name]}" for name in asked if name in entry.versions},
        due_at=start.due_at, body={"function": pipeline.function},
    )  # fmt: skip
    with store.write() as tx:
        run = runs.begin(tx, new)
        beginning.tell(tx, run)
        ending.record(tx, run, runs.FAILED, at, actor, reason[:_LONGEST])


def give_up(store: Store, run: Run | Unended, reason: str, actor: str) -> None:
    """Record that a run which nobody works on has failed, unless it ended meanwhile."""
    with tenure.hold(store, f"{runs.LEASE}{run.id}") as lease:
        if lease is None:
            return
        with store.write() as tx:
            leases.hold(tx, [lease])
            if not runs.endings(tx, [run.id]):
                ending.record(tx, run, runs.FAILED, SystemClock().now(), actor, reason[:_LONGEST])


def _due(store: Store, pipeline: str, now: datetime) -> tuple[Entry, Start] | None:
    with store.read() as conn:
        entry = next((each for each in Almanac().read(conn) if each.pipeline.name == pipeline), None)
    start = due(entry, now) if entry is not None else None
    return (entry, start) if entry is not None and start is not None else None


def _attempt(put_together: Callable[[], _Made]) -> _Made | str:
    """What was put together, or why it cannot be. Raises what may be otherwise a moment later."""
    try:
        return put_together()
    except _PASSING:
        raise
    except ArgosyError as error:
        return error.message
    except Exception as error:  # the project's own code runs in here
        return f"{type(error).__name__}: {error}"


def _put_together(house: House, start: Start) -> _Made:
    code = coding.of_store(house, start.pipeline)
    return code, running.setting(house, code, _given(code.pipeline, start))


def _put_together_again(house: House, run: Run) -> _Made:
    code = coding.of_run(house, run)
    return code, running.setting(house, code, run.parameters, run.inputs)


def _given(pipeline: Pipeline, start: Start) -> dict[str, Any]:
    return {pipeline.span: start.span} if pipeline.span is not None and start.span is not None else {}
