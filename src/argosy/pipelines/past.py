"""The past of a pipeline: how its last run called each step, for comparing with what a run does now."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.pipelines.why import changes
from argosy.store import calls, executions, runs
from argosy.store.runs import Run


class Past:
    """The calls of a run by node and element, or one of them, and what its steps were made of."""

    def __init__(self, conn: Connection, run: Run | None, place: tuple[str, int] | None = None) -> None:
        self._run = run
        self._recipes: dict[str, Any] = run.body.get("recipes", {}) if run else {}
        self._steps = {node["name"]: node.get("step", "") for node in run.body.get("nodes", ())} if run else {}
        node, element = place or (None, None)
        found = calls.of(conn, run.id, node=node, element=element) if run else []
        done = executions.get(conn, {call.execution_id for call in found if call.execution_id is not None})
        self._calls = {(call.node, call.element): done.get(call.execution_id or 0) for call in found}

    def why(self, node: str, element: int, recipe: Any, told: dict[str, Any]) -> list[str]:
        """Why a call that is not known is to be executed, in words; one line for each part of its key that differs."""
        if self._run is None:
            return ["the pipeline never ran before"]
        step = self._steps.get(node)
        before = self._calls.get((node, element))
        if step is None:
            return [f"run {self._run.id}, the last one, has no such step"]
        found = changes(
            self._recipes.get(step, {}), msgspec.to_builtins(recipe), before.parameters.get("arguments", {}) if before
            else told, told,
        )  # fmt: skip
        if found:
            return [f"{each} (since run {self._run.id})" for each in found]
        if before is None:
            return [f"run {self._run.id}, the last one, did not come to it"]
        if before.outcome == executions.FAILED:
            return [f"it failed in run {self._run.id}: {before.reason}"]
        return [f"what run {self._run.id} made of it is not to be used again, or gone"]


def last(conn: Connection, pipeline: str, before: int | None = None) -> Run | None:
    """The last run of a pipeline, before a run if given, that came to anything."""
    found = runs.latest(conn, pipeline, limit=10, before=before)
    return next((run for run in found if runs.touched(conn, run.id)), None)
