"""The frontier of a run: which nodes may begin, and which never will. Pure: knows numbers of nodes, and no value."""

from __future__ import annotations

from collections import deque
from typing import Literal

from argosy.spec.graph import Graph

Outcome = Literal["done", "failed", "skipped"]


class Frontier:
    """The nodes of a graph, each opened once, after all that it needs came to an end."""

    def __init__(self, graph: Graph) -> None:
        needs = [node.needs() for node in graph.nodes]
        self._waits = [len(each) for each in needs]
        self._needs = needs
        self._children: list[list[int]] = [[] for _ in needs]
        for place, each in enumerate(needs):
            for other in each:
                self._children[other].append(place)
        self._ready = deque(place for place, count in enumerate(self._waits) if not count)
        self.outcomes: dict[int, Outcome] = {}
        self._count = len(needs)

    @property
    def over(self) -> bool:
        """Whether every node came to an end."""
        return len(self.outcomes) == self._count

    @property
    def idle(self) -> bool:
        """Whether no node may begin now."""
        return not self._ready

    def ready(self) -> list[int]:
        """Nodes that may begin now, each told once."""
        found = list(self._ready)
        self._ready.clear()
        return found

    def close(self, node: int, outcome: Outcome) -> None:
        """A node came to an end. Those that waited for it alone may begin: what they needed is theirs to look at."""
        if node in self.outcomes:
            raise ValueError(f"node {node} came to an end before")
        self.outcomes[node] = outcome
        for child in self._children[node]:
            self._waits[child] -= 1
            if not self._waits[child]:
                self._ready.append(child)

    def missing(self, node: int) -> list[int]:
        """What a node needs and did not get, in order."""
        return sorted(each for each in self._needs[node] if self.outcomes.get(each) != "done")

    def pending(self) -> list[int]:
        """The nodes that came to no end yet."""
        return [place for place in range(self._count) if place not in self.outcomes]
