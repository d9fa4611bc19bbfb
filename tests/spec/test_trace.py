from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec import trace
from argosy.spec.graph import Data, File, Graph, Reference, Several
from tests.spec import stepping as s


def _traced(function: Callable[[], Any]) -> Graph:
    return trace.trace("it", function, {})


def test_a_pipeline_becomes_a_graph() -> None:
    graph = s.nightly.trace({"depth": "8"})
    assert [(node.name, node.kind) for node in graph.nodes] == [
        ("prepare/load", "call"), ("prepare/split", "call"), ("names", "call"), ("fit", "map"), ("report", "call"),
        ("good", "call"), ("shout", "call"), ("when", "either"),
    ]  # fmt: skip
    load, split, names, fit, report, good, shout, when = graph.nodes
    assert load.arguments == {"rows": Data("flights"), "n": 3}
    assert fit.arguments == {"train": Reference(1, 0), "name": Reference(2), "depth": 8}
    assert (fit.spread, fit.needs()) == ({"name"}, {1, 2})
    assert shout.guards[0].condition == Reference(5) and shout.guards[0].holds and shout.needs() == {4, 5}
    assert when.arguments == {"condition": Reference(5), "then": Reference(6), "otherwise": Reference(4)}
    assert graph.results == {"when": Reference(7), "prepare/split.test": Reference(1, 1)}
    assert graph.datasets() == [Data("flights")]
    assert sorted(step.name for step in graph.steps().values()) == [
        "fit", "good", "load", "names", "report", "shout", "split",
    ]  # fmt: skip
    assert (split.outputs, names.outputs, report.needs(), good.needs()) == (2, 1, {3}, {4})


def test_a_step_that_is_called_twice_has_two_names() -> None:
    graph = _traced(lambda: [s.shout(s.shout("a")), s.shout("b")])
    assert [node.name for node in graph.nodes] == ["shout", "shout-2", "shout-3"]
    assert list(graph.results) == ["shout-2", "shout-3"]


@ag.step(name="shout-2")
def _other(text: str) -> str:
    return text


def test_no_two_nodes_have_one_name() -> None:
    graph = _traced(lambda: [s.shout("a"), s.shout("b"), _other("c"), _other("d"), s.shout("e")])
    assert [node.name for node in graph.nodes] == ["shout", "shout-2", "shout-2-2", "shout-2-3", "shout-3"]


def test_lists_that_are_written_out() -> None:
    graph = _traced(lambda: s.report([s.fit(s.flights, "a"), {"b": 1}]))
    assert graph.nodes[1].arguments["models"] == Several((Reference(0), {"b": 1}))
    mapped = _traced(lambda: s.shout.map(["a", s.shout("b")]))
    assert mapped.nodes[1].arguments["text"] == Several(("a", Reference(0)))


def test_paths_are_files() -> None:
    graph = _traced(lambda: [s.read("a.txt"), s.read(pathlib.Path("b.txt")), s.loose(pathlib.Path("c"))])
    assert [node.arguments for node in graph.nodes] == [
        {"path": File("a.txt")}, {"path": File("b.txt")}, {"given": File("c")},
    ]  # fmt: skip
    assert graph.files() == ["a.txt", "b.txt", "c"]
    assert _traced(lambda: pathlib.Path("d.txt")).files() == ["d.txt"]


def test_a_reduction_takes_a_list_and_what_is_left() -> None:
    (names, fit, merge) = _traced(lambda: s.merge.reduce(s.fit.map(s.flights, s.names(s.flights)))).nodes
    assert (merge.kind, merge.arguments) == ("reduce", {"": Reference(1)})
    assert (names.arguments, fit.spread) == ({"rows": Data("flights")}, {"name"})


def _loop() -> Any:
    for _ in s.names(s.flights):
        pass


def _leak() -> Any:
    other = trace.Trace("other")
    return s.shout(other.call(s.shout, ("a",), {}))


def _itself() -> Any:
    return _recursive()


