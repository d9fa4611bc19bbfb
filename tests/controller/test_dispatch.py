"""Runs that start by themselves: each time once, in processes that may die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from argosy.controller.clock import SystemClock
from argosy.controller.dispatch import DEATHS, Dispatch
from argosy.controller.tenure import gone, owner
from argosy.spec import schedule
from argosy.store import alerts, calls, datasets, events, leases, resources, runs
from argosy.store.store import Store
from argosy.testing.sample import ingest
from tests.controller.timetable import NIGHTLY, START, declare, ended, of, settle, spoil, until

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
def test_each_time_that_was_missed_gets_its_run_about_its_span(
    store: Store, dispatch: Dispatch, tmp_path: Path
) -> None:
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


@pytest.mark.slow
def test_a_trigger_starts_one_run_whatever_the_number_of_events(
    store: Store, dispatch: Dispatch, tmp_path: Path
) -> None:
    text = """
@ag.pipeline(on=[ag.event("promoted", "late"), ag.new_version("flights")])
def report(word: str = "hello"):
    return tell(word)

@ag.pipeline(on=ag.after(report))
def told(span: ag.Span):
    return tell(str(span))
"""
    declare(store, tmp_path / "p", text)
    now = START + timedelta(hours=1)
    dispatch.look(now)
    assert dispatch.pids == []
    happen(store, "promoted", "other")
    dispatch.look(now)
    assert dispatch.pids == []
    for member in ("late/a", "late/b", "late"):
        happen(store, "promoted", member)
    first, second = settle(dispatch, store, now, 2)
    assert (first.pipeline, first.cause) == ("report", "event promoted of late")
    assert (second.pipeline, second.cause) == ("told", f"after report run {first.id}")
    assert second.parameters["span"] == "2013-01-01/2013-01-01T01:00Z"
    with store.write() as tx:
        datasets.commit(tx, ingest("flights", "january"))
    third, fourth = settle(dispatch, store, now + timedelta(hours=1), 4)[2:]
    assert (third.cause, third.inputs) == ("new version flights@1", {"flights": "flights@1"})
    assert fourth.parameters["span"] == "2013-01-01T01:00Z/2013-01-01T02:00Z"


@pytest.mark.slow
def test_a_run_that_is_cut_off_goes_on_with_what_it_had(store: Store, dispatch: Dispatch, tmp_path: Path) -> None:
    text = (
        SLOW
        + """
@ag.pipeline(schedule="0 6 * * *")
def nightly(span: ag.Span):
    return linger(tell(str(span)), seconds=1.5)
"""
    )
    declare(store, tmp_path / "p", text)
    now = START + timedelta(hours=7)
    until(dispatch, now, lambda: bool(of(store)) and "tell" in done(store, of(store)[0].id))
    (run,) = of(store)
    assert run.id not in ended(store)
    for pid in dispatch.pids:
        os.kill(pid, signal.SIGKILL)
    declare(store, tmp_path / "p", text.replace("1.5", "300.0"), now)
    assert [each.id for each in settle(dispatch, store, now, 1)] == [run.id]
    assert ended(store)[run.id].outcome == runs.SUCCEEDED
    with store.read() as conn:
        told = events.of_kind(conn, "nightly", "run.interrupted")
    assert [each.body for each in told] == [{"run": run.id, "code": -signal.SIGKILL}]


def test_a_run_whose_process_was_killed_is_interrupted_before_it_is_taken_up(store: Store) -> None:
    now = SystemClock().now()
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with store.write() as tx:
        run = runs.begin(tx, runs.NewRun(pipeline="nightly", key="k", at=now, actor="ann", cause="by hand"))
    assert leases.claim(store, run.lease, owner(process.pid), now, timedelta(minutes=1)) is not None

    def state() -> str:
        Dispatch(store, most=0).look(now)
        with store.read() as conn:
            return runs.states(conn, [run.id], SystemClock().now())[run.id]

    assert state() == runs.RUNNING
    process.kill()
    process.communicate()
    assert state() == runs.INTERRUPTED


@pytest.mark.slow
def test_a_run_that_keeps_killing_whoever_works_on_it_fails(store: Store, dispatch: Dispatch, tmp_path: Path) -> None:
    text = (
        SLOW
        + """
@ag.pipeline(schedule="0 6 * * *")
def nightly():
    return linger("a", seconds=300.0)
"""
    )
    declare(store, tmp_path / "p", text)
    now = START + timedelta(hours=7)
    while not ended(store):  # one that is killed before it begins counts for nothing
        until(dispatch, now, lambda: bool(ended(store)) or (bool(dispatch.pids) and at_work(store) != []))
        for pid in dispatch.pids:
            os.kill(pid, signal.SIGKILL)
        until(dispatch, now, lambda: not dispatch.pids or at_work(store) == [])
    (run,) = settle(dispatch, store, now, 1)
    ending = ended(store)[run.id]
    assert ending.outcome == runs.FAILED
    assert ending.reason == f"the process at work on run {run.id} ended with -9, {DEATHS} times"


@pytest.mark.slow
def test_what_cannot_begin_fails_once_with_the_reason(store: Store, dispatch: Dispatch, tmp_path: Path) -> None:
    text = """
import os

@ag.step
def rows(flights: ag.Table) -> int:
    return flights.height

@ag.pipeline(schedule="0 6 * * *")
def nightly(flights: ag.Dataset):
    return rows(flights)

