"""Which format a value has, that of the project first, and none by guess."""

from __future__ import annotations

import datetime as dt
import json
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from argosy.errors import InputError, UnknownError
from argosy.pipelines.format import Sink, find, named, save
from argosy.spec import format as own
from argosy.spec.annotation import Model, Table
from argosy.spec.format import BUILT_IN, File, Format, format
from argosy.spec.report import Report
from argosy.store import Blobs
from tests.pipelines.trip import Trip


class Graph:
    """A type of a project's own."""

    def __init__(self, edges: list[list[str]]) -> None:
        self.edges = edges


class Special(Graph):
    pass


class Rows(list[int]):
    """A list, and more."""


@format(Graph)
class GraphFormat(Format):
    name = "trial-graph"

    def save(self, value: Graph, file: File) -> None:
        if not value.edges:
            raise InputError("a graph without edges")
        file.write(json.dumps(value.edges).encode())

    def load(self, file: File, wanted: Any) -> Graph:
        return Graph(json.load(file))

    def preview(self, value: Graph) -> dict[str, Any]:
        return {"kind": "graph", "edges": len(value.edges)}


@format(Rows)
class RowsFormat(Format):
    name = "trial-rows"

    def save(self, value: Rows, file: File) -> None:
        file.path().write_text(",".join(map(str, value)))

    def load(self, file: File, wanted: Any) -> Rows:
        return Rows(map(int, file.path().read_text().split(",")))


@dataclass
class Settings:
    depth: int


class Row(msgspec.Struct):
    n: int


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "value"), (True, "value"), (1, "value"), ("x", "value"), (b"x", "value"), ([], "value"), ({}, "value"),
        (dt.datetime(2020, 1, 1), "value"), (Settings(1), "value"), (Row(1), "value"), (Report(), "report"),
        (np.float64(1), "array"), (np.zeros(3), "array"), (pl.DataFrame(), "table"), (pl.LazyFrame(), "table"),
        (Path(__file__), "file"), (Path(__file__).parent, "directory"), (Graph([]), "trial-graph"),
        (Special([]), "trial-graph"), (Rows(), "trial-rows"),
    ],
)  # fmt: skip
def test_the_type_decides(value: object, name: str) -> None:
    assert find(value).name == name
    assert named(name).name == name


def test_every_format_of_ours_is_found_by_name() -> None:
    assert [named(name).name for name in BUILT_IN] == list(BUILT_IN)
    with pytest.raises(UnknownError, match="there is no format 'pickle'"):
        named("pickle")


def test_an_annotation_counts_where_the_project_has_a_format_for_it() -> None:
    assert find(Rows([1]), Rows).name == "trial-rows"
    assert find([1], Rows).name == "value"
    assert find(pl.DataFrame(), Table).name == find(pl.LazyFrame(), Table).name == "table"
    assert find(None, Table).name == "value"
    assert find(Graph([]), Model).name == "trial-graph"
    with pytest.raises(InputError, match=r"a builtins\.dict is no table"):
        find({}, Table)


def test_a_type_without_format_is_told_how_to_get_one() -> None:
    class Odd:
        pass

    for value in (Odd(), lambda: None, (n for n in range(3)), Odd):
        with pytest.raises(InputError, match=r"has no format: register one, .*frames.*Graph") as caught:
            find(value)
        assert f"@ag.format({type(value).__name__})" in caught.value.next


def test_a_project_format_saves_loads_and_shows(trip: Trip) -> None:
    graph = Graph([["a", "b"]])
    name, saved = trip.save(graph)
    assert (name, saved.data) == ("trial-graph", b'[["a", "b"]]')
    assert trip.load(name, saved, Graph).edges == graph.edges
    assert find(graph).preview(graph) == {"kind": "graph", "edges": 1}
    assert trip.again({"graphs": [graph]})["graphs"][0].edges == graph.edges
    assert trip.again(Rows([1, 2])) == [1, 2]
    many = Rows(range(1_000_000))
    name, saved = trip.save(many)
    assert (saved.data, trip.load(name, saved)) == (None, many)


def test_project_formats_are_known_with_their_modules() -> None:
    assert GraphFormat in own.registered() and GraphFormat.__module__ in own.modules()


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=1100))
@example("x" * 1000)
@example(1 << 64)
@example("\ud800")
def test_an_atom_is_saved_as_any_value_is(atom: Any) -> None:
    """Though it takes a shorter way."""
    with tempfile.TemporaryDirectory() as folder:
        blobs = Blobs(Path(folder))
        sink = Sink(blobs)
        try:
            named("value").save(atom, sink)
        except InputError as error:
            with pytest.raises(InputError, match=re.escape(error.message)):
                save(atom, blobs)
        else:
            assert save(atom, blobs) == (find(atom), sink.finish())


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with pytest.raises(InputError, match="without edges"):
        save(Graph([]), blobs)
    assert not blobs.root.exists() or list(blobs.root.iterdir()) == []
    bad = pl.LazyFrame({"n": ["one"]}).cast(pl.Int64)
    with pytest.raises(pl.exceptions.InvalidOperationError, match="conversion"):
        save(bad, blobs)
    left = list(blobs.root.iterdir())  # a thread of Polars may open its draft once more: those are removed in time
    assert left == blobs.drafts() and len(left) <= 1
