"""Causes: why each call of a run was executed, taken from an earlier one, skipped or lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.pipelines.past import Past, last
from argosy.store import calls, executions
from argosy.store.calls import Call
from argosy.store.executions import Execution
from argosy.store.runs import Run

_NAMED = 20


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call came to its state; of one that is cached, the execution that it is from and the run that did it."""

    node: str
    element: int
    state: str
    why: list[str]
    execution_id: int | None = None
    run: int | None = None


class Causes(msgspec.Struct, frozen=True, kw_only=True):
    """The causes of a run's calls, in the order of its graph; `before` is the run that it is compared with."""

    run: int
    pipeline: str
    before: int | None
    calls: list[Cause]


def causes(conn: Connection, run: Run, node: str | None = None, element: int | None = None) -> Causes:
    """Why the calls of a run came to their states, of one node or element if given; a constant number of queries.

    Raises UnknownError for a node or an element that it has not, or has not come to yet.
    """
    check(run, node)
    order = {each["name"]: place for place, each in enumerate(run.body.get("nodes", ()))}
    found = calls.of(conn, run.id, node=node, element=element)
    if not found and (node is not None or element is not None):
        place = f"{node or 'any step'}[{element}]" if element is not None else node
        raise UnknownError(f"run {run.id} has not come to {place}", next=f"argosy describe run {run.id}")
    found.sort(key=lambda each: (order.get(each.node, len(order)), each.node, each.element))
    before = last(conn, run.pipeline, run.id)
    past = Past(conn, before, (node, element) if node is not None and element is not None else None)
    done = executions.get(conn, {each.execution_id for each in found if each.execution_id is not None})
    makers = calls.first(conn, done)
    lost = {(each.node, each.element): each.reason for each in calls.superseded(conn, run.id, calls.FAILED)}
    nodes = {each["name"]: each for each in run.body.get("nodes", ())}
    told = []
    for each in found:
        maker = makers.get(each.execution_id or 0)
        why = _why(run, nodes.get(each.node, {}), each, past, done, maker, lost.get((each.node, each.element)))
        told.append(
            Cause(
                node=each.node, element=each.element, state=each.state, why=why, execution_id=each.execution_id,
                run=maker.run_id if maker is not None else None,
            )
        )  # fmt: skip
    return Causes(run=run.id, pipeline=run.pipeline, before=before.id if before else None, calls=told)


def check(run: Run, node: str | None) -> None:
    """Raise UnknownError for a node that a run has not."""
    known = [each["name"] for each in run.body.get("nodes", ())]
    if node is not None and node not in known and not node.startswith("on_failure/"):
        shown = ", ".join(known[:_NAMED]) + (f", … ({len(known):,} in all)" if len(known) > _NAMED else "")
        raise UnknownError(f"run {run.id} of {run.pipeline} has no step {node!r}", next=f"its steps are: {shown}")


def _why(
    run: Run, node: Mapping[str, Any], call: Call, past: Past, done: Mapping[int, Execution], maker: Call | None,
    lost: str | None,
) -> list[str]:  # fmt: skip
    made = done.get(call.execution_id or 0)
    if call.state == calls.CACHED and maker is not None:
        return [_taken(call, maker)]
    if call.state in (calls.SKIPPED, calls.FAILED) or made is None:
        return [call.reason] if call.reason else []
    if lost is not None:
        return [f"it failed before the run was continued: {lost}"]
    if node.get("cache") is False:
        return ["it is not cached"]
    if "step" not in node:
        return ["a fleet is asked each time"]
    recipe = run.body.get("recipes", {}).get(node["step"], {})
    return past.why(call.node, call.element, recipe, made.parameters.get("arguments", {}))


def _taken(call: Call, maker: Call) -> str:
    """Who did what a call took: `maker` is the call that it was done for."""
    same = (maker.node, maker.element) == (call.node, call.element)
    if maker.run_id == call.run_id:
        return "done by this run, before it was continued" if same else "done by this run for a call that is alike"
    return f"done by run {maker.run_id}" + ("" if maker.node == call.node else f" as {maker.node}")
