"""`argosy train`: what it takes in before it trains."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from argosy.controller import tenure
from argosy.store import Store, datasets
from tests.cli.conftest import Run

PROJECT = """
import argosy as ag
from argosy.spec.estimator import Estimator

orders = ag.Dataset("orders", time="placed", source=ag.Sql("sqlite:///${ORDERS}", "SELECT * FROM orders"))
late = ag.Fleet(
    "late", spine=orders, label="late", features=["distance"],
    candidates=[ag.Candidate(Estimator("sklearn.linear_model:LogisticRegression"))],
)
"""


def test_a_source_finds_its_secrets_in_the_environment(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(tmp_path / "orders.db") as db:
        db.execute("CREATE TABLE orders (placed TEXT, distance REAL, late INTEGER)")
        db.execute("INSERT INTO orders VALUES ('2024-01-01T00:00:00Z', 1.0, 0)")
    db.close()
    (tmp_path / "orders.py").write_text(PROJECT)
    monkeypatch.chdir(tmp_path)
    assert run("apply", "orders.py").code == 0
    refused = run("train", "late", "--json")
    assert (refused.code, refused.err) == (1, "")
    assert "${ORDERS} of its URL is not set" in refused.out and "no labelled rows to train on" in refused.out
    monkeypatch.setenv("ORDERS", str(tmp_path / "orders.db"))
    told = msgspec.json.decode(run("train", "late", "--json").out)
    assert any("orders@1: 1 rows added" in line for line in told["done"])
    with Store.open(tmp_path / ".argosy") as store, store.read() as conn:
        version = datasets.version(conn, "orders")
        assert version is not None and version.rows == 1


def test_a_fleet_that_another_process_works_on_is_left_alone(inside: Path, run: Run) -> None:
    with Store.open(inside / ".argosy") as store, tenure.hold(store, "fleet:late-order"):
        refused = run("train", "late-order")
    assert refused.code == 1 and "another process is at work on late-order" in refused.err


def test_a_column_that_the_spine_lacks_is_named_with_those_that_there_are(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "orders.csv").write_text("placed,distance,late\n2024-01-01T00:00:00Z,1.0,0\n")
    text = PROJECT.replace('ag.Sql("sqlite:///${ORDERS}", "SELECT * FROM orders")', 'ag.Csv("orders.csv")')
    (tmp_path / "orders.py").write_text(text.replace('label="late"', 'label="lat", by="depto"'))
    monkeypatch.chdir(tmp_path)
    assert run("apply", "orders.py").code == 0
    refused = run("train", "late")
    assert refused.code == 1
    assert "late cannot train: orders has no column 'depto', 'lat'; it has placed, distance, late" in refused.err
    assert "Traceback" not in refused.err and "defect" not in refused.err
    assert "wait: columns of late" in run("plan").out
