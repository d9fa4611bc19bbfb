"""Segments: typed columns, whatever form the rows come in, and nothing of what may not be recorded."""

from __future__ import annotations

import polars as pl

from argosy.model.signature import Feature, Signature
from argosy.serving.doubles import doubles
from argosy.serving.segment import META, ONE_IN, Buffer, Line, Same, Stream, segment, some
from tests.serving.conftest import NOW

STREAM = Stream("f", Signature((Feature("x", "number"), Feature("at", "boolean")), "regression", "y"))


def line(name: str, *values: object) -> Line:
    return (name, "a/b", 1_364_817_600_000_000, "r", "f/a/b@1", "own", 0.25, False, 900, None, *values)


def test_a_segment_holds_typed_columns_and_renames_what_collides() -> None:
    frame = segment(STREAM, Buffer([line("k", None, True)]))
    assert list(frame.columns) == [*META, "x", "feature.at", ONE_IN]
    assert frame["at"].to_list() == [NOW] and frame["x"].to_list() == [None]
    assert frame.schema["x"] == pl.Float64 and frame.schema["feature.at"] == pl.Boolean
    assert frame["latency_us"].to_list() == [900] and frame[ONE_IN].to_list() == [1]


def test_lines_and_columns_make_one_frame() -> None:
    lines = [line("a", 1.5, True), line("b", None, False)]
    block = [list(values) for values in zip(*lines, strict=True)]
    both = segment(STREAM, Buffer(lines, [block, block]), 4)
    assert both["row_key"].to_list() == ["a", "b"] * 3
    assert both["x"].to_list() == [1.5, None] * 3 and both[ONE_IN].to_list() == [4] * 6
    assert both.equals(segment(STREAM, Buffer([], [block] * 3), 4))


def test_a_column_of_one_value_is_told_once_for_all_rows_of_its_block() -> None:
    lines = [[line(name, x, True) for name in "abc"] for x in (1.5, None)]
    long = [[list(values) for values in zip(*each, strict=True)] for each in lines]
    short = [[block[0], *(Same(values[0], 3) for values in block[1:])] for block in long]
    wanted = segment(STREAM, Buffer([], long))
    assert segment(STREAM, Buffer([], short)).equals(wanted)
    assert segment(STREAM, Buffer([], [short[0], long[1]])).equals(wanted)
    assert segment(STREAM, Buffer([], [some(short[0], [2, 0]), short[1]])).equals(wanted[[2, 0, 3, 4, 5]])


def test_numbers_that_come_as_bytes_stand_beside_those_that_come_as_values() -> None:
    stream = Stream("f", Signature((Feature("x", "number"), Feature("y", "number")), "regression", "y"))
    loose, packed = [line("a", 1.5, None)], [line("b", doubles({"x": [2.5], "y": [3]}, 1, stream.names))]
    block = [list(values) for values in zip(line("c"), line("d"), line("e"), strict=True)]
    block.append(doubles({"x": [4, 5, 6], "y": [7.0, 8.0, 9.0]}, 3, stream.names))
    frame = segment(stream, Buffer(packed + loose, [block, some(block, [2, 0])]))
    assert stream.numeric and dict(frame.schema) == dict(segment(stream, Buffer(loose)).schema)
    assert frame["row_key"].to_list() == ["a", "b", "c", "d", "e", "e", "c"]
    assert frame["x"].to_list() == [1.5, 2.5, 4.0, 5.0, 6.0, 6.0, 4.0]
    assert frame["y"].to_list() == [None, 3.0, 7.0, 8.0, 9.0, 9.0, 7.0]


def test_integers_and_booleans_of_a_category_are_kept_as_text() -> None:
    stream = Stream("f", Signature((Feature("c", "category", ("1", "true")),), "regression", "y"))
    lines = [line("k", value) for value in (1, "a", None)]
    assert segment(stream, Buffer(lines))["c"].to_list() == ["1", "a", None]


def test_what_is_redacted_has_no_column() -> None:
    stream = Stream("f", STREAM.signature, frozenset({"at"}))
    assert stream.names == ("x",) and not stream.numeric
    assert list(segment(stream, Buffer([line("k", 1.0)])).columns) == [*META, "x", ONE_IN]
    assert Stream("f", None).names == ()
