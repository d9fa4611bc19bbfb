from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.pipelines.frontier import Frontier
from argosy.spec.graph import Graph, Node, Reference

_GRAPHS = st.lists(st.sets(st.integers(0, 40), max_size=4), max_size=40)


def _graph(needs: list[set[int]]) -> Graph:
    nodes = [
        Node(str(place), "call", None, {str(other): Reference(other % place) for other in some if place})
        for place, some in enumerate(needs)
    ]
    return Graph("any", tuple(nodes), {})


@given(_GRAPHS, st.randoms(use_true_random=False))
def test_each_node_begins_once_after_all_that_it_needs(needs: list[set[int]], random: object) -> None:
    graph = _graph(needs)
    frontier = Frontier(graph)
    begun: list[int] = []
    waiting: list[int] = []
    while not frontier.over:
        waiting += frontier.ready()
        assert waiting, "nothing may begin, and not all is over"
        random.shuffle(waiting)  # type: ignore[attr-defined]
        node = waiting.pop()
        assert graph.nodes[node].needs() <= set(begun)
        begun.append(node)
        frontier.close(node, "done")
        assert frontier.missing(node) == []
    assert sorted(begun) == list(range(len(needs)))
    assert frontier.pending() == []


@given(_GRAPHS, st.sets(st.integers(0, 39)))
def test_what_needs_a_node_that_failed_lacks_it(needs: list[set[int]], bad: set[int]) -> None:
    graph = _graph(needs)
    frontier = Frontier(graph)
    while ready := frontier.ready():
        for node in ready:
            lost = {each for each in graph.nodes[node].needs() if frontier.outcomes[each] != "done"}
            assert set(frontier.missing(node)) == lost
            frontier.close(node, "failed" if node in bad else "skipped" if lost else "done")
    assert frontier.over


def test_a_node_ends_once() -> None:
    frontier = Frontier(_graph([set()]))
    frontier.close(0, "done")
    with pytest.raises(ValueError, match="came to an end before"):
        frontier.close(0, "failed")
