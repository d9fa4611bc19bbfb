"""What runs have of keys, side by side."""

from __future__ import annotations

import math

import pytest

from argosy.console import matrix
from argosy.store import Store
from argosy.store.tracking import experiments, metrics, runs, texts
from argosy.store.tracking.metrics import Point
from tests.console import tracks


@pytest.fixture
def ids(store: Store) -> list[int]:
    """Two runs that differ in every third of 500 metrics, and in one of two parameters."""
    with store.write() as tx:
        experiments.ensure_default(tx)
        made = [runs.create(tx, 0, f"r{n}", tracks.NOW, tracks.HAND).id for n in range(2)]
        for place, id in enumerate(made):
            points = [Point(f"m{n:03d}", float(n + place * (n % 3 == 0)), 0, 0) for n in range(500)]
            metrics.log(tx, id, 0, [*points, Point("nan", math.nan, 0, 0)])
            texts.put(tx, texts.PARAMETER, id, 0, {"depth": "6", "rate": str(place)}, tracks.HAND)
    return made


def test_keys_come_a_page_at_a_time(store: Store, ids: list[int]) -> None:
    seen, after = [], ""
    with store.read() as conn:
        while True:
            found = matrix.last(conn, ids, after=after)
            seen += [each.name for each in found.rows]
            if not (after := found.next):
                break
    assert seen == [*(f"m{n:03d}" for n in range(500)), "nan"]


def test_only_differences_are_all_of_them(store: Store, ids: list[int]) -> None:
    seen, after = [], ""
    with store.read() as conn:
        while True:
            found = matrix.last(conn, ids, after=after, only=True)
            seen += [each.name for each in found.rows]
            if not (after := found.next):
                break
        parameters = matrix.parameters(conn, ids)
    assert seen == [f"m{n:03d}" for n in range(0, 500, 3)]
    assert [(each.name, each.values, each.differs) for each in parameters.rows] == [
        ("depth", ("6", "6"), False), ("rate", ("0", "1"), True),
    ]  # fmt: skip


def test_keys_are_searched(store: Store, ids: list[int]) -> None:
    with store.read() as conn:
        assert [each.name for each in matrix.last(conn, ids, "M49").rows] == [f"m49{n}" for n in range(10)]
        assert matrix.parameters(conn, [], "x") == matrix.Matrix()
