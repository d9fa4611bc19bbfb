"""`argosy backfill`: one run over many spans."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.store import Store, calls, runs
from tests.cli.conftest import Run

PROJECT = """
from pathlib import Path
import argosy as ag

@ag.step
def days(span: ag.Span) -> int:
    if span.start.month == 3 and Path("bad").exists():
        raise ValueError("no March")
    return (span.stop - span.start).days

@ag.step
def long(days: int) -> bool:
    return days > 30

@ag.step
def shout(days: int) -> str:
    return f"{days} days"

@ag.pipeline
def monthly(span: ag.Span):
    found = days(span)
    return ag.when(long(found), lambda: shout(found))

@ag.pipeline
def plain(word: str = "a"):
    return shout(1)
"""
YEAR = ("--from", "2013-01-01", "--to", "2013-06-30", "--by", "month")


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "fill.py").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def states(place: Path, id: int) -> dict[str, str]:
    with Store.open(place / ".argosy") as store, store.read() as conn:
        return {call.node: call.state for call in calls.of(conn, id)}


@pytest.mark.slow
def test_a_span_that_fails_stops_no_other_and_is_tried_again_alone(inside: Path, run: Run) -> None:
    (inside / "bad").write_text("")
    first = run("backfill", "monthly", *YEAR, "--json")
    assert first.code == 1
    told = first.json()
    assert told["outcome"] == "failed" and "no March" in told["reason"]
    found = states(inside, told["run"])
    assert found["2013-03-01/days"] == calls.FAILED and found["2013-03-01/long"] == calls.SKIPPED
    done = {"2013-01-01/shout", "2013-05-01/shout"}
    assert {node for node, state in found.items() if "/shout" in node and state != calls.SKIPPED} == done
    (inside / "bad").unlink()
    again = run("retry", str(told["run"]), "--json").json()
    assert (again["run"], again["outcome"]) == (told["run"], "succeeded")
    assert set(again["results"]) == {f"2013-{month:02}-01/when" for month in range(1, 7)}
    with Store.open(inside / ".argosy") as store, store.read() as conn:
        made = runs.get(conn, told["run"])
    assert made is not None
    assert made.parameters == {"span": {"start": "2013-01-01", "stop": "2013-06-30", "by": "month"}}


@pytest.mark.slow
def test_spans_that_were_done_are_used_again_and_what_would_run_is_told(inside: Path, run: Run) -> None:
    assert run("backfill", "monthly", "--from", "2013-01-01", "--to", "2013-02-28", "--by", "month").code == 0
    told = run("backfill", "monthly", *YEAR, "--dry-run", "--json").json()["spans"]
    assert told["2013-01-01"] == {"cached": 4} and told["2013-03-01"] == {"run": 1, "open": 3}
    assert "3 run, or not" in run("backfill", "monthly", *YEAR, "--dry-run").out
    assert run("backfill", "monthly", *YEAR, "--json").json()["counts"]["cached"] >= 5


def test_what_cannot_be_filled_in_is_refused(inside: Path, run: Run) -> None:
    refused = run("backfill", "plain", *YEAR)
    assert refused.code == 2 and "give it one: def plain(span: ag.Span, …)" in refused.err
    refused = run("backfill", "monthly", "--from", "2013-01-01", "--to", "2013-06-30", "--by", "minute")
    assert refused.code == 2 and "by is 'minute'" in refused.err
    refused = run("backfill", "monthly", "--from", "2000-01-01", "--to", "2013-06-30", "--by", "1m")
    assert refused.code == 2 and "at most 10,000 spans" in refused.err
    refused = run("backfill", "monthly", *YEAR, "--set", "span=2013-01-01/2013-01-02")
    assert refused.code == 2 and "leave out --set span=" in refused.err
    assert "--from" in run("backfill", "monthly", "--to", "2013-06-30", "--by", "day").err
