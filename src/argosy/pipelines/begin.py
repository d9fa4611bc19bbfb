"""Beginning: what a run is made of, its content address, and its first fact; a run that was cut off is taken up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.pipelines import claim, outside, recipe
from argosy.pipelines.piece import Rows
from argosy.pipelines.runner import Setting
from argosy.spec.graph import Data, Graph, Node
from argosy.spec.resource import Resources
from argosy.store import runs
from argosy.store.runs import NewRun, Run


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is asked for: by whom and why, with which parameters, of which code.

    `chosen` names the parameters that are not at their defaults.
    """

    pipeline: str
    parameters: dict[str, Any]
    bundle: str | None
    cause: str
    actor: str
    due_at: datetime | None = None
    chosen: tuple[str, ...] = ()


def prepare(graph: Graph, rows: Mapping[Data, Rows], variables: Mapping[str, str]) -> Setting:
    """What a run of a graph works on: the code of its steps and the files that it reads, as they are now."""
    resources = Resources()
    recipes = {name: recipe.of(step, variables, resources) for name, step in graph.steps().items()}
    return Setting(graph=graph, recipes=recipes, rows=rows, files={path: outside.read(path) for path in graph.files()})


def key(setting: Setting) -> str:
    """The content address of what a run is to do."""
    names = claim.names(setting.graph, setting.recipes, setting.rows, setting.files, "")
    return hashlib.sha256(msgspec.json.encode([setting.graph.pipeline, names])).hexdigest()


def begin(tx: Connection, request: Request, setting: Setting, now: datetime) -> Run:
    """The run for a request: the last one that was asked for the same, where that never ended, else a new one."""
    address = key(setting)
    last = runs.of_key(tx, address)
    if last is not None and not runs.endings(tx, [last.id]):
        return last
    inputs = {data.dataset: rows.reference for data, rows in setting.rows.items()}
    body = describe(setting) | {"chosen": list(request.chosen)}
    return runs.begin(
        tx,
        NewRun(
            pipeline=request.pipeline, key=address, at=now, actor=request.actor, cause=request.cause,
            bundle=request.bundle, parameters=request.parameters, inputs=inputs, body=body,
            due_at=request.due_at,
        ),
    )  # fmt: skip


def describe(setting: Setting) -> dict[str, Any]:
    """A run's graph and the recipes of its steps, as JSON."""
    nodes = setting.graph.nodes
    return {
        "nodes": [_node(node, [nodes[other].name for other in sorted(node.needs())]) for node in nodes],
        "recipes": msgspec.to_builtins(setting.recipes),
        "results": list(setting.graph.results),
    }


def _node(node: Node, needs: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": node.name, "kind": node.kind, "needs": needs}
    if node.step is not None:
        found["step"] = node.step.function
        if node.step.options.cache is not True:
            found["cache"] = node.step.options.cache
    return found
