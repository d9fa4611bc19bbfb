"""argosy retry: a run goes on under its id."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from argosy.controller import tenure
from argosy.store import Store
from tests.cli.pipes import Pipes


def test_only_what_failed_and_what_never_ran_is_done(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_BREAK", "2")
    assert run("run", "roots").code == 1
    assert pipes.done() == [0, 1, 3]
    monkeypatch.delenv("PIPES_BREAK")
    again = run("retry", 1)
    assert again.code == 0 and "run 1 succeeded" in again.err
    assert pipes.done() == [2]
    found = run("describe", "run", 1, "--json").json()
    assert found["brief"]["counts"] == {"cached": 6, "executed": 2, "skipped": 1}
    assert [each["outcome"] for each in found["endings"]] == ["failed", "succeeded"]
    (item,) = run("runs", "--json").json()["items"]
    assert item["state"] == "succeeded"


@pytest.mark.slow
def test_it_has_the_code_that_it_had(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_BREAK", "2")
    assert run("run", "roots").code == 1
    monkeypatch.delenv("PIPES_BREAK")
    pipes.module.write_text(pipes.module.read_text().replace("return sum(xs)", "return 0.0"))
    assert run("retry", 1).code == 0
    total = next(each for each in run("describe", "run", 1, "--json").json()["results"] if each["name"] == "total")
    assert total["preview"]["text"].startswith("4.14")


@pytest.mark.slow
def test_its_code_is_found_where_several_projects_share_a_directory(run, pipes: Pipes, monkeypatch) -> None:
    step, pipeline = "@ag.step\ndef one() -> int:\n    return 1\n", "@ag.pipeline\ndef ones():\n    return one()\n"
    other = f"import argosy as ag\n\n\n{step}\n\n{pipeline}"
    (pipes.place / "other.py").write_text(other)
    assert run("run", "ones", "--project", "other.py").code == 0
    monkeypatch.setenv("PIPES_BREAK", "2")
    assert run("run", "roots", "--project", "pipes.py").code == 1
    monkeypatch.delenv("PIPES_BREAK")
    assert run("retry", 2).code == 0


@pytest.mark.slow
def test_it_reads_the_versions_that_it_read(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "counts.py").write_text(
        "import os\n\nimport argosy as ag\n\n"
        'rows = ag.Dataset("rows", time="at", source=ag.Parquet("data/*.parquet"))\n\n\n'
        "@ag.step\ndef count(rows: ag.Table) -> int:\n"
        '    if os.environ.get("PIPES_BREAK"):\n        raise ValueError("broken")\n    return len(rows)\n\n\n'
        "@ag.pipeline\ndef counting(rows: ag.Dataset):\n    return count(rows)\n"
    )

    def land(name: str, count: int) -> None:
        at = [datetime(2026, 1, int(name), n, tzinfo=UTC) for n in range(count)]
        pl.DataFrame({"at": at}).write_parquet(f"data/{name}.parquet")

    land("1", 3)
    assert run("apply").code == 0
    monkeypatch.setenv("PIPES_BREAK", "yes")
    assert run("run", "counting").code == 1
    monkeypatch.delenv("PIPES_BREAK")
    land("2", 4)
    assert run("run", "counting", "--json").code == 0
    assert run("retry", 1).code == 0
    held = [run("describe", "run", id, "--json").json()["results"][0]["preview"]["text"] for id in (1, 2)]
    assert held == ["3", "7"]


def test_there_is_nothing_to_go_on_with_after_a_success(run, pipes: Pipes) -> None:
    assert run("run", "roots").code == 0
    done = run("retry", 1)
    assert done.code == 1 and "run 1 of roots succeeded: it has nothing to try again" in done.err
    assert run("retry", 5).code == 2


def test_a_run_at_work_is_left_alone(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_BREAK", "2")
    assert run("run", "roots").code == 1
    with Store.open(pipes.home) as store, tenure.hold(store, "run/1"):
        busy = run("retry", 1)
    assert busy.code == 1 and "run 1 of roots is at work" in busy.err and "argosy cancel 1" in busy.err


@pytest.mark.slow
@pytest.mark.fault
def test_a_run_whose_process_was_killed_goes_on_at_once(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_SLEEP", "0.3")
    process = pipes.start("run", "roots", "--set", "n=12")
    pipes.wait(1, "running", executed=6)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    before = pipes.done()
    monkeypatch.delenv("PIPES_SLEEP")
    assert run("retry", 1).code == 0
    after = pipes.done()
    assert set(before) | set(after) == set(range(12)) and len(after) < 12
    assert len(set(before) & set(after)) <= 4  # what was at work when it was killed
