"""Pausing: whether a pipeline may start by itself, as a person says."""

from __future__ import annotations

from datetime import datetime

from argosy.errors import UnknownError
from argosy.spec.document import recorded
from argosy.spec.pipeline import Pipeline
from argosy.spec.schedule import show
from argosy.store import Store, declarations, events, pauses
from argosy.store.pauses import NewPause


def pause(store: Store, name: str, now: datetime, actor: str, reason: str = "") -> str:
    """Let a pipeline start no runs by itself until it is resumed; what that changes, in words.

    Runs that have begun go on. Raises UnknownError for a pipeline that was not applied.
    """
    return _say(store, name, now, actor, reason, paused=True)


def resume(store: Store, name: str, now: datetime, actor: str, reason: str = "") -> str:
    """Let a pipeline start by itself again; what becomes of the times that it missed, in words."""
    return _say(store, name, now, actor, reason, paused=False)


def _say(store: Store, name: str, now: datetime, actor: str, reason: str, *, paused: bool) -> str:
    with store.write() as tx:
        declared = declarations.get(tx, "pipeline", name)
        if declared is None:
            known = ", ".join(each.name for each in declarations.current(tx, "pipeline")) or "none was applied"
            raise UnknownError(
                f"there is no pipeline {name!r}", next=f"argosy apply PROJECT; the pipelines are: {known}"
            )
        pipeline = recorded(declared.body)
        assert isinstance(pipeline, Pipeline)
        before = pauses.latest(tx).get(name)
        if paused is (before is not None and before.paused):
            return f"{name} is paused already" if paused else f"{name} is not paused"
        verb = "paused" if paused else "resumed"
        said = f"{name} is {verb}" + (f": {reason}" if reason else "")
        pauses.add(tx, NewPause(pipeline=name, paused=paused, at=now, actor=actor, reason=reason))
        event = events.NewEvent(at=now, kind=f"pipeline.{verb}", subject=name, actor=actor, message=said)
        events.add(tx, [event])
    return said + _then(pipeline, paused=paused)


def _then(pipeline: Pipeline, *, paused: bool) -> str:
    if not pipeline.by_itself:
        return "; it never starts by itself"
    if paused:
        return "; it starts by itself no more, and runs that have begun go on"
    if pipeline.schedule is None:
        return f"; it starts upon {' or '.join(map(str, pipeline.on))}"
    missed = {"none": "skipped", "last": "made up for by one run, of the latest", "all": "each made up for"}
    return f"; it starts {show(pipeline.schedule)}, and times that it missed are {missed[pipeline.catch_up]}"
