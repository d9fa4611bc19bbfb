"""Graphs side by side: each is what it was, under names of its own."""

from __future__ import annotations

from argosy.spec.graph import Graph, Guard, Node, Reference, Several, merge


def test_merged_graphs_need_what_they_needed_and_nothing_of_one_another() -> None:
    one = Graph(
        "p",
        (
            Node("a", "fleet", None, {}, fleet="late"),
            Node(
                "b", "either", None,
                {"condition": Reference(0), "then": Several((Reference(0, 1), 7)), "otherwise": 1},
                guards=(Guard(Reference(0), False),),
            ),
        ),
        {"b": Reference(1), "all": Several((Reference(0), "x"))},
    )  # fmt: skip
    found = merge("p", {"x": one, "y": one})
    assert [node.name for node in found.nodes] == ["x/a", "x/b", "y/a", "y/b"]
    assert [node.needs() for node in found.nodes] == [set(), {0}, set(), {2}]
    assert found.nodes[3].arguments == {
        "condition": Reference(2), "then": Several((Reference(2, 1), 7)), "otherwise": 1
    }  # fmt: skip
    assert found.nodes[3].guards == (Guard(Reference(2), False),)
    assert found.results == {
        "x/b": Reference(1), "x/all": Several((Reference(0), "x")),
        "y/b": Reference(3), "y/all": Several((Reference(2), "x")),
    }  # fmt: skip
    assert merge("p", {}) == Graph("p", (), {})
