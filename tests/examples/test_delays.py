"""The pipeline on real flights: what it finds, what it does not do twice, and what new data changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from argosy.cli.app import run
from argosy.pipelines import format
from argosy.spec.report import Report
from argosy.store import Store, artifacts, runs
from examples.delays import delays
from examples.flights.world import World, land, land_until

pytestmark = pytest.mark.slow
_SOURCE = Path(delays.__file__)
_CARRIERS = ["AA", "DL", "HA", "UA"]


@pytest.fixture
def few(world: World) -> World:
    """The world with those carriers' flights alone; one of them has too few for a model."""
    return replace(world, flights=world.flights.filter(pl.col("carrier").is_in(_CARRIERS)))


@pytest.fixture
def project(few: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the project with the flights of some carriers until 1 March, in a home of its own."""
    shutil.copy(_SOURCE, tmp_path)
    land_until(few, tmp_path / "data", date(2013, 3, 1))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ARGOSY_HOME", raising=False)
    assert run(["apply"]) == 0
    yield tmp_path


def _run(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["run", "nightly", "--json", *options]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _value(project: Path, written: Any) -> Any:
    with Store.open(project / ".argosy", create=False) as store, store.read() as conn:
        held = artifacts.get(conn, [written[1]])[written[1]]
        source = format.Source(held.slot, store.blobs, project, held.data)
        return format.named(written[0]).load(source, Any)


def test_a_morning_on_real_flights(project: Path, few: World, capsys: pytest.CaptureFixture[str]) -> None:
    first = _run(capsys)
    assert (first["outcome"], first["counts"].get("failed", 0)) == ("succeeded", 0)
    report = _value(project, first["results"]["report"])
    assert isinstance(report, Report) and "| UA |" in report.parts[0].text and "<rect" in report.parts[1].text
    assert _value(project, first["results"]["advice"]).startswith("give ")
    assert [kind for kind, _ in first["results"]["models"]["items"]] == ["model"] * 3

    assert set(_run(capsys)["counts"]) == {"cached"}
    leaves = _run(capsys, "--set", "leaves=15")["counts"]
    models = len(first["results"]["models"]["items"])
    assert leaves["executed"] >= 2 * models and leaves["cached"] == 4

    (project / "delays.py").write_text(_SOURCE.read_text().replace('"# Late arrivals', '"# Late at their gates'))
    assert _run(capsys)["counts"]["executed"] == 1

    land(few, project / "data", date(2013, 3, 1))
    grown = _run(capsys)
    assert grown["results"]["report"] != first["results"]["report"]
    with Store.open(project / ".argosy", create=False) as store, store.read() as conn:
        assert runs.latest(conn, "nightly")[0].inputs == {"flights": "flights@2"}


def test_its_functions_are_functions(world: World) -> None:
    rows = world.flights.filter(pl.col("carrier").is_in(["UA", "HA"])).head(9_000)
    found = delays.nightly(rows.lazy(), leaves=3)
    assert [type(model).__name__ for model in found["models"]] == ["LGBMClassifier"]
    assert "| UA |" in found["report"].parts[0].text
