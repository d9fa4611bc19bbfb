"""Runs in a row that failed: read on is read at once, and the alert of each pipeline says how it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from argosy.controller import ending
from argosy.controller.streak import Streak, Streaks, changes, go_on
from argosy.controller.turn import pipeline as why
from argosy.store import Store, alerts, events, runs
from argosy.store.alerts import Alert
from argosy.store.runs import Ended
from tests.controller.timetable import NIGHTLY, START, declare

CONTROLLER = "controller"
Came = tuple[str, int, str]
CAME = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6), st.sampled_from([runs.FAILED, runs.SUCCEEDED])))


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as made:
        yield made


def endings(came: Sequence[Came]) -> list[Ended]:
    return [
        Ended(id=n, run_id=run, pipeline=name, at=START + timedelta(hours=n), outcome=outcome, reason=f"r{n}")
        for n, (name, run, outcome) in enumerate(came, 1)
    ]


def known(some: Sequence[Ended], before: dict[str, Streak] | None = None) -> dict[str, Streak]:
    found = before if before is not None else {}
    go_on(found, some)
    return found


def after(raised: list[Alert], streaks: dict[str, Streak]) -> tuple[list[Alert], list[str]]:
    """The alerts that are raised once changes are recorded, and what these were."""
    new = changes(streaks, raised, START)
    now = {each.cause: each for each in raised}
    for each in new:
        now[each.cause] = Alert(id=1, **msgspec.structs.asdict(each))
    return [each for each in now.values() if each.state != alerts.RESOLVED], [each.state for each in new]


@given(CAME, st.integers(0, 20))
def test_read_on_is_read_at_once(came: list[Came], cut: int) -> None:
    every = endings(came)
    assert known(every[cut:], known(every[:cut])) == known(every)


@given(CAME)
def test_a_streak_is_what_failed_since_the_last_that_succeeded(came: list[Came]) -> None:
    found = known(endings(came))
    for name in "ab":
        mine = [(run, outcome, n) for n, (each, run, outcome) in enumerate(came, 1) if each == name]
        good = max((place for place, (_, outcome, _) in enumerate(mine) if outcome == runs.SUCCEEDED), default=-1)
        since = mine[good + 1 :]
        assert (name in found) is bool(since)
        if since:
            assert found[name].runs == {run for run, _, _ in since}
            assert (found[name].last, found[name].reason) == (since[-1][0], f"r{since[-1][2]}")
            assert found[name].since == START + timedelta(hours=since[0][2])


@given(CAME, CAME)
def test_whatever_was_raised_the_alerts_come_to_those_of_now_and_rest(first: list[Came], then: list[Came]) -> None:
    raised, _ = after([], known(endings(first)))
    streaks = known(endings(then))
    raised, _ = after(raised, streaks)
    assert {each.cause: each.body for each in raised} == {name: each.body for name, each in streaks.items()}
    assert after(raised, streaks) == (raised, [])


def test_words_tell_how_many_since_when_and_what_went_wrong() -> None:
    once = known(endings([("a", 1, runs.FAILED)]))
    (raised,) = changes(once, [], START)
    assert (raised.name, raised.cause, raised.state, raised.value) == ("pipeline/a", "a", alerts.RAISED, 1.0)
    assert raised.message == "pipeline a failed at 2013-01-01 01:00, run 1: r1"
    twice = known(endings([("a", 1, runs.FAILED), ("a", 3, runs.FAILED)]))
    twice["a"].reason = "x" * 300 + "\nmore"
    (changed,) = changes(twice, [Alert(id=1, **msgspec.structs.asdict(raised))], START)
    assert changed.message == (
        f"pipeline a has failed since 2013-01-01 01:00, 2 runs in a row, the last of them run 3: {'x' * 199}…"
    )
    assert changed.state == alerts.CHANGED
    assert changed.body == {
        "severity": "critical", "since": "2013-01-01T01:00:00Z", "run": 3, "failures": 2,
        "reason": twice["a"].reason,
    }  # fmt: skip


def test_only_runs_that_began_by_themselves_raise_and_any_that_succeeds_ends_it(store: Store) -> None:
    streaks = Streaks(CONTROLLER)
    end(store, "ann", runs.FAILED)
    look(store, streaks)
    assert raised(store) == [] and told(store) == []
    first = end(store, CONTROLLER, runs.FAILED)
    look(store, streaks)
    last = end(store, CONTROLLER, runs.FAILED)
    end(store, "ann", runs.FAILED)
    end(store, CONTROLLER, runs.CANCELLED)
    look(store, streaks)
    look(store, Streaks(CONTROLLER))
    (alert,) = raised(store)
    assert (alert.body["run"], alert.body["failures"], alert.state) == (last, 2, alerts.CHANGED) and first < last
    end(store, "ann", runs.SUCCEEDED)
    look(store, Streaks(CONTROLLER))
    look(store, streaks)
    assert raised(store) == [] and told(store) == ["alert.raised", "alert.resolved"]


def test_one_that_is_tried_again_counts_once_and_ends_it_where_it_succeeds(store: Store) -> None:
    streaks = Streaks(CONTROLLER)
    run = end(store, CONTROLLER, runs.FAILED)
    look(store, streaks)
    again(store, run, runs.FAILED)
    look(store, streaks)
    assert [each.body["failures"] for each in raised(store)] == [1]
    again(store, run, runs.SUCCEEDED)
    look(store, streaks)
    assert raised(store) == []


def test_an_alert_ends_where_its_pipeline_is_watched_no_more(store: Store) -> None:
    streaks = Streaks(CONTROLLER)
    end(store, CONTROLLER, runs.FAILED)
    look(store, streaks)
    look(store, streaks, watched=())
    assert raised(store) == []
    look(store, streaks)
    assert len(raised(store)) == 1
    look(store, Streaks(CONTROLLER), watched=())
    assert raised(store) == []


def test_a_look_at_nothing_new_is_one_query_and_none_where_nothing_is_watched(store: Store) -> None:
    streaks, seen = Streaks(CONTROLLER), list[str]()
    end(store, CONTROLLER, runs.FAILED)
    look(store, streaks)

    def note(conn: object, cursor: object, statement: str, *rest: object) -> None:
        seen.extend([statement] if statement != "BEGIN" else [])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        look(store, streaks)
        assert len(seen) == 1
        look(store, streaks, watched=())
        seen.clear()
        look(store, streaks, watched=())
        assert seen == []
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_why_tells_of_it(store: Store, tmp_path: Path) -> None:
    declare(store, tmp_path / "p", NIGHTLY)

    def says() -> dict[str, str]:
        with store.read() as conn:
            return {each.title: each.says for each in why(conn, "nightly", START).topics}

    assert "what is alarming" not in says()
    run = end(store, CONTROLLER, runs.FAILED)
    look(store, Streaks(CONTROLLER))
    assert says()["what is alarming"] == f"pipeline nightly failed at 2013-01-01 00:00, run {run}: no disk"


def end(store: Store, actor: str, outcome: str) -> int:
    """A run that somebody began and that ended so."""
    with store.write() as tx:
        run = runs.begin(tx, runs.NewRun(pipeline="nightly", key="k", at=START, actor=actor, cause="c"))
        ending.record(tx, run, outcome, START, actor, "no disk")
    return run.id


def again(store: Store, run: int, outcome: str) -> None:
    with store.write() as tx:
        runs.end(tx, [runs.NewEnding(run_id=run, at=START, outcome=outcome, actor="ann", reason="no disk")])


def look(store: Store, streaks: Streaks, watched: tuple[str, ...] = ("nightly",)) -> None:
    with store.read() as conn:
        found = streaks.read(conn, watched)
    streaks.tell(store, found, START)


def raised(store: Store) -> list[Alert]:
    with store.read() as conn:
        return alerts.raised(conn, alerts.NO_FLEET)


def told(store: Store) -> list[str]:
    """Kinds of events about the alert, oldest first."""
    with store.read() as conn:
        return [each.kind for each in events.of_subject(conn, "pipeline:nightly")][::-1]