@ag.pipeline(schedule="0 6 * * *")
def dies(word: str = "a"):
    if os.environ.get("DIES"):
        os._exit(7)
    return tell(word)
"""
    declare(store, tmp_path / "p", text)
    os.environ["DIES"] = "1"
    try:
        found = settle(dispatch, store, START + timedelta(hours=7), 2)
    finally:
        del os.environ["DIES"]
    reasons = {run.pipeline: ended(store)[run.id].reason for run in found}
    assert reasons == {
        "nightly": "pipeline nightly reads flights, of which there is no version",
        "dies": "the process at work on the next run of dies ended with 7, 3 times",
    }
    dispatch.look(START + timedelta(hours=7))
    assert dispatch.pids == []


@pytest.mark.slow
def test_runs_that_fail_raise_an_alert_that_the_next_good_one_ends(
    store: Store, dispatch: Dispatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
import os

@ag.step(cache=False)
def ask(word: str) -> str:
    if os.environ.get("DEPOT") == "closed":
        raise ConnectionError("no answer")
    return word

@ag.pipeline(schedule="0 6 * * *")
def nightly(word: str = "a"):
    if os.environ.get("DEPOT") == "gone":
        raise ValueError("no depot")
    return ask(word)
"""
    declare(store, tmp_path / "p", text)
    for day, (depot, failures) in enumerate([("gone", 1), ("closed", 2), ("open", 0)]):
        monkeypatch.setenv("DEPOT", depot)
        run = settle(dispatch, store, START + timedelta(days=day, hours=7), day + 1)[-1]
        with store.read() as conn:
            raised = alerts.raised(conn)
        assert [(each.body["run"], each.body["failures"]) for each in raised] == [(run.id, failures)] * bool(failures)
    with store.read() as conn:
        past = resources.page(conn, "alerts", "address:nightly").items[::-1]
        told = events.of_subject(conn, "pipeline:nightly")[::-1]
    first, second, _ = (ended(store)[run.id] for run in of(store))
    since = schedule.moment(first.at)
    once = f"pipeline nightly failed at {since}, run 1: {first.reason}"
    twice = f"pipeline nightly has failed since {since}, 2 runs in a row, the last of them run 2: {second.reason}"
    assert first.reason.endswith("ValueError: no depot") and "ConnectionError: no answer" in second.reason
    assert [(each["state"], each["message"]) for each in past] == [
        ("raised", once), ("changed", twice), ("resolved", twice)
    ]  # fmt: skip
    assert [(each.kind, each.message) for each in told] == [("alert.raised", once), ("alert.resolved", twice)]


@pytest.mark.slow
def test_a_pipeline_that_cannot_be_looked_at_holds_up_no_other(
    store: Store, dispatch: Dispatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    declare(store, tmp_path / "p", NIGHTLY + NIGHTLY.replace("def nightly", "def turned"))
    spoil(store, "nightly")
    with store.write() as tx:
        runs.begin(tx, runs.NewRun(pipeline="turned", key="k", at=START, actor="ann", cause="by hand",
                                   parameters={"span": "day"}, bundle=None))  # fmt: skip
    found = settle(dispatch, store, START + timedelta(hours=7), 2)
    assert [run.pipeline for run in found] == ["turned", "turned"]
    assert [each.message.partition(":")[0] for each in caplog.records if "Mars/Olympus" in each.message] == [
        "pipeline nightly starts no runs by itself, as it cannot be looked at"
    ]


@pytest.mark.slow
def test_a_run_under_way_holds_up_the_next_or_is_replaced_or_neither(
    store: Store, dispatch: Dispatch, tmp_path: Path
) -> None:
    text = SLOW + "".join(
        f"""
@ag.pipeline(schedule="0 6 * * *", concurrency={each!r})
def {each}(span: ag.Span):
    return linger({each!r} + str(span), seconds=300.0)
"""
        for each in ("forbid", "allow", "replace")
    )
    declare(store, tmp_path / "p", text)
    dispatch = Dispatch(store, most=6)
    try:
        until(dispatch, START + timedelta(hours=7), lambda: len(at_work(store)) == 3)
        until(dispatch, START + timedelta(days=1, hours=7), lambda: len(of(store)) == 5)
        until(dispatch, START + timedelta(days=1, hours=7), lambda: len(ended(store)) == 1 and len(at_work(store)) == 4)
    finally:
        dispatch.close()
    assert [len(of(store, each)) for each in ("forbid", "allow", "replace")] == [1, 2, 2]
    ((cancelled, ending),) = ended(store).items()
    assert cancelled == of(store, "replace")[0].id
    assert (ending.outcome, ending.reason) == (
        "cancelled", "replaced, schedule: 0 6 * * *; in place of 1 run under way"
    )  # fmt: skip
    assert at_work(store) == []


def happen(store: Store, kind: str, subject: str) -> None:
    event = events.NewEvent(at=START + timedelta(minutes=1), kind=kind, subject=subject, actor="tester", message=kind)
    with store.write() as tx:
        events.add(tx, [event])


def done(store: Store, run: int) -> set[str]:
    with store.read() as conn:
        return {call.node for call in calls.of(conn, run)}


def at_work(store: Store) -> list[int]:
    """Runs whose lease a living process holds."""
    with store.read() as conn:
        live = leases.live(conn, SystemClock().now(), runs.LEASE)
    return [int(each.name.removeprefix(runs.LEASE)) for each in live if not gone(each.owner)]
