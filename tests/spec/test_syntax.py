"""Syntax: which names a definition reads by way of `getattr` and `globals`, and which texts it holds."""

from __future__ import annotations

import pytest

from argosy.spec.syntax import WHOLE, Module


def module(source: str) -> Module:
    """A module of some source."""
    return Module("m", source.encode(), None)


@pytest.mark.parametrize(
    ("body", "chains"),
    [
        ("getattr(shapes, 'area')(rows)", {("shapes", "area")}),
        ("getattr(getattr(house, 'units'), 'MINUTE')", {("house", "units", "MINUTE")}),
        ("getattr(house.units, 'MINUTE').real", {("house", "units", "MINUTE", "real")}),
        ("getattr(shapes, 'area', LIMIT)", {("shapes", "area"), ("LIMIT",)}),
        ("getattr(make(LIMIT), 'area')", {("make",), ("LIMIT",)}),
        ("getattr(rows, 'area')", set()),
        ("getattr(shapes, rows)", {("getattr",), ("shapes",)}),
        ("getattr(shapes, 'area' + rows)", {("getattr",), ("shapes",)}),
        ("globals()['LIMIT']", {("LIMIT",)}),
        ("globals()['shapes'].area(rows)", {("shapes", "area")}),
        ("getattr(globals()['shapes'], 'area')", {("shapes", "area")}),
        ("globals()[rows]", {(WHOLE,)}),
        ("globals().get('LIMIT')", {(WHOLE,)}),
        ("[rows, globals]", {(WHOLE,)}),
    ],
)
def test_names_that_are_read(body: str, chains: set[tuple[str, ...]]) -> None:
    assert set(module(f"def f(rows):\n    return {body}\n").definition("f").chains) == chains


def test_a_constant_that_is_set_through_globals() -> None:
    found = module("LIMIT = 1\nglobals()['LIMIT'] = 2\nglobals()['OTHER'] = 3\n")
    assert found.definition("LIMIT").digest != module("LIMIT = 1\n").definition("LIMIT").digest
    assert "OTHER" in found.statements


def test_texts_are_constants_but_for_those_in_docstrings_annotations_and_declarations() -> None:
    found = module(
        "import argosy as ag\ndef f(rows: 'rows.txt', path='path.txt'):\n    'doc.txt'\n"
        "    source = ag.Parquet('source.txt')\n    return open(f'{rows}x.txt'), ['y.txt'], b'z.txt'\n"
    )
    assert found.definition("f").texts == {"path.txt", "x.txt", "y.txt"}
