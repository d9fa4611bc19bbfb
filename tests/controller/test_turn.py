"""Turns: why a pipeline has started, is about to or does not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from argosy.controller.topic import Why
from argosy.controller.turn import pipeline
from argosy.errors import DeclarationError
from argosy.store import Store, pauses, runs
from tests.controller.timetable import NIGHTLY, START, declare, spoil

REST = """
@ag.pipeline
def asked():
    return tell("x")

@ag.pipeline(on=[ag.after(asked), ag.new_version("flights")], concurrency="allow")
def chained():
    return tell("y")
"""


@pytest.fixture
def store(home: Path, tmp_path: Path) -> Iterator[Store]:
    with Store.open(home) as made:
        declare(made, tmp_path / "project", NIGHTLY + REST)
        yield made


def told(store: Store, name: str, now: datetime) -> Why:
    with store.read() as conn:
        return pipeline(conn, name, now)


def says(why: Why) -> dict[str, str]:
    return {each.title: " | ".join((each.says, *each.details)) for each in why.topics}


def test_a_schedule_tells_its_next_time_and_that_a_run_is_due(store: Store) -> None:
    why = told(store, "nightly", START)
    assert (why.kind, why.summary.rpartition(", ")[2]) == ("pipeline", "next 2013-01-01 06:00")
    known = says(why)
    assert "times that were missed each get their run" in known["its schedule"]
    assert "what else starts it" not in known and known["its last run"] == "it never ran"
    assert told(store, "nightly", START + timedelta(hours=7)).summary == "a run is due: schedule: 0 6 * * *"


def test_a_pause_is_what_keeps_it(store: Store) -> None:
    with store.write() as tx:
        pauses.add(tx, pauses.NewPause(pipeline="nightly", paused=True, at=START, actor="ann", reason="a move"))
    why = told(store, "nightly", START + timedelta(hours=7))
    assert why.summary == "paused by ann: a move (argosy resume nightly)"


def test_triggers_tell_what_they_wait_for(store: Store) -> None:
    known = says(told(store, "chained", START))
    assert "after pipeline asked: nothing of it yet" in known["what else starts it"]
    assert "flights has no version yet, no run was for any" in known["what else starts it"]
    assert "another may start beside it" in known["one run and the next"]


def test_a_run_under_way_and_the_last_one_are_named(store: Store) -> None:
    with store.write() as tx:
        new = runs.NewRun(pipeline="nightly", key="k", at=START, actor="ann", cause="asked for by ann")
        run = runs.begin(tx, new)
    known = says(told(store, "nightly", START + timedelta(hours=7)))
    assert known["what happens next"] == f"run {run.id} has not ended"
    assert f"run {run.id} is under way" in known["one run and the next"]
    with store.write() as tx:
        runs.end(tx, [runs.NewEnding(run_id=run.id, at=START, outcome=runs.FAILED, actor="ann", reason="no disk")])
    assert "failed (asked for by ann) | why it failed: no disk" in says(told(store, "nightly", START))["its last run"]


def test_one_that_only_runs_when_it_is_asked_to_says_so(store: Store) -> None:
    assert told(store, "asked", START).summary == "it starts when it is asked to: argosy run asked"


def test_one_that_cannot_be_read_says_why(store: Store) -> None:
    spoil(store, "martian")
    with pytest.raises(DeclarationError, match="Mars/Olympus"):
        told(store, "martian", datetime(2013, 1, 2, tzinfo=UTC))
