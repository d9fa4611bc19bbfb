"""Recorded predictions, found again with their reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from argosy.controller.house import House
from argosy.controller.plan import predictions
from argosy.controller.prediction import Prediction, read
from argosy.controller.trial import opened, rows
from argosy.data.read import append
from argosy.errors import UnknownError
from argosy.model.format import load
from argosy.model.signature import Signature, encode_rows
from argosy.registry.address import parse
from argosy.store import artifacts, declarations, versions
from argosy.store.versions import Version
from tests.controller.conftest import START

pytestmark = pytest.mark.slow

FLEET, KEY = "late-arrival", "LGA/AA"


class Answered(msgspec.Struct, frozen=True):
    """A row of the training set that the pooled version answered, as it is recorded."""

    house: House
    version: Version
    values: dict[str, Any]
    prediction: float

    def record(self, **other: Any) -> None:
        row = {
            "row_key": "f-1", "member": KEY, "at": START, "request_id": "r-1", "version": f"{FLEET}/*@1",
            "route": "pooled", "prediction": self.prediction, "stale": False, "latency_us": 180,
        }  # fmt: skip
        frame = pl.DataFrame([row | self.values | other])
        name = f"{other.get('row_key')}{other.get('at')}"
        append(self.house.store, predictions(FLEET), frame, time="at", sources=[name], now=START, cause="answered rows")

    def read(self, id: str) -> Prediction:
        with self.house.store.read() as conn:
            return read(conn, self.house.store, FLEET, id)


@pytest.fixture
def answered(house: House) -> Iterator[Answered]:
    with house.store.read() as conn:
        version = versions.find(conn, FLEET, "*", 1)
        assert version is not None and version.signature is not None
        signature = Signature.from_json(house.store.blobs.get(version.signature))
        artifact = artifacts.get(conn, [version.artifact])[version.artifact]
    trial = rows(opened(house.places.sets / FLEET), parse(f"{FLEET}/*@1"), version, signature, ())
    model = load(version.format, artifacts.content(house.store.blobs, artifact))
    yield Answered(house, version, dict(trial.rows[0]), float(model.predict(encode_rows(trial.rows[:1], signature))[0]))


def test_a_row_is_found_with_what_moved_it_and_what_it_is_like(answered: Answered) -> None:
    answered.record()
    found = answered.read("f-1")
    assert (found.row, found.member, found.route, found.latency_us) == ("f-1", KEY, "pooled", 180)
    assert (found.version, found.dataset) == (f"{FLEET}/*@1", f"{FLEET}.predictions@1")
    assert {each.partition("@")[0] for each in found.inputs} >= {"flights"}
    why = found.explained
    assert why.base is not None and why.score is not None and (why.space, why.reason) == ("log_odds", "")
    assert {each.feature: each.value for each in why.moved} == answered.values
    assert why.base + sum(each.contribution for each in why.moved) == pytest.approx(why.score)
    assert 1 / (1 + np.exp(-why.score)) == pytest.approx(answered.prediction)
    sizes = [abs(each.contribution) for each in why.moved]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0
    near = found.neighbours
    assert near.reason == "" and near.looked > 1_000 and near.nearest[0].distance == 0.0


def test_contributions_that_were_recorded_are_shown_as_they_were(answered: Answered) -> None:
    answered.record()
    anew = answered.read("f-1").explained
    assert not anew.recorded
    told = [{"feature": "distance", "contribution": 0.5}, {"feature": "hour", "contribution": -1.0}]
    rows = pl.DataFrame(
        [{"row_key": "f-1", "at": START, "version": f"{FLEET}/*@1", "share": 0.01, "space": "log_odds", "base": -2.0,
          "hidden": 0.75, "contributions": told}]
    )  # fmt: skip
    name = f"{FLEET}.explanations"
    append(answered.house.store, name, rows, time="at", sources=["one"], now=START, cause="explained rows")
    why = answered.read("f-1").explained
    assert (why.recorded, why.base, why.score, why.space) == (True, -2.0, -1.75, "log_odds")
    assert [(each.feature, each.contribution) for each in why.moved] == [
        ("hour", -1.0), ("(not recorded)", 0.75), ("distance", 0.5)
    ]  # fmt: skip
    assert [each.value for each in why.moved] == [answered.values["hour"], None, answered.values["distance"]]


def test_of_many_the_last_row_is_found_and_of_a_request_the_first(answered: Answered) -> None:
    answered.record(at=START + timedelta(hours=2), request_id="late")
    answered.record(row_key="f-2", at=START + timedelta(hours=1))
    answered.record()
    answered.record(at=START + timedelta(hours=3), route="shadow", request_id="unseen")
    assert answered.read("f-1").request == "late"
    assert answered.read("r-1").row == "f-1"
    with pytest.raises(UnknownError):
        answered.read("unseen")
    with pytest.raises(UnknownError, match="'f-3' has been recorded"):
        answered.read("f-3")


def test_what_is_not_there_is_said(answered: Answered) -> None:
    values = dict(answered.values)
    del answered.values["distance"]
    answered.record(row_key="redacted")
    redacted = answered.read("redacted")
    assert redacted.explained.reason == "'distance' of the row was not recorded"
    assert redacted.features == {name: values[name] for name in redacted.features} and "hour" in redacted.features
    assert redacted.neighbours.lacking == ("distance",) and redacted.neighbours.nearest[0].distance == 0.0
    answered.values.update(values)
    answered.record(row_key="gone", version=f"{FLEET}/*@99", prediction=None)
    assert "some that the version takes were not recorded" in answered.read("redacted").explained.reason
    gone = answered.read("gone")
    assert (gone.prediction, gone.explained.moved, gone.inputs) == (None, (), ())
    assert gone.explained.reason == gone.neighbours.reason == "the version that answered is not in this home"


def test_what_is_tagged_shows_its_tag(answered: Answered) -> None:
    with answered.house.store.write() as tx:
        last = declarations.get(tx, "dataset", "flights")
        assert last is not None
        body = last.body | {"tags": {"distance": "sensitive"}}
        new = declarations.NewDeclaration(
            kind="dataset", name="flights", fingerprint="tagged", body=body, at=START, actor="t"
        )
        declarations.add(tx, [new])
    answered.record()
    found = answered.read("f-1")
    assert [each.value for each in found.explained.moved if each.feature == "distance"] == ["(sensitive)"]
    assert found.neighbours.nearest[0].values["distance"] == found.features["distance"] == "(sensitive)"
