"""Outcomes: what came of a run or a training, in the same form for what is recorded and for what was done again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller.reproduce.recipe import Piped, Recipe, Trained, place
from argosy.controller.result import Written, called
from argosy.store import calls, executions
from argosy.store.calls import CACHED, EXECUTED, Call
from argosy.store.executions import Execution

DONE = "done"
_COSTS = ("latency_p50_ms", "latency_p99_ms", "size_kb")
"""Metrics of a version that tell what it costs: times differ always, and the size is that of its bytes."""
_INPUTS = ("rows", "features", "settings")
"""Parts of a training's key that are not of the recipe: what it read, and what tuning chose."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one call, or of one training.

    `recipe` and `given` tell what it was made of, as `pipelines.why` takes them. `hashes` are the digests of what it
    made, by name, `counts` what can be counted. `volatile` says that it is done anew in each run.
    """

    state: str
    reason: str = ""
    recipe: Mapping[str, Any] = {}
    given: Mapping[str, Any] = {}
    metrics: Mapping[str, float] = {}
    hashes: Mapping[str, str] = {}
    counts: Mapping[str, int] = {}
    volatile: bool = False


Outcome = dict[str, Piece]
"""By what it is of: a node of the pipeline, one of its elements, or the model."""


def of(conn: Connection, recipe: Recipe) -> Outcome:
    """What came of it, as the home that the recipe is of has it; three queries at most."""
    return _of_version(recipe) if isinstance(recipe, Trained) else _of_run(conn, recipe)


def _of_version(recipe: Trained) -> Outcome:
    version, parts = recipe.version, recipe.parts
    hashes = {"bytes": version.artifact, **({"signature": version.signature} if version.signature else {})}
    piece = Piece(
        state=DONE, recipe={"libraries": recipe.libraries}, hashes=hashes, counts={"rows": version.rows},
        given={name: {"content": parts[name]} for name in _INPUTS},
        metrics={name: value for name, value in version.metrics.items() if name not in _COSTS},
    )  # fmt: skip
    return {"model": piece}


def _of_run(conn: Connection, recipe: Piped) -> Outcome:
    run, call = recipe.run, recipe.call
    asked: dict[str, Any] = {} if call is None else {"node": call.node, "element": call.element}
    found = calls.of(conn, run.id, **asked)
    known = executions.get(conn, {each.execution_id for each in found if each.execution_id is not None})
    nodes: dict[str, Any] = {each["name"]: each for each in run.body.get("nodes", [])}
    recipes: dict[str, Any] = run.body.get("recipes", {})
    return {place(each): _piece(each, nodes.get(each.node, {}), recipes, known) for each in found}


def _piece(
    call: Call, node: Mapping[str, Any], recipes: Mapping[str, Any], known: Mapping[int, Execution]
) -> Piece:  # fmt: skip
    state = DONE if call.state in (EXECUTED, CACHED) else call.state
    made = known.get(call.execution_id) if call.execution_id is not None else None
    if made is None:
        return Piece(state=state, reason=call.reason)
    outputs: list[Written] = made.parameters.get("outputs", [])
    names: list[str] = node.get("outputs", [])
    titles = ["output" if len(outputs) == 1 else f"output {called(names, at)}" for at in range(len(outputs))]
    hashes = dict(pair for title, each in zip(titles, outputs, strict=True) for pair in _leaves(each, title))
    return Piece(
        state=state, reason=call.reason, recipe=recipes.get(node.get("step", ""), {}),
        given=made.parameters.get("arguments", {}), metrics=made.metrics, hashes=hashes,
        volatile=node.get("cache") is False,
    )  # fmt: skip


def _leaves(written: Written, name: str) -> Iterator[tuple[str, str]]:
    """Each artifact within an output, by the name of the output and its places in lists."""
    if isinstance(written, dict):
        for number, each in enumerate(written["items"]):
            yield from _leaves(each, f"{name}[{number}]")
    elif written is not None:
        yield name, written[1]
