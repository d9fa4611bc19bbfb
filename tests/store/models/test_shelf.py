"""Search among logged models: every kind of clause, orders, datasets and pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

import pytest

from argosy.errors import UsageError
from argosy.store import Store
from argosy.store.models import logged, readings, shelf
from argosy.store.models.readings import Reading
from argosy.store.models.shelf import By, Data
from argosy.store.tracking import clause, experiments
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.clause import Order
from argosy.store.tracking.grammar import LOGGED
from argosy.store.tracking.metrics import Point

NAMES = "abcdef"


@pytest.fixture
def filled(store: Store, hand: Hand) -> Store:
    """Six models, one a second; those of even places are of run r1, a to d have an AUC, that of d is no number."""
    with store.write() as tx:
        for place, name in enumerate(NAMES):
            made = logged.create(
                tx, 0, name, hand._replace(at=hand.at + timedelta(seconds=place)),
                type="tree" if place < 3 else "line", run="r1" if place % 2 == 0 else None,
                parameters={"depth": str(place), 'odd "key\'': "100%"}, tags={"odd": str(place % 2)},
            )  # fmt: skip
            if place < 4:
                value = math.nan if name == "d" else place / 10
                points = [Point("auc", 0.9, 1, 10), Point("auc", value, 2, 20)]
                readings.log(tx, [Reading(made.model, "r1", "", "", each) for each in points])
            if name in "bc":
                at = Point("auc", 0.5 + place, 3, 5)
                readings.log(tx, [Reading(made.model, "r1", "rows", f"digest {name}", at)])
            if name == "e":
                logged.finish(tx, made.model, logged.READY, hand)
        elsewhere = experiments.create(tx, "elsewhere", hand)
        logged.create(tx, elsewhere, "z", hand)
        logged.delete(tx, logged.create(tx, 0, "deleted", hand).model, hand)
    return store


def _names(
    store: Store, text: str = "", *orders: By, data: Sequence[Data] = (), among: Sequence[int] = (0,)
) -> str:  # fmt: skip
    with store.read() as conn:
        by = orders or (By(Order("attribute", "name")),)
        found = shelf.page(conn, among, clause.parse(text, LOGGED), by, data=data)
    assert found.next is None
    return "".join(each.name for each in found.items)


@pytest.mark.parametrize(("text", "found"), {
    "": "abcdef", "name = 'b'": "b", "name IN ('b', 'e')": "be", "name NOT IN ('b', 'e')": "acdf", "name LIKE 'B%'": "",
    "name ILIKE 'B%'": "b", "model_type != 'tree'": "def", "status = 'READY'": "e", "status = 'PENDING'": "abcdf",
    "source_run_id = 'r1'": "ace", "source_run_id != 'r1'": "bdf", "params.depth = '4'": "e",
    "params.depth IN ('4', '5')": "ef", "params.depth LIKE '%'": "abcdef", "params.`odd \"key'` = '100%'": "abcdef",
    "params.none != 'x'": "", "tags.odd = '1'": "bdf", "tags.odd != '1' AND model_type = 'tree'": "ac",
    "metrics.auc > 0.85": "abcd", "metrics.auc = 0.1": "b", "metrics.auc != 0.9": "abcd", "metrics.none > 0": "",
    "creation_timestamp > 0": "abcdef", "last_updated_timestamp < 1": "",
}.items())  # fmt: skip
def test_clauses(filled: Store, text: str, found: str) -> None:
    assert _names(filled, text) == found


def test_experiments_are_searched_together(filled: Store) -> None:
    assert _names(filled, among=[0, 1]) == "abcdefz"
    assert _names(filled, among=[7, 1]) == "z"
    assert _names(filled, among=[]) == ""


@pytest.mark.parametrize(("text", "data", "found"), [
    ("", [Data("rows")], "bc"), ("", [Data("rows", "digest c")], "c"), ("", [Data("none")], ""),
    ("metrics.auc > 2", [Data("rows")], "c"), ("metrics.auc < 1", [Data("rows")], ""),
    ("metrics.auc > 0", [Data("none"), Data("rows", "digest b")], "b"),
])  # fmt: skip
def test_metrics_on_datasets(filled: Store, text: str, data: list[Data], found: str) -> None:
    assert _names(filled, text, data=data) == found


@pytest.mark.parametrize(("orders", "found"), [
    ([By(Order("metric", "auc"))], "abcdfe"), ([By(Order("metric", "auc", ascending=False))], "cbadfe"),
    ([By(Order("metric", "auc"), Data("rows"))], "bcfeda"),
    ([By(Order("metric", "auc"), Data("rows", "digest c"))], "cfedba"),
    ([By(Order("attribute", "model_type")), By(Order("attribute", "name", ascending=False))], "fedcba"),
    ([By(Order("attribute", "creation_timestamp"))], "abcdef"), ([By(Order("attribute", "status"))], "fdcbae"),
    ([By(Order("attribute", "source_run_id", ascending=False)), By(Order("metric", "auc"))], "acebdf"),
])  # fmt: skip
def test_orders(filled: Store, orders: list[By], found: str) -> None:
    assert _names(filled, "", *orders) == found
    with filled.read() as conn:  # a page at a time, it is the same
        seen, token = "", None
        for _ in NAMES:
            page = shelf.page(conn, [0], orders=orders, limit=1, token=token)
            seen, token = seen + page.items[0].name, page.next
    assert (seen, token) == (found, None)


def test_the_newest_come_first_unless_asked_otherwise(filled: Store) -> None:
    with filled.read() as conn:
        first = shelf.page(conn, [0], limit=4)
        rest = shelf.page(conn, [0], limit=4, token=first.next)
    assert [each.name for each in first.items] == list("fedc")
    assert ([each.name for each in rest.items], rest.next) == (["b", "a"], None)


def test_what_was_made_meanwhile_does_not_move_the_next_page(filled: Store, hand: Hand) -> None:
    with filled.write() as tx:
        first = shelf.page(tx, [0], limit=2)
        logged.create(tx, 0, "new", hand._replace(at=hand.at + timedelta(hours=1)))
        assert [each.name for each in shelf.page(tx, [0], limit=2, token=first.next).items] == ["d", "c"]


def test_orders_and_tokens_that_are_none_are_refused(filled: Store) -> None:
    with filled.read() as conn:
        with pytest.raises(UsageError, match="Invalid order by field name: 'nothing'"):
            shelf.page(conn, [0], orders=[By(Order("attribute", "nothing"))])
        with pytest.raises(UsageError, match="was not given by this search"):
            shelf.page(conn, [0], token="x")
        with pytest.raises(UsageError, match="21 orders are given, the limit is 20"):
            shelf.page(conn, [0], orders=[By(Order("metric", f"a{n}")) for n in range(21)])
        with pytest.raises(UsageError, match="101 datasets are given, the limit is 100"):
            shelf.page(conn, [0], data=[Data(f"d{n}") for n in range(101)])
