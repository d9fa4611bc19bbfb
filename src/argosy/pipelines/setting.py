"""The setting of a run: all that is known of it before it begins."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from argosy.pipelines.piece import Outside, Rows
from argosy.pipelines.recipe import Recipe
from argosy.spec.graph import Data, Graph


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What a run works on: its graph, what its steps are made of, and what it reads from outside."""

    graph: Graph
    recipes: Mapping[str, Recipe]
    rows: Mapping[Data, Rows]
    files: Mapping[str, Outside]