@ag.pipeline(name="recursive")
def _recursive() -> Any:
    return _again()


@ag.pipeline(name="again")
def _again() -> Any:
    return _recursive()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda: s.fit(s.flights), "step fit lacks its argument 'name'"),
        (lambda: s.fit(s.flights, "a", deep=3), "step fit's argument is 'deep'; it must be one of train, name, depth"),
        (lambda: s.fit(s.flights, "a", depth="deep"), "step fit's argument depth is 'deep'; it must be int"),
        (lambda: s.fit(s.flights, s.names(s.flights)), "argument name is 'names, list[str]'; it must be str"),
        (lambda: s.shout(s.good("a")), "step shout's argument text is 'good, bool'; it must be str"),
        (lambda: s.shout.map("abc"), "step shout.map is given no list"),
        (lambda: s.fit.map(s.flights, ["a"], depth=[1, 2]), "step fit.map's lists is {'name': 1, 'depth': 2}"),
        (lambda: s.shout.reduce(["a"]), "a reduction takes two values and gives one"),
        (lambda: s.merge.reduce(s.good("a")), "step merge.reduce's argument"),
        (lambda: s.shout(ag.whole(["a"])), "it must be given to .map"),
        (lambda: 1 if s.good("a") else 2, "the value of good is not known while the pipeline is put together"),
        (lambda: s.names(s.flights)[0], "the value of names is not known"),
        (lambda: s.names(s.flights).first, "the value of names is not known"),
        (lambda: s.good("a") == s.good("b"), "the value of good is not known"),
        (lambda: f"{s.good('a')}", "the value of good is not known"),
        (lambda: str(s.good("a")), "the value of good is not known"),
        (_loop, "the value of names is not known"),
        (lambda: s.shout(s.good), "argument text is 'Step'; it must be a plain value"),
        (lambda: s.loose({"a": s.good("a")}), "argument given is 'a dict with an output in it'; it must be an output"),
        (lambda: ag.when(s.good("a"), s.shout("a")), "ag.when is given <output of shout>, which is then made whatever"),
        (_leak, "was not made in pipeline it"),
        (lambda: ag.when(s.good("a"), lambda: (1, 2), lambda: (1,)), "it must be 2 values, as then gives"),
        (lambda: s.loose(object()), "it must be a plain value"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_call_is_told_before_anything_runs(function: Callable[[], Any], words: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        _traced(function)
    assert words in caught.value.message and caught.value.next


def test_what_is_taken_apart_or_not_called_is_told_what_to_write() -> None:
    with pytest.raises(DeclarationError) as caught:
        _traced(lambda: [*s.good("a")])
    assert caught.value.next and "annotate it -> tuple[…]" in caught.value.next
    with pytest.raises(DeclarationError) as caught:
        _traced(lambda: s.good)
    assert caught.value.next == "call it, and pass what it gives"


def test_a_pipeline_does_not_call_itself() -> None:
    with pytest.raises(DeclarationError, match=r"pipeline .* calls itself: .* -> .* -> "):
        _traced(_itself)


def test_a_condition_may_have_one_branch_and_may_be_nested() -> None:
    def nested() -> Any:
        a, b = s.good("a"), s.good("b")
        return ag.when(a, lambda: ag.when(b, lambda: s.shout("both")))

    nodes = _traced(nested).nodes
    assert [node.kind for node in nodes] == ["call", "call", "call", "either", "either"]
    assert [guard.condition.node for guard in nodes[2].guards] == [0, 1]
    assert nodes[4].arguments["otherwise"] is None


def test_a_fleet_is_a_node() -> None:
    graph = _traced(lambda: s.loose(ag.trained("late-arrival", after=[s.good("a")])))
    assert (graph.nodes[1].kind, graph.nodes[1].fleet, graph.nodes[1].needs()) == ("fleet", "late-arrival", {0})


def test_a_graph_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "NODES", 3)
    with pytest.raises(DeclarationError, match="it must be at most 3"):
        _traced(lambda: [s.shout(text) for text in "abcd"])
