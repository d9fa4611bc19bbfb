"""What statements of a notebook do to names and to the objects behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from argosy.pipelines.notebook.flow import Flow, flow
from argosy.pipelines.notebook.statement import Statement
from argosy.spec.change import Names, changed


class Effect(NamedTuple):
    """The flow of statements, and the names whose objects they change in place."""

    flow: Flow
    changes: Names

    @property
    def writes(self) -> Names:
        """The names that mean something else afterwards."""
        return self.flow.binds | self.flow.gone | self.changes

    def clash(self, other: Effect) -> Names:
        """The names for which it matters which of the two comes first."""
        return (self.writes & (other.writes | other.flow.reads)) | (other.writes & self.flow.reads)


def effect(statements: Iterable[Statement], functions: Mapping[str, Names]) -> Effect:
    """The effect of statements in order; `functions` tells what those of the notebook change (see `changing`)."""
    nodes = [one.node for one in statements]
    return Effect(flow(nodes), changed(nodes, functions))
