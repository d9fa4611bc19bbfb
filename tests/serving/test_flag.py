"""Rows that do not fit: what the fleet declares is done at every door, and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import argosy as ag
from argosy.serving.segment import META
from argosy.store import declarations
from tests.serving.conftest import FLEET, FLIGHTS, declared
from tests.serving.served import URL, Served, body, outputs, tensor

Declare = Callable[..., None]
ROW = {
    "flight": "f",
    "origin": "JFK",
    "carrier": "AA",
    "departure": "2013-04-01T15:30:00Z",
    "distance": 0.25,
    "dest": "LAX",
}
CONTRACT = ag.Contract({"distance": ag.Column(minimum=-5, maximum=5), "dest": ag.Column(nullable=False)})


@pytest.fixture
def declare(served: Served) -> Declare:
    """Declare what becomes of rows that do not fit, over a contract of two columns."""

    def declaring(**rules: Any) -> None:
        fleet = msgspec.structs.replace(FLEET, inputs=ag.Inputs(**rules))
        spine = msgspec.structs.replace(FLIGHTS, contract=CONTRACT)
        with served.fleet.store.write() as tx:
            declarations.add(tx, [declared(spine), declared(fleet)])

    return declaring


def predicted(served: Served, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    answer = served.post(list(rows), "/predict/late-arrival")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["predictions"]
    return found


def test_what_is_outside_is_flagged_answered_and_recorded(served: Served, declare: Declare) -> None:
    declare()
    rows = [ROW, ROW | {"distance": 7.0, "dest": "SFO"}, ROW | {"dest": None, "distance": None}]
    assert [each["flags"] for each in predicted(served, *rows)] == ["", "distance:maximum,dest:unseen", "dest:null"]
    assert "flags" not in predicted(served, ROW)[0]
    got = outputs(served.post(body(2, distance=tensor("distance", "FP64", [0.5, -6.0]))))
    assert got["flags"] == ["", "distance:minimum"]
    assert outputs(served.post(body() | {"outputs": [{"name": "flags"}]})) == {"flags": [""]}
    metadata = served.run(lambda c: c.get("/v2/models/late-arrival")).json()
    assert "flags" in [each["name"] for each in metadata["outputs"]] and META["flags"]
    recorded = served.recorded()["flags"].to_list()
    assert sorted(filter(None, recorded)) == ["dest:null", "distance:maximum,dest:unseen", "distance:minimum"]


def test_what_is_outside_may_be_refused(served: Served, declare: Declare) -> None:
    declare(domain="refuse")
    answer = served.post(body(2, distance=tensor("distance", "FP64", [0.5, -6.0])))
    assert answer.status_code == 400
    assert "'distance' of fleet 'late-arrival' holds '-6.0' in row 1, outside of its domain (minimum)" in answer.text
    assert served.post(body()).status_code == 200


def test_what_is_outside_or_missing_may_be_imputed(served: Served, declare: Declare) -> None:
    declare(domain="impute", missing="impute", fill={"distance": 0.25})
    [wanted] = predicted(served, ROW)
    lacking = {name: value for name, value in ROW.items() if name != "distance"}
    for row, flags in [(ROW | {"distance": 9.0}, "distance:maximum"), (lacking, "distance:missing")]:
        assert predicted(served, row) == [wanted | {"flags": flags}]
    both = predicted(served, ROW, lacking)
    assert both == [wanted | {"flags": ""}, wanted | {"flags": "distance:missing"}]
    got = outputs(served.post(body(distance=None)))
    assert got["flags"] == ["distance:missing"] and got["prediction"] == [wanted["prediction"]]
    assert predicted(served, {k: v for k, v in ROW.items() if k != "dest"})[0]["flags"] == "dest:missing"
    key = served.post(body(origin=None))
    assert key.status_code == 400 and "lacks the input 'origin'" in key.text


def test_columns_that_nobody_takes_may_be_ignored(served: Served, declare: Declare) -> None:
    more = {"colour": tensor("colour", "BYTES", ["red"])}
    assert served.post(body(**more)).status_code == 400
    declare(unknown="ignore")
    assert outputs(served.post(body(**more))) == outputs(served.post(body()))
    assert served.run(lambda c: c.post(URL, json=body(**more))).status_code == 200


def test_a_value_that_is_not_of_its_column_is_not_taken_over(served: Served, declare: Declare) -> None:
    assert served.post(body()).status_code == 200
    declare(missing="impute", fill={"distance": "far"})
    assert served.post(body(distance=None)).status_code == 400
    assert served.post(body()).status_code == 200
