"""`argosy export`: a file or stdout, never over another file, and told what is not in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.pipelines.export import document
from argosy.pipelines.export.target import TARGETS
from tests.cli.conftest import Run

PROJECT = """
import argosy as ag


@ag.step
def add(a: int, b: int) -> int:
    return a + b


@ag.pipeline(schedule="0 6 * * *", on=ag.new_version("flights"), catch_up="none")
def nightly(depth: int = 6) -> int:
    return add(depth, 1)


flights = ag.Dataset("flights", time="at", key="id", source=ag.Parquet("flights.parquet"))
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nights.py").write_text(PROJECT)
    return tmp_path


@pytest.mark.parametrize("to", TARGETS)
def test_each_target_gives_a_file_that_its_check_passes(run: Run, to: str) -> None:
    image = [] if to == "airflow" else ["--image", "flights:1"]
    made = run("export", "nightly", "--to", to, "--shards", 3, *image)
    assert made.code == 0 and "not in the file: on 'a new version of dataset flights'" in made.err
    target = TARGETS[to]  # type: ignore[index]
    target.check(made.out if target.endings == (".py",) else document.read(made.out)[0])
    assert not Path(".argosy").exists()  # it needs no home


def test_a_file_is_written_once(run: Run, project: Path) -> None:
    command = ["export", "nightly", "--to", "airflow", "--output", "nightly.py"]
    made = run(*command)
    assert (made.code, made.out) == (0, "") and "wrote nightly.py" in made.err
    first = (project / "nightly.py").read_text()
    again = run(*command, "--set", "depth=9")
    assert again.code == 1 and "nightly.py is there already" in again.err and "--force" in again.err
    assert (project / "nightly.py").read_text() == first
    assert run(*command, "--set", "depth=9", "--force").code == 0
    assert "Param(9," in (project / "nightly.py").read_text()


def test_an_ending_is_that_of_the_target(run: Run) -> None:
    made = run("export", "nightly", "--to", "github-actions", "--output", "nightly.py")
    assert made.code == 2 and ".yaml, .yml" in made.err


def test_the_project_is_named_for_the_machines_that_run_it(run: Run) -> None:
    command = ["export", "nightly", "--to", "kubernetes", "--image", "flights:1"]
    assert "--project" not in run(*command).out
    assert "- --project=nights.py\n" in run(*command, "--project", "nights.py").out


def test_without_its_schedule(run: Run) -> None:
    command = ["export", "nightly", "--to", "kubernetes", "--image", "flights:1"]
    assert "kind: CronJob" in run(*command).out
    assert "kind: Job" in run(*command, "--unscheduled").out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["nightly", "--to", "argo"], "Choose from"),
        (["weekly", "--to", "airflow"], "its pipelines: nightly"),
        (["nightly", "--to", "kubernetes"], "--image"),
        (["nightly", "--to", "airflow", "--shards", "0"], "between 1 and 256"),
        (["nightly", "--to", "airflow", "--set", "depth"], "--set NAME=VALUE"),
        (["nightly", "--to", "airflow", "--set", "depth=deep"], "must be int"),
    ],
)
def test_what_is_wrong_is_named(run: Run, options: list[str], words: str) -> None:
    made = run("export", *options)
    assert (made.code, made.out) == (2, "") and words in made.err
