"""argosy describe run, of a tracked one."""

from __future__ import annotations

import pytest

from argosy.store import Store
from argosy.store import runs as pipelined
from argosy.store.rows import execute
from argosy.store.tracking import runs
from tests.cli.tracks import HAND, NAMES, NOW, Tracks


def _told(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_a_run_is_shown_whole(run, tracked: Tracks) -> None:
    said = run("describe", "run", NAMES[5][:8])
    assert _told(said.out) == [
        "run 50000000 'tree 5' of experiment flights: failed in 1 min 30 s",
        f"name {NAMES[5]}", "began 2026-03-01 17:00 UTC by ann", "ended 2026-03-01 17:01 UTC",
        "within run 00000000", f"code git.commit {1:040x}, name train.py",
        "parameters", "depth 5", "seed 7", "metrics", "error 0.1667 at step 2", "rows 100", "tags", "team ops",
        "read", "orders d1, local, for training", "artifacts", "tables/rows.csv 8 B",
    ]  # fmt: skip
    assert "argosy history run 50000000" in said.err
    assert _told(run("describe", "run", NAMES[0]).out)[-2:] == ["nested runs", "50000000 tree 5: failed"]


def test_json_has_what_it_read_and_made_and_its_history(run, tracked: Tracks) -> None:
    found = run("describe", "run", NAMES[0][:10], "--json").json()
    assert found["run"] == NAMES[0] and found["children"] == [NAMES[5]] and found["execution"] is None
    assert found["files"] == {"tables/rows.csv": 8} and found["steps"] == {"error": 2, "rows": 0}
    assert [each["digest"] for each in found["inputs"]] == ["d0"]
    assert {"status", "created", "parameter:depth"} <= {each["field"] for each in found["history"]}


def test_long_lists_are_cut_and_the_trash_is_named(run, tracked: Tracks) -> None:
    with Store.open(tracked.home) as store, store.write() as tx:
        for key in range(40):
            execute(
                tx, "INSERT INTO parameter (run_id, key, experiment_id, value, head, at, actor) "
                "SELECT id, ?, experiment_id, '1', '1', 0, 'ann' FROM tracked WHERE run = ?", (f"p{key}", NAMES[1])
            )  # fmt: skip
        runs.delete(tx, NAMES[1], HAND)
    said = run("describe", "run", NAMES[1][:8]).out
    assert "… 12 more (--json has them)" in said and "argosy restore run 10000000" in said


def test_ids_of_pipelines_runs_are_meant_first(run, tracked: Tracks) -> None:
    with Store.open(tracked.home) as store, store.write() as tx:
        new = pipelined.NewRun(pipeline="roots", key="k", at=NOW, actor="ann", cause="by hand")
        made = pipelined.begin(tx, new)
    assert run("describe", "run", made.id).out.startswith("run 1 of roots: interrupted")
    missing = run("describe", "run", "77")
    assert missing.code == 2 and "there is no run 77" in missing.err


@pytest.mark.parametrize(("name", "says"), [("abcdef0123", "there is no run"), ("flights", "is no id of a run")])
def test_a_run_that_is_not_there(run, tracked: Tracks, name: str, says: str) -> None:
    wrong = run("describe", "run", name)
    assert wrong.code == 2 and says in wrong.err
