"""Explanations at the doors: asked for, they come beside the predictions that they sum to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.serving.conftest import SIGNATURE
from tests.serving.served import Served, body, outputs

PREDICT = "/predict/late-arrival"
RECORD = {
    "flight": "f0", "origin": "JFK", "carrier": "AA", "departure": "2013-04-01T15:30:00Z", "distance": 0.25,
    "dest": "LAX",
}  # fmt: skip


def chance(score: Any) -> Any:
    return 1 / (1 + np.exp(-score))


def test_tensors_of_contributions_sum_to_the_predictions(served: Served) -> None:
    answer = served.post(body(3) | {"parameters": {"explain": True}})
    found = outputs(answer)
    about = {each["name"]: each for each in answer.json()["outputs"]}["contributions"]
    assert (about["shape"], about["datatype"]) == ([3, 5], "FP64")
    assert about["parameters"] == {"names": list(SIGNATURE.names)}
    score = np.array(found["contributions"]).reshape(3, 5).sum(axis=1) + found["base"]
    np.testing.assert_allclose(chance(score), found["prediction"])
    assert found["space"] == ["log_odds"] * 3


def test_records_say_what_moved_each_of_them(served: Served) -> None:
    answers = [
        served.post({"records": [RECORD], "explain": True}, PREDICT),
        served.post({"records": [RECORD]}, f"{PREDICT}?explain=true"),
        served.post([RECORD], f"{PREDICT}?explain=True"),
    ]
    assert [answer.status_code for answer in answers] == [200] * 3
    rows = [answer.json()["predictions"][0] for answer in answers]
    why = rows[0]["explanation"]
    assert rows == [rows[0]] * 3 and list(why["contributions"]) == list(SIGNATURE.names)
    assert chance(why["base"] + sum(why["contributions"].values())) == pytest.approx(rows[0]["prediction"])
    assert served.recorded().height == 3


def test_who_does_not_ask_is_told_nothing_more(served: Served) -> None:
    for parameters in ({}, {"explain": False}):
        assert set(outputs(served.post(body() | {"parameters": parameters}))) == {
            "prediction", "version", "route", "stale"
        }  # fmt: skip
    for url in (PREDICT, f"{PREDICT}?explain=false"):
        assert "explanation" not in served.post({"records": [RECORD]}, url).json()["predictions"][0]


def test_what_the_query_says_beside_records_is_heeded_or_refused(served: Served) -> None:
    named = served.post([RECORD], f"{PREDICT}?id=mine&at=event")
    assert named.status_code == 200 and named.json()["id"] == "mine"
    for query, said in (
        ("explain=yes", "`explain` is 'yes' in the query"),
        ("explain=", "`explain` is '' in the query"),
        ("exlain=true", "the query has 'exlain'"),
        ("at=soon", "`at` holds 'soon'"),
    ):
        refused = served.post([RECORD], f"{PREDICT}?{query}")
        assert refused.status_code == 400 and said in refused.json()["error"]


def test_some_outputs_may_be_asked_for_where_rows_are_explained(served: Served) -> None:
    wanted = {"outputs": [{"name": "contributions"}, {"name": "base"}]}
    found = outputs(served.post(body() | {"parameters": {"explain": True}} | wanted))
    assert set(found) == {"contributions", "base"}
    refused = served.post(body() | wanted)
    assert refused.status_code == 400 and "no output 'contributions'" in refused.json()["error"]


def test_what_cannot_be_explained_is_refused_and_not_recorded(served: Served) -> None:
    many = served.post(body(1001) | {"parameters": {"explain": True}})
    assert many.status_code == 400 and "1,001 rows to explain" in many.json()["error"]
    unclear = served.post(body() | {"parameters": {"explain": "yes"}})
    assert unclear.status_code == 400 and "the parameter explain is 'yes'" in unclear.json()["error"]
    assert served.recorder.flush() == 0
