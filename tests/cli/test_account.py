"""argosy describe of runs, executions and artifacts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tests.cli.pipes import Pipes

STAFF = """
import argosy as ag

people = ag.Dataset("people", time="at", key="id", source=ag.Parquet("people.parquet"), tags={"name": "pii"})


@ag.step
def load(people: ag.Table) -> ag.Table:
    return people.sort("id")


@ag.step
def first(people: ag.Table) -> ag.Table:
    return people.head(1)


@ag.pipeline
def go(people: ag.Dataset):
    return first(load(people))
"""


ODDS = """
import argosy as ag

@ag.step
def odd(x: int) -> int:
    if x % 2:
        raise ValueError(x)
    return x

@ag.pipeline
def odds():
    return odd.map(list(range(6)))
"""


def test_a_run_tells_what_came_of_it(run, ran: Pipes) -> None:
    told = run("describe", "run", 1)
    assert told.out.startswith("run 1 of roots: succeeded in ") and "8 done, 1 skipped" in told.out
    assert "n=4, power=0.5" in told.out and "results" in told.out and "4.14626" in told.out
    assert "argosy why run 1" in told.err
    found = run("describe", "run", 1, "--json").json()
    steps = {each["name"]: each for each in found["steps"]}
    assert list(steps) == ["numbers", "root", "total", "many", "tell", "when", "stamp"]
    assert steps["root"]["counts"] == {"executed": 4} and steps["root"]["bytes"] > 0 < steps["root"]["peak_bytes"]
    assert steps["tell"]["counts"] == {"skipped": 1} and steps["when"]["counts"] == {}
    assert found["critical"] == [name for name, each in steps.items() if each["critical"]] != []
    assert found["cpu_s"] == sum(each["cpu_s"] for each in found["steps"]) > 0


def test_a_run_that_failed_says_why_and_what_next(run, ran: Pipes) -> None:
    told = run("describe", "run", 2)
    assert "root[2]: exception: ValueError: no root of 2 (execution " in told.out
    assert "argosy logs 2 --failed, then argosy retry 2" in told.err


def test_a_step_of_which_several_elements_failed_says_how_many(run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odds.py").write_text(ODDS)
    assert run("run", "odds").code == 1
    told = run("describe", "run", 1).out
    assert ": exception: ValueError: " in told and told.count("); 2 other elements failed too\n") == 1
    assert "parameters" not in told


def test_an_execution_tells_what_it_was_given_and_what_it_made(run, ran: Pipes) -> None:
    calls = run("get", "calls", "--where", "node:root run_id:2", "--json").json()["items"]
    ids = {each["element"]: each["execution_id"] for each in calls}
    told = run("describe", "execution", ids[3]).out
    assert "made for  run 2, root[3]" in told and "power  2" in told and "x      from numbers: value" in told
    assert "output  value of 9 B" in told and "about  roots" in told and "root   9" in told
    failed = run("describe", "execution", ids[2])
    assert "Traceback" in failed.out and "failed    exception: ValueError: no root of 2" in failed.out
    assert "argosy why run 2 --step root --element 2" in failed.err
    assert run("describe", "execution", 999).code == 2


def test_an_artifact_tells_who_made_it_and_who_read_it(run, ran: Pipes) -> None:
    found = run("describe", "run", 1, "--json").json()["results"]
    digest = next(each["digest"] for each in found if each["name"] == "total")
    kept = run("describe", "artifact", digest[:10], "--json").json()
    assert (kept["digest"], kept["format"], kept["read_by"]) == (digest, "value", [])
    (maker,) = kept["made_by"]
    assert maker["subject"] == "roots/total"
    assert "4.14626" in run("describe", "artifact", digest).out
    (numbers,) = run("get", "executions", "--where", "subject:roots/numbers", "--json").json()["items"]
    (_, made) = numbers["parameters"]["outputs"][0]
    assert "roots/many" in run("describe", "artifact", made).out
    assert run("describe", "artifact", "zz").code == run("describe", "artifact", "0" * 12).code == 2


def test_a_thing_without_an_id_is_refused_with_what_to_pass(run, ran: Pipes) -> None:
    wrong = run("describe", "run", "roots")
    assert wrong.code == 2 and "'roots' is no id of a run" in wrong.err


def test_a_preview_shows_no_values_of_columns_that_are_tagged_where_they_come_from(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    people = pl.DataFrame({"id": [1, 2], "name": ["Ann", "Bob"], "at": [datetime(2013, 1, day) for day in (1, 2)]})
    people.write_parquet("people.parquet")
    Path("staff.py").write_text(STAFF)
    assert run("apply", "staff.py").code == 0
    assert run("run", "go").code == 0
    found = run("get", "artifacts", "--json")
    assert "Ann" not in found.out and "Ann" not in run("describe", "run", 1, "--json").out
    heads = []
    for item in found.json()["items"]:
        told = run("describe", "artifact", item["digest"], "--json").json()
        assert told["preview"] == item["body"]
        heads.append([row[:2] for row in item["body"]["head"]])
    assert sorted(heads) == [[[1, "(pii)"]], [[1, "(pii)"], [2, "(pii)"]]]
