"""Metrics of logged models: every value by run, dataset, step and time."""

from __future__ import annotations

import math

import pytest

from argosy.errors import UnknownError
from argosy.store import Store
from argosy.store.models import logged, readings
from argosy.store.models.readings import Reading
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.metrics import Point


def test_every_value_comes_back_and_one_logged_twice_once(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        one, other = logged.create(tx, 0, "one", hand), logged.create(tx, 0, "other", hand)
        given = [
            Reading(one.model, "r", "", "", Point("auc", 0.5, 1, 10)),
            Reading(one.model, "r", "", "", Point("auc", 0.75, 2, 20)),
            Reading(one.model, "r", "rows", "d1", Point("auc", math.inf, 2, 20)),
            Reading(one.model, "s", "", "", Point("auc", 0.25, 2, 21)),
            Reading(other.model, "r", "", "", Point("mae", 1.0, 0, 5)),
        ]
        readings.log(tx, given)
        readings.log(tx, given[:2])
        found = readings.of(tx, [one.id, other.id, 99])
    assert found == {one.id: given[:4], other.id: given[4:]}


def test_nan_is_a_value(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = logged.create(tx, 0, "m", hand)
        readings.log(tx, [Reading(made.model, "r", "", "", Point("auc", math.nan, 0, 1))])
        (found,) = readings.of(tx, [made.id])[made.id]
    assert math.isnan(found.point.value)


def test_a_model_that_is_not_is_named_and_nothing_kept(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = logged.create(tx, 0, "m", hand)
        point = Point("auc", 0.5, 0, 1)
        with pytest.raises(UnknownError, match="ID 'm-0' not found"):
            readings.log(tx, [Reading(made.model, "r", "", "", point), Reading("m-0", "r", "", "", point)])
        assert readings.of(tx, [made.id]) == {}
