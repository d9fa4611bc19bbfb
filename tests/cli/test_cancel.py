"""argosy cancel: the end of a run, wherever it is at work."""

from __future__ import annotations

import pytest

from argosy.controller.clock import SystemClock
from argosy.store import Store, runs
from tests.cli.pipes import Pipes


@pytest.mark.slow
def test_a_run_in_another_process_is_ended_and_goes_on_later(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_SLEEP", "0.3")
    process = pipes.start("run", "roots", "--set", "n=40")
    pipes.wait(1, "running", executed=3)
    ended = run("cancel", 1, "--reason", "wrong month")
    said, _ = process.communicate(timeout=60)
    assert ended.code == 0 and "run 1 of roots is cancelled; what it did stays" in ended.err
    assert process.returncode == 1 and "run 1 cancelled" in said
    told = run("describe", "run", 1)
    assert "wrong month" in told.out and "argosy retry 1" in told.err
    before = pipes.done()
    monkeypatch.delenv("PIPES_SLEEP")
    assert run("retry", 1).code == 0
    again = pipes.done()
    assert set(before) | set(again) == set(range(40)) and len(set(before) & set(again)) <= 4


def test_a_run_that_was_cut_off_is_ended(run, pipes: Pipes) -> None:
    assert run("run", "roots").code == 0
    with Store.open(pipes.home) as store, store.write() as tx:
        new = runs.NewRun(pipeline="roots", key="k", at=SystemClock().now(), actor="ann", cause="by hand")
        runs.begin(tx, new)
    assert pipes.state(2) == "interrupted"
    told = run("cancel", 2, "--json").json()
    assert (told["before"], told["state"]) == ("interrupted", "cancelled")
    assert pipes.state(2) == "cancelled"
    (event,) = run("get", "events", "--where", "kind:run.cancelled", "--json").json()["items"]
    assert event["subject"] == "roots"


def test_what_has_ended_is_left_as_it_is(run, pipes: Pipes) -> None:
    assert run("run", "roots").code == 0
    done = run("cancel", 1)
    assert done.code == 0 and "run 1 of roots has succeeded already" in done.err
    with Store.open(pipes.home) as store, store.write() as tx:
        ending = runs.NewEnding(run_id=1, at=SystemClock().now(), outcome=runs.CANCELLED, actor="ann")
        runs.end(tx, [ending])
    twice = run("cancel", 1)
    assert twice.code == 0 and "run 1 of roots was not at work: it is cancelled" in twice.err
    assert run("cancel", 9).code == 2
