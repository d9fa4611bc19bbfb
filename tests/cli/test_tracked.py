"""argosy runs, where it searches tracked runs."""

from __future__ import annotations

import shlex

from tests.cli.tracks import NAMES, Tracks


def test_a_search_lists_tracked_runs_with_what_it_names(run, tracked: Tracks) -> None:
    said = run("runs", "--where", "metrics.error < 0.4 and params.depth != 5", "--sort", "-params.depth")
    head, _, *rows = said.out.splitlines()
    assert head.split() == ["id", "name", "experiment", "status", "when", "took", "params.depth", "metrics.error"]
    assert [row.split()[0] for row in rows] == [NAMES[4][:8], NAMES[3][:8], NAMES[2][:8]]
    assert rows[0].split()[1:] == ["tree", "4", "flights", "succeeded", "2026-03-01", "16:00", "1", "min", "30", "s",
                                   "4", "0.2"]  # fmt: skip
    assert "express" in run("runs", "--experiment", "trains").out
    shown = run("runs", "--experiment", "flights", "--columns", "tags.team,params.seed,user_id").out
    assert shown.count("ops") == 6 and shown.count("ann") == 6


def test_json_has_all_of_a_run(run, tracked: Tracks) -> None:
    (item,) = run("runs", "--where", f"run_id = {NAMES[2]}", "--json").json()["items"]
    assert (item["run"], item["parameters"], item["owner"]) == (NAMES[2], {"depth": "2", "seed": "7"}, "ann")
    assert item["metrics"] == {"error": 1 / 3, "rows": 100.0}
    assert item["tags"]["mlflow.source.name"] == "train.py" and item["experiment"] == "flights"


def test_the_command_that_goes_on_keeps_the_options(run, tracked: Tracks) -> None:
    asked = ("--where", "metrics.error > 0", "--sort=-metrics.error", "--sort", "run_name", "--columns", "tags.team")
    seen, more = [], ["runs", *asked, "--limit", "4"]
    while more:
        page = run(*more)
        seen += [line.split()[0] for line in page.out.splitlines()[2:]]
        more = shlex.split(page.err.partition("more: argosy ")[2])
    assert seen == [name[:8] for name in NAMES]
    assert run("runs", "--sort", "run_name", "--limit", "1001").code == 2


def test_a_mistake_tells_both_languages(run, tracked: Tracks) -> None:
    wrong = run("runs", "--where", "metrics.error : 0")
    assert wrong.code == 2 and "write it as field:value" in wrong.err and "write an operator after" in wrong.err
    sure = run("runs", "--where", "state:failed", "--sort", "run_name")
    assert sure.code == 2 and "field:value" not in sure.err
    named = run("runs", "nightly", "--sort", "run_name")
    assert named.code == 2 and "--experiment nightly" in named.err
    assert run("runs", "nightly", "--where", "metrics.error > 0").code == 2
    none = run("runs", "--where", "params.depth = 77")
    assert none.code == 0 and "no tracked runs with params.depth = 77" in none.err
    assert run("runs", "--where", "state:failed").code == 0  # the language of pipelines' runs


def test_what_no_run_that_is_shown_has_is_named(run, tracked: Tracks) -> None:
    said = run("runs", "--experiment", "flights", "--columns", "metrics.eror,tags.team,params.dept")
    assert said.code == 0 and "none of these has metrics.eror, params.dept\n  next: argosy describe run" in said.err
    for given in (("--columns", "tags.team"), ("--where", "params.dept IS NULL")):
        assert "none of these" not in run("runs", "--experiment", "flights", *given).err
