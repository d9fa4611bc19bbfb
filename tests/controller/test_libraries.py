"""Libraries: which count, and what is said of an upgrade."""

from __future__ import annotations

from pathlib import Path

import pytest

import argosy as ag
from argosy.controller import libraries
from argosy.controller.libraries import Libraries, changes, installed, packages
from argosy.spec.estimator import Estimator
from argosy.store import events
from argosy.store.store import Store
from argosy.testing.sample import moment
from tests.controller.snapshots import fleet

NESTED = {"steps": [{"$estimator": {"path": "interpret.glassbox:EBM", "parameters": {}}}]}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"lightgbm": "4.6.0"}, {"lightgbm": "4.6.0"}, ""),
        ({"lightgbm": "4.6.0", "numpy": "2.4"}, {"numpy": "2.4", "lightgbm": "4.7.0"}, "lightgbm 4.6.0 -> 4.7.0"),
        ({"catboost": "1.2"}, {"xgboost": "3.0"}, "catboost 1.2 -> none, xgboost none -> 3.0"),
    ],
)
def test_changes_in_words(before: dict[str, str], after: dict[str, str], said: str) -> None:
    assert changes(before, after) == said


def test_the_packages_of_candidates_count_and_the_projects_own_modules_do_not() -> None:
    given = fleet(
        candidates=[
            ag.Candidate(Estimator("sklearn.pipeline:Pipeline", NESTED)),
            ag.Candidate(Estimator("mine.models:Own"), name="own"),
            ag.Candidate(Estimator("msgspec.json:Encoder"), name="other"),
        ]
    )
    assert packages(given, ["mine.models:Own"]) == ("interpret", "msgspec")
    found = installed(given, ["mine.models:Own"])
    assert {"python", "lightgbm", "scikit-learn", "msgspec"} <= found.keys()
    assert "msgspec" not in installed(fleet(), [])


def test_libraries_are_one_fact_until_they_are_others(home: Path) -> None:
    first, second = Libraries("a", {"lightgbm": "4.6.0"}), Libraries("b", {"lightgbm": "4.7.0"})
    with Store.open(home) as store:
        with store.write() as tx:
            ids = [libraries.record(tx, "late", each, moment(), "ann") for each in (first, first, second, first)]
            other = libraries.record(tx, "early", second, moment(), "ann")
        with store.read() as conn:
            assert libraries.known(conn, "late") == {ids[0]: first, ids[2]: second}
            assert libraries.known(conn, "early") == {other: second}
            told = [event.message for event in events.since(conn)]
    assert ids == [ids[0], ids[0], ids[2], ids[0]]
    assert told == [
        "late is trained with lightgbm 4.6.0",
        "late is trained with other libraries: lightgbm 4.6.0 -> 4.7.0",
        "early is trained with lightgbm 4.7.0",
    ]
