"""`argosy pause` and `argosy resume`, and what is listed of pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run

PROJECT = """
import argosy as ag

@ag.step
def tell(word: str) -> str:
    return word

@ag.pipeline(schedule="0 6 * * *", on=ag.new_version("flights"))
def nightly(span: ag.Span, word: str = "a"):
    return tell(word)

@ag.pipeline(on=ag.after(nightly))
def report():
    return tell("b")

@ag.pipeline
def plain(word: str = "a"):
    return tell(word)
"""


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    (tmp_path / "night.py").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    assert run("apply").code == 0
    return tmp_path


def test_a_paused_pipeline_says_so_wherever_it_is_told_of(inside: Path, run: Run) -> None:
    said = run("pause", "nightly", "--reason", "the source is moved")
    assert said.err == (
        "nightly is paused: the source is moved; it starts by itself no more, and runs that have begun go on\n"
    )
    assert run("pause", "nightly").err == "nightly is paused already\n"
    (item,) = run("get", "pipelines", "--where", "name:nightly", "--json").json()["items"]
    assert (item["paused"], item["next"], item["reason"]) == (True, None, "the source is moved")
    planned = {each["about"]: each["why"] for each in run("plan", "--json").json()["actions"]}
    assert planned["pipeline nightly"].endswith("the source is moved (argosy resume nightly)")
    assert "times that it missed are made up for by one run, of the latest" in run("resume", "nightly").err
    assert run("resume", "nightly").err == "nightly is not paused\n"
    assert "the source is moved" in run("events", "--where", "kind:pipeline.paused").out


def test_pipelines_are_listed_with_what_starts_them(inside: Path, run: Run) -> None:
    found = {item["name"]: item for item in run("get", "pipelines", "--json").json()["items"]}
    assert {name: item["starts"] for name, item in found.items()} == {
        "nightly": "at 06:00 every day (UTC); a new version of dataset flights",
        "plain": "when asked for", "report": "after pipeline nightly",
    }  # fmt: skip
    assert found["nightly"]["next"].endswith("T06:00:00Z")
    assert {item["status"] for item in found.values()} == {"new"} and found["plain"]["project"] == "night"
    assert run("get", "pipelines", "--where", "status:failed").err == "no pipelines with status:failed\n"
    assert run("get", "pipelines", "--where", "status:odd").code == 2


def test_the_plan_tells_of_the_next_runs_of_what_is_applied_and_of_what_would_be(inside: Path, run: Run) -> None:
    planned = {each["about"]: each for each in run("plan", "--json").json()["actions"]}
    assert set(planned) == {"pipeline nightly", "pipeline report"}
    assert planned["pipeline nightly"]["until"].endswith("T06:00:00Z")
    assert "at 06:00 every day (UTC) or upon a new version of dataset flights" in planned["pipeline nightly"]["why"]
    assert run("plan", "--check").code == 0
    (inside / "night.py").write_text(PROJECT.replace("0 6 * * *", "30 7 * * *").replace("def plain", "def other"))
    planned = {each["about"]: each for each in run("plan", "--json").json()["actions"]}
    assert planned["pipeline nightly"]["until"].endswith("T07:30:00Z")


def test_a_pipeline_that_was_not_applied_cannot_be_paused(inside: Path, run: Run) -> None:
    refused = run("pause", "weekly")
    assert refused.code == 2 and "the pipelines are: nightly, plain, report" in refused.err
    assert run("pause", "plain").err == "plain is paused; it never starts by itself\n"
