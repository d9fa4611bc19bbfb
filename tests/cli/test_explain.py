"""explain: contributions to answers that were recorded, and to those that rows of a file would get."""

from __future__ import annotations

import json
import math
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from argosy.data.read import append
from argosy.store.store import Store

pytestmark = pytest.mark.slow

ROWS = [
    {"order_id": "a-1", "left_at": "2026-03-02T17:30:00Z", "depot": "harbour", "kilometres": 81.5, "parcels": 9.0},
    {"order_id": "a-2", "left_at": "2026-03-02T09:00:00Z", "depot": "island", "kilometres": None, "parcels": 2.0},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "rows.json"
    found.write_text(json.dumps(ROWS))
    return found


def test_rows_of_a_file_are_explained_by_who_answers_them(run, inside: Path, file: Path) -> None:
    found = run("explain", "late-order", "--file", file, "--json").json()
    assert [each["version"].partition("@")[0] for each in found][1] == "late-order/*" and len(found) == 2
    for each in found:
        score = each["base"] + sum(each["contributions"].values())
        assert 1 / (1 + math.exp(-score)) == pytest.approx(each["prediction"])
        assert each["contributions"].keys() >= {"kilometres", "parcels", "hour", "weekday"}
    shown = run("explain", "late-order", "--file", file)
    assert shown.code == 0 and "for row 1" in shown.out
    assert "(score: log_odds)" in shown.out and "81.5" in shown.out
    predicted = run("predict", "late-order", "--file", file, "--json").json()
    assert [each["prediction"] for each in predicted] == pytest.approx([each["prediction"] for each in found])


def test_a_recorded_row_is_explained_by_who_answered_it(
    run, late: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = shutil.copytree(late, tmp_path / "late")
    monkeypatch.chdir(place)
    first = run("explain", "late-order", "--file", file, "--json").json()[0]
    at = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
    row = {
        "row_key": "a-1", "member": "harbour", "at": at, "request_id": "r-1", "version": first["version"],
        "route": first["route"], "prediction": first["prediction"], "stale": False, "depot": "harbour",
        "kilometres": 81.5, "parcels": 9.0, "hour": 17.0, "weekday": float(at.isoweekday()),
    }  # fmt: skip
    with Store.open(place / ".argosy") as store:
        append(
            store, "late-order.predictions", pl.DataFrame([row]), time="at", sources=["one"], now=at, cause="answered"
        )
    found = run("explain", "late-order", "--row", "a-1", "--json").json()
    moved = {each["feature"]: each["contribution"] for each in found["explained"]["moved"]}
    taken = {name: value for name, value in first["contributions"].items() if name in moved}
    assert moved == pytest.approx(taken)
    assert first["contributions"].keys() - moved.keys() <= {"depot"}  # which the pooled model alone takes
    assert len(found["neighbours"]["nearest"]) == 5
    shown = run("explain", "late-order", "--row", "r-1")
    assert "for row a-1 at 2026-03-02 17:30 UTC" in shown.out and "(base)" in shown.out
    unknown = run("explain", "late-order", "--row", "a-9")
    assert unknown.code == 2 and "'a-9' has been recorded" in unknown.err


def test_what_is_asked_wrongly_is_said(run, inside: Path, tmp_path: Path) -> None:
    assert "give one of --row and --file" in run("explain", "late-order").err
    assert "there is no file" in run("explain", "late-order", "--file", tmp_path / "none.json").err
