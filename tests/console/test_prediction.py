"""The page of one prediction."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from argosy.console import prediction
from argosy.console.page import to_html, to_json
from argosy.data.read import append
from argosy.errors import UnknownError
from tests.serving.conftest import NOW, SIGNATURE, Fixture, fleet

__all__ = ["fleet"]

VALUES: dict[str, Any] = {"distance": 0.25, "hour": 15.0, "temp": 3.0, "wind": 0.5, "dest": "LAX"}


def record(given: Fixture, **other: Any) -> float:
    """One row that JFK/AA answered, as it is recorded; what it answered."""
    matrix = np.array([[0.25, 15.0, 3.0, 0.5, 1.0]])
    answer = float(given.estimators["late-arrival/JFK/AA@1"].predict_proba(matrix)[0, 1])
    row = {
        "row_key": "UA 7#1", "member": "JFK/AA", "at": NOW, "request_id": "r-1", "version": "late-arrival/JFK/AA@1",
        "route": "own", "prediction": answer, "stale": True, "latency_us": 250,
    }  # fmt: skip
    frame = pl.DataFrame([row | VALUES | other])
    append(given.store, "late-arrival.predictions", frame, time="at", sources=[str(other)], now=NOW, cause="answered")
    return answer


def test_it_shows_what_moved_an_answer_and_where_it_is_from(fleet: Fixture) -> None:
    answer = record(fleet)
    with fleet.store.read() as conn:
        page = prediction.page(conn, fleet.store, "late-arrival", "UA 7#1", NOW)
        assert prediction.page(conn, fleet.store, "late-arrival", "r-1", NOW).data == page.data
    html = to_html(page)
    assert f"{answer:.5g}" in html and "a feature was stale" in html and "answered in 0.25 ms" in html
    assert 'href="/versions/late-arrival/JFK/AA@1"' in html and "in log-odds" in html
    assert html.count('<svg viewBox="0 0 240 12"') == len(SIGNATURE.names)
    assert "do not lie on this machine any more" in html and "explained now, from what was recorded of it" in html
    assert page.command == "argosy explain late-arrival --row 'UA 7#1'"
    twin = msgspec.json.decode(to_json(page))
    moved = {each["feature"]: each["contribution"] for each in twin["explained"]["moved"]}
    score = twin["explained"]["base"] + sum(moved.values())
    assert 1 / (1 + np.exp(-score)) == pytest.approx(answer) and moved.keys() == VALUES.keys()


def test_what_was_recorded_of_a_row_is_shown_where_that_does_not_explain_it(fleet: Fixture) -> None:
    record(fleet, prediction=0.123)
    with fleet.store.read() as conn:
        page = prediction.page(conn, fleet.store, "late-arrival", "UA 7#1", NOW)
    html = to_html(page)
    assert "No contributions: the recorded features give" in html and "<th>lowers" not in html
    assert all(f'<td class="nowrap">{name}</td>' in html for name in VALUES) and '<td class="n">LAX</td>' in html
    assert msgspec.json.decode(to_json(page))["features"] == VALUES


def test_a_row_without_an_answer_is_shown_as_such(fleet: Fixture) -> None:
    nothing = dict.fromkeys(VALUES)
    record(fleet, row_key="f-2", prediction=None, route="unknown", member="LGA/ZZ", latency_us=None, **nothing)
    with fleet.store.read() as conn:
        html = to_html(prediction.page(conn, fleet.store, "late-arrival", "f-2", NOW))
        with pytest.raises(UnknownError, match="'f-3' has been recorded"):
            prediction.page(conn, fleet.store, "late-arrival", "f-3", NOW)
    assert "failed on this row" in html and "LGA/ZZ, which nobody knew" in html and "answered in" not in html
