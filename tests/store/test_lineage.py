"""Lineage against brute force, on random graphs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.errors import InputError
from argosy.store import Store, edges, executions, lineage
from argosy.store.lineage import Node
from argosy.testing.sample import moment

flows = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["in", "out"]), st.sampled_from("xy"), st.integers(0, 4)))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("home")) as store:
        yield store


def _near(links: set[tuple[Node, Node]], start: Node, steps: int, side: int) -> set[Node]:
    """All nodes within `steps` executions of `start`, going towards `side` of each link."""
    near, frontier = {start}, {start}
    hops = 2 * steps - (1 if start.kind == "execution" else 0)
    for _ in range(max(0, hops)):
        frontier = {link[side] for link in links if link[1 - side] in frontier} - near
        near |= frontier
    return near


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flows, st.sampled_from(["x", "y", "execution"]), st.integers(0, 4), st.integers(0, 3), st.integers(0, 3))
def test_a_walk_finds_what_brute_force_finds(
    store: Store, made: list[tuple[int, str, str, int]], kind: str, which: int, up: int, down: int
) -> None:
    run = executions.NewExecution(key="k", kind="step", subject="s", started_at=moment(), ended_at=moment())
    with pytest.raises(ZeroDivisionError), store.write() as tx:
        ids = executions.record(tx, [run] * 6)
        edges.add(tx, [edges.Edge(execution_id=ids[e], direction=d, kind=k, reference=str(r)) for e, d, k, r in made])
        links = set()
        for e, d, k, r in made:
            execution, thing = Node("execution", str(ids[e])), Node(k, str(r))
            links.add((thing, execution) if d == "in" else (execution, thing))
        start = Node(kind, str(ids[which]) if kind == "execution" else str(which))
        graph = lineage.walk(tx, start, up=up, down=down)
        assert set(graph.nodes) == _near(links, start, up, 0) | _near(links, start, down, 1)
        assert {(link.source, link.target) for link in graph.links} <= links
        assert not graph.cut
        raise ZeroDivisionError  # take it all back: the next example starts from an empty store


def test_steps_are_counts(store: Store) -> None:
    with store.read() as conn, pytest.raises(InputError, match="up=-1"):
        lineage.walk(conn, Node("x", "1"), up=-1)


def test_a_list_stands_for_its_items(tmp_path: Path) -> None:
    """From an item to what came of the list, and back, is one step; a list within a list changes nothing."""
    flows = [
        ("maker", "out", "artifact", "a"), ("list", "in", "artifact", "a"), ("list", "out", "list", "inner"),
        ("list of lists", "in", "list", "inner"), ("list of lists", "out", "list", "outer"),
        ("reader", "in", "list", "outer"), ("reader", "out", "artifact", "b"),
    ]  # fmt: skip
    with Store.open(tmp_path) as store, store.write() as tx:
        named = dict.fromkeys(name for name, *_ in flows)
        ids = dict(zip(named, executions.record(tx, [
            executions.NewExecution(key="k", kind="step", subject=name, started_at=moment(), ended_at=moment())
            for name in named
        ]), strict=True))  # fmt: skip
        edges.add(tx, [edges.Edge(execution_id=ids[e], direction=d, kind=k, reference=r) for e, d, k, r in flows])
        a, b = Node("artifact", "a"), Node("artifact", "b")
        assert b in lineage.walk(tx, a, up=0, down=1).nodes
        back = lineage.walk(tx, b, up=1)
        assert a in back.nodes and Node("execution", str(ids["maker"])) not in back.nodes
        assert Node("execution", str(ids["maker"])) in lineage.walk(tx, b, up=2).nodes
