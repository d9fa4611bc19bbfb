"""argosy compare: in what several tracked runs differ."""

from __future__ import annotations

from pathlib import Path

from argosy.store import Store
from argosy.store.tracking import experiments, runs
from tests.cli.tracks import HAND, NAMES, Tracks


def test_only_what_differs_is_shown(run, tracked: Tracks) -> None:
    found = run("compare", *NAMES[:3], "--json").json()
    assert [each["run"] for each in found["runs"]] == list(NAMES[:3])
    assert found["parameters"] == [{"name": "depth", "values": ["0", "1", "2"]}]
    assert found["metrics"] == [{"name": "error", "values": [1.0, 0.5, 1 / 3]}]
    assert found["datasets"] == [] and found["code"] == []
    (commit,) = found["tags"]
    assert commit == {"name": "mlflow.source.git.commit", "values": [f"{each:040x}" for each in (0, 1, 0)]}
    said = run("compare", NAMES[2][:8], NAMES[3][:8]).out
    assert "tree 2 of flights: succeeded in 1 min 30 s, 2026-03-01 14:00 UTC" in said
    assert [line.split() for line in said.splitlines() if line.startswith("orders")] == [
        ["orders", "(training)", "d0", "d1"]
    ]
    assert "seed" not in said and "rows" not in said


def test_many_runs_are_rows_with_some_columns(run, tracked: Tracks) -> None:
    with Store.open(tracked.home) as store, store.write() as tx:
        experiment = experiments.create(tx, "more", HAND)
        for number in range(94):
            runs.create(tx, experiment, f"other {number}", HAND.at, HAND)
    listed = run("runs", "--sort", "-run_name", "--limit", "100", "--json").json()["items"]
    names = [each["run"] for each in listed]
    assert len(names) == 100
    said = run("compare", *names)
    assert said.code == 0 and "tree 5" in said.out and "metrics differ" not in said.out
    head, _, *rows = said.out.splitlines()
    assert head.split()[:5] == ["run", "name", "status", "depth", "seed"] and len(rows) == 100
    assert len(run("compare", *names, "--json").json()["parameters"][0]["values"]) == 100


def test_versions_stand_for_the_runs_that_made_them(run, inside: Path) -> None:
    found = run("compare", "late-order/north@1", "late-order/south@1", "--json").json()
    assert [each["called"] for each in found["runs"]] == ["north", "south"]
    assert [each["name"] for each in found["runs"]] == ["late-order/north@1", "late-order/south@1"]
    assert "roc_auc" in {row["name"] for row in found["metrics"]} and found["code"] == []
    assert "they are alike" not in run("compare", "late-order/north@1", "late-order/south@1").out


def test_what_cannot_be_compared_is_said(run, tracked: Tracks) -> None:
    one = NAMES[0][:8]
    for given, says in (
        ((one,), "1 run cannot be compared"), ((one, one), "is named twice"), ((one, "nobody"), "no version"),
        ((one, "late/x@1"), "there is no version late/x@1"), ((one, "abcdef01"), "there is no run"),
    ):  # fmt: skip
        wrong = run("compare", *given)
        assert wrong.code == 2 and says in wrong.err, given
