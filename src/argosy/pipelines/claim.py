"""The names under which runs claim the results of their nodes: alike in two runs exactly where these would be alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from argosy.pipelines.binding import constant
from argosy.pipelines.piece import Outside, Rows, content
from argosy.pipelines.recipe import Recipe
from argosy.spec.graph import Data, File, Graph, Reference, Several


def names(
    graph: Graph, recipes: Mapping[str, Recipe], rows: Mapping[Data, Rows], files: Mapping[str, Outside], salt: str
) -> list[str]:
    """One for each node, by how its result comes about and not by what it will be: so all are known from the start.

    `salt` sets apart nodes that are not cached, and those that depend on them.
    """
    found: list[str] = []

    def told(value: Any) -> Any:
        match value:
            case Reference(node=node, place=place):
                return ["node", found[node], place]
            case Data():
                return rows[value].content
            case File(path=path):
                return files[path].content
            case Several(items=items):
                constant_only = not any(isinstance(each, (Reference, Data, File, Several)) for each in items)
                return content(constant(list(items))) if constant_only else list(map(told, items))
        return content(constant(value))

    for node in graph.nodes:
        made: list[Any] = [node.kind, sorted(node.spread), {n: told(v) for n, v in node.arguments.items()}]
        made += [[guard.holds, told(guard.condition)] for guard in node.guards]
        if node.step is not None:
            mine = recipes[node.step.function]
            made += [
                mine.digest,
                mine.environment,
                "" if node.step.options.cache else f"{salt}/{node.name}",
                node.step.options.cache,
            ]
        elif node.fleet is not None:
            made += [node.fleet, salt]
        found.append(hashlib.sha256(msgspec.json.encode(made, order="sorted")).hexdigest())
    return found
