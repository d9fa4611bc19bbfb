"""argosy runs: the list of runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.controller.clock import SystemClock
from argosy.store import Store, runs
from tests.cli.pipes import Pipes
from tests.cli.tracks import NAMES, Tracks


def test_runs_are_listed_with_what_they_came_to(run, ran: Pipes) -> None:
    last, failed, first = run("runs", "--json").json()["items"]
    assert (first["id"], first["state"], first["counts"]) == (1, "succeeded", {"executed": 8, "skipped": 1})
    assert (failed["state"], failed["reason"]) == ("failed", "root: exception: ValueError: no root of 2")
    assert failed["counts"] == {"cached": 2, "executed": 4, "failed": 1, "skipped": 2}
    assert last["counts"] == {"cached": 5, "executed": 3, "skipped": 1}
    assert (first["chosen"], last["chosen"]) == ({}, {"power": 2.0})
    assert first["took"] > 0 and first["cause"].startswith("asked for by ")
    said = run("runs", "roots", "--where", "state:failed").out
    assert "failed" in said and "power=2" in said and "8 done" not in said


def test_runs_are_chosen_by_pipeline_and_by_filter(run, pipes: Pipes) -> None:
    now = SystemClock().now()
    with Store.open(pipes.home) as store, store.write() as tx:
        for name, outcome in (("roots", runs.SUCCEEDED), ("roots", runs.FAILED), ("other", None)):
            made = runs.begin(tx, runs.NewRun(pipeline=name, key="k", at=now, actor="ann", cause="by hand"))
            if outcome is not None:
                runs.end(tx, [runs.NewEnding(run_id=made.id, at=now, outcome=outcome, actor="ann")])

    def ids(*asked: str) -> list[int]:
        return [each["id"] for each in run("runs", *asked, "--json").json()["items"]]

    assert (ids(), ids("roots"), ids("other")) == ([3, 2, 1], [2, 1], [3])
    assert (ids("--where", "state:interrupted"), ids("--where=-state:interrupted")) == ([3], [2, 1])
    assert ids("--where", "cause:by* actor:ann", "--limit", "1") == [3]
    assert ids("--where=-state:interrupted", "--limit", "1") == [2]
    page = run("runs", "--limit", "2", "--json").json()
    assert ids("--limit", "2", "--cursor", page["next"]) == [1]
    assert "more: argosy runs roots --limit 1 --cursor" in run("runs", "roots", "--limit", "1").err
    assert run("runs", "--where", "state:succeeded", "--cursor", page["next"]).code == 2


def test_a_filter_that_cannot_be_meant_is_refused(run, ran: Pipes) -> None:
    wrong = run("runs", "--where", "state:fine")
    assert wrong.code == 2 and "running, succeeded, failed, cancelled, interrupted" in wrong.err
    assert run("runs", "--where", "depth:3").code == 2
    none = run("runs", "nightly")
    assert none.code == 0 and "no runs of nightly yet" in none.err
    assert "argosy runs --experiment nightly" in none.err


def test_where_no_pipeline_ran_tracked_runs_are_listed(run, tracked: Tracks) -> None:
    found = run("runs")
    assert found.code == 0 and "no runs of pipelines yet" in found.err and "tracked ones" in found.err
    assert found.out == run("runs", "--sort", "-start_time").out and NAMES[0][:8] in found.out
    assert "more: argosy runs --limit=1 --cursor=" in run("runs", "--limit", "1").err
    assert run("runs", "--json").json() == {"items": [], "next": None}
    assert run("runs", "--where", "state:failed").out == ""


def test_where_nothing_ran_both_are_told(run, home: Path) -> None:
    Store.open(home).close()
    none = run("runs", "--home", str(home))
    assert none.code == 0 and "no runs of pipelines yet" in none.err and "no tracked runs yet" in none.err


def test_the_kinds_of_runs_can_be_read_as_any_other(run, ran: Pipes) -> None:
    (item,) = run("get", "runs", "--where", "id:1", "--json").json()["items"]
    assert (item["id"], item["outcome"], item["parameters"]) == (1, "succeeded", {"n": 4, "power": 0.5})
    found = run("get", "calls", "--where", "node:root run_id:1", "--json").json()["items"]
    assert sorted(each["element"] for each in found) == [0, 1, 2, 3]
    (skipped,) = run("get", "calls", "--where", "state:skipped pipeline:roots run_id:1", "--json").json()["items"]
    assert (skipped["node"], skipped["reason"]) == ("tell", "many is false")
    kinds = {each["kind"] for each in run("get", "artifacts", "--json").json()["items"]}
    assert kinds == {"value", "log"}
    assert "no pauses yet" in run("get", "pauses").err
    assert " -1 " not in run("get", "calls", "--where", "node:total").out  # it is not mapped: no element


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("runs",), "interrupted"),
        (("describe", "run", "1"), "run 1 of roots: interrupted"),
        (("diff", "run", "1", "1"), "run 1 of roots: interrupted"),
        (("logs", "1", "--follow"), "run 1 is not at work: interrupted"),
        (("get", "leases"), "no leases at this moment"),
    ],
)
def test_a_run_whose_process_was_killed_is_interrupted_at_once(
    run, pipes: Pipes, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], told: str
) -> None:
    monkeypatch.setenv("PIPES_SLEEP", "60")
    process = pipes.start("run", "roots")
    pipes.wait(1, "running", executed=1)
    process.kill()
    process.communicate()
    assert pipes.state(1) == "running", "its lease is not over"
    found = run(*command)
    assert found.code == 0 and told in found.out + found.err
