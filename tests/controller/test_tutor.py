"""Fleets as steps: trained in a process of their own, with counts as the value."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from argosy.controller import tenure
from argosy.controller.apply import apply
from argosy.controller.dispatch import Dispatch
from argosy.controller.tutor import Tutor
from argosy.errors import ArgosyError
from argosy.store import events, members, runs
from argosy.store.store import Store
from tests.controller.timetable import START, ended, settle

PROJECT = """
import argosy as ag
from argosy.spec.estimator import Estimator

orders = ag.Dataset("orders", time="placed", source=ag.Csv("orders.csv"))
late = ag.Fleet(
    "late", spine=orders, label="late", features=["distance"], by=["store"], minimum_rows=20, pooled=False,
    candidates=[ag.Candidate(Estimator("sklearn.linear_model:LogisticRegression"))],
)

@ag.step
def count(counts: dict[str, object]) -> object:
    return counts["trained"]

@ag.pipeline(schedule="0 6 * * *")
def nightly():
    return count(ag.trained(late))
"""


@pytest.fixture
def store(home: Path, tmp_path: Path) -> Iterator[Store]:
    lines = ["placed,store,distance,late"]
    lines += [f"2012-12-{1 + n % 28:02}T{n % 24:02}:00:00Z,{'ab'[n % 2]},{n % 7},{n % 3 % 2}" for n in range(200)]
    (tmp_path / "orders.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "orders.py").write_text(PROJECT)
    with Store.open(home) as made:
        apply(made, tmp_path / "orders.py", START, "tester")
        yield made


@pytest.fixture
def tutor(store: Store) -> Iterator[Tutor]:
    with Tutor(store, lambda: START, "a step of run 7", "tester") as made:
        yield made


@pytest.mark.slow
def test_a_fleet_is_trained_and_told_of_in_counts(store: Store, tutor: Tutor) -> None:
    first = tutor("late")
    assert first == {
        "trained": 2, "unchanged": 0, "failed": 0, "fallbacks": 0, "versions": {"late/a": 1, "late/b": 1}
    }  # fmt: skip
    assert tutor("late") == {"trained": 0, "unchanged": 2, "failed": 0, "fallbacks": 0, "versions": {}}
    with store.read() as conn:
        assert members.ids(conn, "late").keys() == {"a", "b"}
        assert events.of_kind(conn, "late", "trained")[0].actor == "tester"


@pytest.mark.slow
def test_a_fleet_that_is_not_there_fails_with_the_reason(store: Store, tutor: Tutor) -> None:
    with pytest.raises(ArgosyError, match="there is no fleet 'early'"):
        tutor("early")


@pytest.mark.slow
def test_a_run_that_starts_by_itself_trains_its_fleet(store: Store) -> None:
    dispatch = Dispatch(store)
    try:
        (run,) = settle(dispatch, store, START + timedelta(hours=7), 1)
    finally:
        dispatch.close()
    ending = ended(store)[run.id]
    assert (ending.outcome, ending.body["counts"]) == (runs.SUCCEEDED, {"executed": 2})
    with store.read() as conn:
        assert members.ids(conn, "late").keys() == {"a", "b"}


@pytest.mark.slow
def test_a_training_ends_with_its_run(store: Store) -> None:
    with tenure.hold(store, "fleet:late"):
        failed: list[str] = []

        def ask(tutor: Tutor) -> None:
            try:
                tutor("late")
            except ArgosyError as error:
                failed.append(error.message)

        with Tutor(store, lambda: START, "a step of run 7", "tester") as tutor:
            thread = threading.Thread(target=ask, args=(tutor,))
            thread.start()
            thread.join(6.0)  # it waits for the fleet's lease
            assert thread.is_alive()
        thread.join(30.0)
    assert failed == ["the training of late was ended with its run"]
