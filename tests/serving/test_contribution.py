"""Explanations of a batch: they sum to what each version answered, and are in the order of the rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from argosy.errors import InputError
from argosy.serving.batch import Answer, Batch
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.explanation import MAX_ROWS
from argosy.serving.score import Scorer
from argosy.serving.snapshot import Source
from tests.serving.conftest import NOW, SIGNATURE, Fixture
from tests.serving.served import Weather

DEPARTS = datetime(2013, 4, 1, 15, 30, tzinfo=UTC)


def answer(fleet: Fixture, carriers: list[str], *, explain: bool = True, **more: Any) -> Answer:
    picture = Source(fleet.store)()
    assert picture is not None
    count = len(carriers)
    columns = {
        "origin": ["JFK"] * count, "carrier": carriers, "departure": [DEPARTS] * count,
        "distance": [float(place) for place in range(count)], "dest": ["LAX"] * count,
    } | more  # fmt: skip
    weather = Weather()
    scorer = Scorer(ModelCache(blob_loader(fleet.store.blobs)), lambda: NOW, lambda endpoint: weather)
    return scorer.answer(scorer.plan(Batch(picture.endpoint("late-arrival"), columns, count, explain=explain)))


def test_rows_of_many_members_sum_to_what_their_versions_answer(fleet: Fixture) -> None:
    found = answer(fleet, ["AA", "B6", "ZZ", "AA"])
    assert len(set(found.versions)) == 3
    why = found.explanation
    assert why is not None and why.names == SIGNATURE.names and why.space == ["log_odds"] * 4
    score = why.contributions.sum(axis=1) + why.base
    np.testing.assert_allclose(1 / (1 + np.exp(-score)), found.predictions)
    for row, address in enumerate(found.versions):
        matrix = np.array([[float(row), 15.0, 3.0, 0.5, 1.0]])
        wanted = fleet.estimators[address].predict(matrix, pred_contrib=True)[0]
        np.testing.assert_allclose([*why.contributions[row], why.base[row]], wanted, atol=1e-12)
    assert list(why.values["temp"]) == [3.0] * 4 and list(why.values["hour"]) == [15] * 4
    assert why.told()[1]["contributions"].keys() == set(SIGNATURE.names)


def test_nobody_is_explained_who_did_not_ask_and_not_too_many_who_did(fleet: Fixture) -> None:
    assert answer(fleet, ["AA"], explain=False).explanation is None
    assert answer(fleet, ["AA"] * (MAX_ROWS + 1), explain=False).explanation is None
    with pytest.raises(InputError, match="1,001 rows to explain, above the limit of 1,000"):
        answer(fleet, ["AA"] * (MAX_ROWS + 1))
