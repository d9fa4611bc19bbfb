"""A notebook as a step of a run: executed in a kernel, kept with its report, run again where it changed."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import argosy as ag
from argosy.engine.local import Local
from argosy.spec import scratch
from argosy.spec.report import Report
from argosy.store import Store
from tests.pipelines.notebook.paper import TEXT, notebook
from tests.pipelines.runs import Place

pytestmark = pytest.mark.slow


@ag.pipeline
def reported(path: Path, n: int = 3) -> Any:
    report, executed = ag.notebook(path, {"n": n}, after=[])
    return report, executed


@pytest.fixture
def place(home: Path) -> Iterator[Place]:
    with Store.open(home) as store, Local(1) as engine:
        yield Place(store, engine)


def test_a_notebook_is_a_step_and_its_own_report(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "sales.ipynb"
    path.write_bytes(notebook((TEXT, "# Sales"), ("parameters", "n = 1"), ("", "print('squared', n * n)")))
    runner = place.run(reported, path=str(path))
    assert runner.failures == {}
    report, executed = runner.results().values()
    assert [held.format for held in (report, executed)] == ["report", "file"]  # type: ignore[union-attr]
    shown = place.value(report)
    assert isinstance(shown, Report) and "squared 9" in shown.parts[-1].text
    assert place.run(reported, path=str(path)).counts == {"cached": 1}
    assert place.run(reported, path=str(path), n=4).counts == {"executed": 1}
    path.write_bytes(notebook(("parameters", "n = 1"), ("", "raise ValueError('no sales')")))
    failed = place.run(reported, path=str(path))
    assert "no sales" in failed.failures["notebook"]


def test_it_is_an_ordinary_function_too(tmp_path: Path) -> None:
    path = tmp_path / "sales.ipynb"
    path.write_bytes(notebook(("", "1 + 1")))
    report, executed = ag.notebook(path)
    assert executed.name == "sales.ipynb" and json.loads(executed.read_bytes())["cells"][0]["outputs"]
    assert isinstance(report, Report)


def test_scratch_lasts_as_long_as_its_step() -> None:
    with scratch.Scratch() as place:
        one, two = ag.scratch(), ag.scratch()
        assert one != two and one.parent == place.path() == two.parent and one.is_dir()
    assert not place.path().exists()
    with scratch.Scratch() as place:
        place.path()
    own = ag.scratch()
    assert own.is_dir() and own.is_relative_to(tempfile.gettempdir())
    own.rmdir()
