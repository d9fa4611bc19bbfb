"""Lineage of what runs of pipelines gave."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from argosy.store import Store
from argosy.store.tracking import ended, experiments, inputs
from argosy.store.tracking import runs as tracked
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.inputs import Input, Source
from tests.cli.conftest import Run
from tests.cli.pipes import Pipes


def test_an_artifact_is_led_back_by_the_beginning_of_its_digest(run: Run, ran: Pipes) -> None:
    made = run("describe", "run", 1, "--json").json()["results"]
    digest = next(each["digest"] for each in made if each["name"] == "total")
    shown = run("lineage", "artifact", digest[:10])
    assert shown.code == 0 and shown.out.splitlines()[0] == f"artifact {digest}" and "step at " in shown.out
    assert run("lineage", f"artifact:{digest[:10]}").out == shown.out
    lost = run("lineage", "artifact", "abcdef" * 4)
    assert lost.code == 2 and "there is no artifact abcdef" in lost.err


def test_a_run_of_a_client_leads_back_to_the_data_that_it_read(run: Run, home: Path) -> None:
    hand = Hand("ann", datetime(2026, 3, 1, 12, tzinfo=UTC))
    with Store.open(home) as store, store.write() as tx:
        made = tracked.create(tx, experiments.create(tx, "wine", hand), "try 1", hand.at, hand)
        inputs.log(tx, made.id, made.experiment_id, [Input(Source("wine", "9f3a", "local", "/data"), {})])
        ended.record(tx, tracked.change(tx, made, hand, status=tracked.SUCCEEDED, ended_at=hand.at), hand)
    shown = run("lineage", f"run:{made.run}", "--home", home).out
    assert "run wine/try 1 at 2026-03-01 12:00" in shown
    assert "external dataset wine@9f3a" in shown
    assert run("lineage", "run", made.run[:8], "--home", home).out == shown
    lost = run("lineage", "run", "0123abcd", "--home", home)
    assert lost.code == 2 and "there is no run '0123abcd'" in lost.err
