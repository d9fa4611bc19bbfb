"""Beginning: what a run is made of, its content address, and its first fact; a run that was cut off is taken up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.pipelines import claim, outside, recipe
from argosy.pipelines.claiming import Shard
from argosy.pipelines.piece import Rows
from argosy.pipelines.setting import Setting
from argosy.spec.graph import Data, Graph, Node
from argosy.spec.resource import Resources
from argosy.store import datasets, events, runs
from argosy.store.runs import NewRun, Run


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is asked for: by whom and why, with which parameters, of which code.

    `function` is the pipeline's, as `module:name`, and `handler` the digest of the step that is told of its failure,
    empty where there is none. `chosen` names the parameters that are not at their defaults.
    `awaits` are datasets whose new versions start the pipeline: their latest ones count as those that it was started
    for. `anew` asks for a run of its own, even where another one that does the same was cut off. A `shard` is a run of
    its own, which begins with its part of each map.
    """

    pipeline: str
    parameters: dict[str, Any]
    bundle: str | None
    cause: str
    actor: str
    due_at: datetime | None = None
    function: str = ""
    handler: str = ""
    chosen: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()
    anew: bool = False
    shard: Shard | None = None


def prepare(graph: Graph, rows: Mapping[Data, Rows], variables: Mapping[str, str]) -> Setting:
    """What a run of a graph works on: the code of its steps and the files that it reads, as they are now."""
    resources = Resources()
    recipes = {name: recipe.of(step, variables, resources) for name, step in graph.steps().items()}
    return Setting(graph=graph, recipes=recipes, rows=rows, files={path: outside.read(path) for path in graph.files()})


def key(setting: Setting, shard: Shard | None = None, handler: str = "") -> str:
    """The content address of what a run is to do, what it gives and who is told of its failure included."""
    nodes = setting.graph.nodes
    graph = msgspec.structs.replace(setting.graph, nodes=(*nodes, Node("", "call", None, setting.graph.results)))
    names = claim.names(graph, setting.recipes, setting.rows, setting.files, "")
    made = [graph.pipeline, names, [node.keep_going for node in nodes], handler, shard]
    return hashlib.sha256(msgspec.json.encode(made)).hexdigest()


def begin(tx: Connection, request: Request, setting: Setting, now: datetime) -> Run:
    """The run for a request: the last one that was asked for the same, where that never ended, else a new one."""
    address = key(setting, request.shard, request.handler)
    last = None if request.anew else runs.of_key(tx, address)
    if last is not None and not runs.endings(tx, [last.id]):
        return last
    inputs = _awaited(tx, request) | {data.dataset: rows.reference for data, rows in setting.rows.items()}
    body = describe(setting) | {"function": request.function, "chosen": list(request.chosen)}
    if request.shard is not None:
        body["shard"] = msgspec.to_builtins(request.shard)
    made = runs.begin(
        tx,
        NewRun(
            pipeline=request.pipeline, key=address, at=now, actor=request.actor, cause=request.cause,
            bundle=request.bundle, parameters=request.parameters, inputs=inputs, body=body,
            due_at=request.due_at,
        ),
    )  # fmt: skip
    tell(tx, made)
    return made


def tell(tx: Connection, run: Run) -> None:
    """The event of a run that begins: what happened before it starts its pipeline no more."""
    said = f"run {run.id} started: {run.cause}"
    event = events.NewEvent(
        at=run.at, kind=runs.STARTED, subject=run.pipeline, actor=run.actor, message=said, body={"run": run.id}
    )
    events.add(tx, [event])


def _awaited(tx: Connection, request: Request) -> dict[str, str]:
    known = datasets.latest(tx) if request.awaits else {}
    return {name: f"{name}@{known[name].number}" for name in request.awaits if name in known}


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
        if node.step.interface.several:
            outputs = node.step.interface.outputs  # those without a name have their place for one
            found["outputs"] = ["" if each.name == str(place) else each.name for place, each in enumerate(outputs)]
    return found
