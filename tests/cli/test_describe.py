from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from argosy.data.ingest import accept
from argosy.spec.contract import Contract, Rule
from argosy.store import Store
from tests.cli.tracks import Tracks
from tests.data.table import DAY, START, dataset, put, rows, take


def test_a_dataset_tells_what_its_source_dropped_and_what_is_not_asked_for_it(run, tmp_path: Path) -> None:
    declared = dataset(contract=Contract(rules=(Rule("small", pl.col("y") < 9),)))
    with Store.open(tmp_path / "home") as store:
        put(tmp_path, "a", rows(0, 2, y=1))
        take(store, tmp_path, declared)
        put(tmp_path, "b", rows(2, 2))
        take(store, tmp_path, declared)
        accept(store, declared, 2, "ann", "", START + DAY)
    said = run("describe", "dataset", "table", "--home", tmp_path / "home").out
    assert "dropped: y\nnot asked: small\n" in said


def test_what_one_rule_found_in_several_versions_is_told_once(run, tmp_path: Path) -> None:
    declared = dataset(contract=Contract(rules=(Rule("small", pl.col("y") < 9, on_failure="warn"),)))
    with Store.open(tmp_path / "home") as store:
        for name, start, y in (("a", 0, 9), ("b", 2, 1), ("c", 4, 10)):
            put(tmp_path, name, rows(start, 2, y=y))
            take(store, tmp_path, declared)
    (found,) = run("describe", "dataset", "table", "--home", tmp_path / "home", "--json").json()["findings"]
    assert (found["rule"], found["version"], found["found"]) == ("small", 3, "in 2 versions since v1, 4 rows")
    assert [each["y"] for each in found["examples"]] == [10, 10]
    (first,) = run("describe", "dataset", "table@1", "--home", tmp_path / "home", "--json").json()["findings"]
    assert (first["version"], first["rows"]) == (1, 2)
    contract = run("describe", "contract", "table", "--home", tmp_path / "home")
    assert 'expression: [(col("y")) < (dyn int: 9)]' in contract.out


def test_a_dataset_without_a_version_says_why(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init").code == run("apply").code == 0
    lacking = run("describe", "dataset", "orders")
    assert lacking.code == 2
    said = f"dataset orders has no version yet: data/orders/*.parquet matches no file in {tmp_path}"
    assert said in lacking.err and "next: put files there" in lacking.err
    unknown = run("describe", "dataset", "others")
    assert unknown.code == 2 and "others" in unknown.err and "has no version" not in unknown.err


def test_an_experiment_leads_on_to_its_runs(run, tracked: Tracks) -> None:
    said = run("describe", "experiment", "flights")
    assert said.out.startswith("id: ") and "next: argosy runs --experiment flights" in said.err
