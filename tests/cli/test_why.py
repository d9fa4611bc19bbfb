"""argosy why run: why each step was executed or not."""

from __future__ import annotations

from tests.cli.pipes import Pipes


def _why(run, *asked: object) -> dict[tuple[str, int], tuple[str, list[str]]]:
    found = run("why", "run", *asked, "--json").json()["calls"]
    return {(each["node"], each["element"]): (each["state"], each["why"]) for each in found}


def test_a_step_that_is_executed_says_what_changed(run, ran: Pipes) -> None:
    assert _why(run, 1)["numbers", -1] == ("executed", ["the pipeline never ran before"])
    found = _why(run, 2)
    assert found["root", 3] == ("executed", ["argument power: 0.5 -> 2.0 (since run 1)"])
    assert found["root", 2] == ("failed", ["exception: ValueError: no root of 2"])
    assert found["total", -1] == ("skipped", ["needs root, which failed"])
    assert found["numbers", -1] == ("cached", ["done by run 1"])
    assert found["stamp", -1] == ("executed", ["it is not cached"])
    assert found["tell", -1] == ("skipped", ["many is false"])
    assert _why(run, 3, "--step", "total") == {
        ("total", -1): ("executed", ["code of pipes:total: changed (since run 2)"])
    }
    assert _why(run, 3)["root", 2] == ("executed", ["it failed in run 2: exception: ValueError: no root of 2"])
    said = run("why", "run", 2).out
    assert said.startswith("run 2 of roots, compared with run 1")
    assert "root 3 done argument power: 0.5 -> 2.0 (since run 1)" in " ".join(said.split())


def test_a_run_that_was_continued_tells_what_it_had_done_before(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_BREAK", "2")
    assert run("run", "roots").code == 1
    monkeypatch.delenv("PIPES_BREAK")
    assert run("retry", 1).code == 0
    assert _why(run, 1, "--step", "root", "--element", 1) == {
        ("root", 1): ("cached", ["done by this run, before it was continued"])
    }
    (lost,) = _why(run, 1, "--step", "root", "--element", 2).values()
    assert lost == ("executed", ["it failed before the run was continued: exception: ValueError: no root of 2"])


def test_what_is_asked_wrongly_is_refused(run, ran: Pipes) -> None:
    assert "has no step 'fit'" in run("why", "run", 1, "--step", "fit").err
    assert "run 1 has not come to root[9]" in run("why", "run", 1, "--step", "root", "--element", 9).err
    assert run("why", "roots", "--step", "root").code == run("why", "run", "x").code == 2
    assert "which run is meant is not said\n  next: argosy why run ID" in run("why", "run").err


def test_a_pipeline_tells_what_starts_it_and_is_described_so(run, pipes: Pipes) -> None:
    assert run("apply").code == 0
    assert run("why", "roots", "--json").json()["summary"] == "it starts when it is asked to: argosy run roots"
    found = run("describe", "pipeline", "roots", "--json").json()
    assert (found["starts"], found["status"], found["body"]["name"]) == ("when asked for", "new", "roots")
    unknown = run("why", "root")
    assert unknown.code == 2 and "no fleet, member, dataset or pipeline" in unknown.err
    assert "next: argosy why NAME; pipelines: roots\n" in unknown.err
