"""Runs that start by themselves: each time once, in processes that may die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from argosy.controller.dispatch import DEATHS, Dispatch
from argosy.store import calls, events, runs
from argosy.store.store import Store
from tests.controller.timetable import NIGHTLY, START, declare, ended, of, settle, until

SLOW = """
@ag.step
def linger(about: str, seconds: float) -> str:
    time.sleep(seconds)
    return about
"""


@pytest.fixture
def dispatch(store: Store) -> Iterator[Dispatch]:
    made = Dispatch(store, pause=0.1)
    yield made
    made.close()


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as made:
        yield made


@pytest.mark.slow
def test_each_time_that_was_missed_gets_its_run_about_its_span(store: Store, dispatch: Dispatch, tmp_path: Path) -> None:
    declare(store, tmp_path / "p", NIGHTLY)
    dispatch.look(START + timedelta(hours=5))
    assert of(store) == [] and dispatch.pids == []
    found = settle(dispatch, store, START + timedelta(days=2, hours=7), 3)
    assert [run.due_at for run in found] == [START + timedelta(days=day, hours=6) for day in range(3)]
    assert [run.parameters["span"] for run in found] == [
        "2012-12-31T06:00Z/2013-01-01T06:00Z", "2013-01-01T06:00Z/2013-01-02T06:00Z",
        "2013-01-02T06:00Z/2013-01-03T06:00Z",
    ]  # fmt: skip
    assert {run.cause for run in found} == {"schedule: 0 6 * * *"}
    assert {each.outcome for each in ended(store).values()} == {runs.SUCCEEDED}
    with store.read() as conn:
        told = events.of_kind(conn, "nightly", runs.STARTED)
    assert [each.message for each in told][-1] == f"run {found[0].id} started: schedule: 0 6 * * *"
