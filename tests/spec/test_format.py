"""Formats of a project's own: registered once, found by type and by name."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.errors import DeclarationError, UnknownError
from argosy.spec import format as formats
from argosy.spec.format import File, Format, format


class Graph:
    pass


class Tree(Graph):
    pass


class Leaf(Tree):
    pass


class Plain(Format):
    def save(self, value: Any, file: File) -> None:
        raise NotImplementedError

    def load(self, file: File, wanted: Any) -> Any:
        raise NotImplementedError


@format(Graph)
class GraphFormat(Plain):
    name = "test-graph"


@format(Tree)
class TreeFormat(Plain):
    name = "test-tree"


def test_the_nearest_base_decides() -> None:
    assert formats.of_type(Graph) is GraphFormat
    assert formats.of_type(Tree) is formats.of_type(Leaf) is TreeFormat
    assert formats.of_type(dict) is None
    assert formats.of_name("test-graph") is GraphFormat
    assert {f"{__name__}.Graph", f"{__name__}.Tree"} <= set(formats.known())
    assert GraphFormat().preview(Graph()) is None


def test_an_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(UnknownError, match=r"no format 'test-none' \(known: .*model.*test-graph") as caught:
        formats.of_name("test-none")
    assert "@ag.format" in caught.value.next


def test_registering_again_replaces() -> None:
    """A project that is imported anew defines its classes anew."""
    again = type("GraphFormat", (Plain,), {"name": "test-graph", "__module__": __name__, "__qualname__": "GraphFormat"})
    try:
        assert format(Graph)(again) is again
        assert formats.of_type(Graph) is formats.of_name("test-graph") is again
    finally:
        format(Graph)(GraphFormat)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("test-graph", "GraphFormat has it"),
        ("table", "Argosy's own has it"),
        ("Upper", "a lower-case name"),
        (None, "a lower-case name"),
    ],
)
def test_a_name_is_a_formats_own(name: object, message: str) -> None:
    other = type("Other", (Plain,), {"name": name, "__module__": __name__, "__qualname__": "Other"})
    with pytest.raises(DeclarationError, match=message):
        format(Graph)(other)
    assert formats.of_type(Graph) is GraphFormat


def test_what_is_no_format_is_refused() -> None:
    for made in (Graph, Graph(), len):
        with pytest.raises(DeclarationError, match=r"a subclass of ag\.Format"):
            format(Graph)(made)  # type: ignore[type-var]
    with pytest.raises(DeclarationError, match="must be a type"):
        format("Graph")  # type: ignore[arg-type]
