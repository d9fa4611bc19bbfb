"""`argosy train`: what it takes in before it trains, and what it says of members that fail."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from argosy.cli.train import Reason, lines, reasons
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
    assert (
        "${ORDERS} of its URL is not set" in refused.out
        and "orders has no rows yet, so late cannot train" in refused.out
    )
    monkeypatch.setenv("ORDERS", str(tmp_path / "orders.db"))
    told = msgspec.json.decode(run("train", "late", "--json").out)
    assert any("orders@1: 1 row added" in line for line in told["done"])
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
    why = "orders has no column 'depto', 'lat'; it has placed, distance, late (correct late or the source of orders"
    assert "wait: columns of late" in run("plan").out
    told = run("why", "late", "--json").json()
    topics = {topic["title"]: topic for topic in told["topics"]}
    assert told["summary"].startswith(f"no members yet: {why}")
    assert topics["Data"]["says"] == "it waits for 1 dataset" and topics["Data"]["details"][1].startswith(why)
    assert topics["What happens next"]["says"].startswith(f"wait: columns of late: late cannot train: {why}")
    (item,) = run("get", "fleets", "--json").json()["items"]
    assert item["status"] == "waiting" and why in item["reason"] and "argosy train" not in item["reason"]
    (check,) = (each for each in run("doctor", "--json").json() if each["name"] == "fleet late")
    assert check["found"].startswith(why) and check["next"] == "argosy why late"


@pytest.mark.parametrize(("source", "says"), [
    ('ag.Csv("orders.csv")', "orders has no rows yet, so late cannot train: orders.csv matches no file in "),
    ('ag.Csv("found.csv"), contract=ag.Contract(columns={"distance": ag.Column(minimum=5, on_failure="block")})',
     "late is not trained: orders: version 1 was rejected: 1 of 1 rows: distance is not at least 5 "
     "(mend the source, or correct the contract and argosy apply, then argosy approve orders@1)"),
    ('ag.Csv("found.csv", nulls=["0"])', "no labelled rows to train on"),
])  # fmt: skip
def test_a_fleet_of_which_nothing_can_be_trained_is_a_failure(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str
) -> None:
    (tmp_path / "found.csv").write_text("placed,distance,late\n2024-01-01T00:00:00Z,1.0,0\n")
    text = PROJECT.replace('ag.Sql("sqlite:///${ORDERS}", "SELECT * FROM orders")', source)
    (tmp_path / "orders.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert run("apply", "orders.py").code == 0
    shown = run("train", "late")
    assert shown.code == 1 and says in shown.err and shown.err.endswith("next: argosy why late\n")
    told = run("train", "late", "--json")
    assert told.code == 1 and told.json()["failed"] is True and says in told.json()["done"][-1]


@pytest.mark.slow
def test_rows_that_were_rejected_stop_a_training_as_the_plan_says(
    run: Run, late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "late"
    shutil.copytree(late, place)
    monkeypatch.chdir(place)
    assert run("apply", "--take-from", "project").code == 0
    pl.read_parquet("data/orders/sample.parquet").head(9).drop("parcels").write_parquet("data/orders/short.parquet")
    refused = run("train", "late-order")
    why = "orders: version 2 was rejected: data/orders/short.parquet has no column 'parcels'"
    assert refused.code == 1 and f"late-order is not trained: {why}" in refused.err
    assert "; 3 members waiting: harbour, north, south\n  next: argosy why late-order\n" in refused.err
    assert [each["number"] for each in run("get", "versions", "--json").json()["items"]] == [1] * 4
    told = {check["name"]: check for check in run("doctor", "--json").json()}
    assert told["dataset orders"]["found"].startswith("blocked: version 2 was rejected: data/orders/short.parquet")
    assert run("train", "late-order", "south", "--json").json()["failed"] is True


FRAGILE = """
import argosy as ag
from lightgbm import LGBMClassifier


class Fragile(LGBMClassifier):
    def fit(self, X, y, *rest, **named):
        if X[:, 0].max() > 900:
            raise ValueError("these rows cannot be learned")
        return super().fit(X, y, *rest, **named)


orders = ag.Dataset("orders", time="placed", source=ag.Parquet("orders.parquet"))
late = ag.Fleet(
    "late", spine=orders, by="depot", label="late", features=["distance"], minimum_rows=50,
    candidates=[Fragile(n_estimators=5, verbosity=-1)], split=ag.TimeSplit(test="7d"),
)
"""


@pytest.fixture
def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one depot whose rows can be learned and two whose cannot."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.py").write_text(FRAGILE)
    random, days = np.random.default_rng(3), 40
    depots = [name for name in ("a", "north", "south") for _ in range(10 * days)]
    rows = len(depots)
    distance = random.uniform(0.0, 100.0, rows) + [0.0 if name == "a" else 900.0 for name in depots]
    placed = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 2, 9), "1d", eager=True)[:days]
    pl.DataFrame({
        "placed": [placed[n % days] for n in range(rows)], "depot": depots, "distance": distance,
        "late": (distance % 100 + random.normal(0, 20, rows) > 50).astype(int),
    }).write_parquet("orders.parquet")  # fmt: skip
    return tmp_path


@pytest.mark.slow
def test_members_that_fail_are_told_with_their_reason_and_the_others_land(run: Run, fragile: Path) -> None:
    assert run("apply", "orders.py").code == 0
    shown = run("train", "late")
    assert shown.code == 1
    assert "late: 1 new version, 0 unchanged, 0 without a model of their own, 2 failed" in shown.err
    assert "  2 failed (north, south): exception: ValueError: these rows cannot be learned" in shown.err
    assert shown.err.endswith("  next: argosy why late/north\n")
    told = run("train", "late", "--json")
    assert told.code == 1 and told.json()["failed"] is True
    (reason,) = told.json()["reasons"]
    assert reason["members"] == ["north", "south"] and "these rows cannot be learned" in reason["reason"]
    assert run("train", "late", "a").code == 0
    alone = run("train", "late", "south")
    assert alone.code == 1 and "1 failed (south)" in alone.err
    assert run("train", "late", "a", "--json").json()["reasons"] == []


def test_reasons_come_the_commonest_first_and_bounded() -> None:
    failed = {f"m{n}": f"exception: number {n % 5}\n  at some line" for n in range(12)} | {"*": "timeout: " + 300 * "x"}
    found = reasons(failed)
    assert [len(each.members) for each in found] == [3, 3, 2, 2, 2, 1]
    assert found[0] == Reason("exception: number 0\n  at some line", ["m0", "m10", "m5"])
    assert lines("late", found) == [
        "  3 failed (m0, m10, m5): exception: number 0",
        "  3 failed (m1, m11, m6): exception: number 1",
        "  2 failed (m2, m7): exception: number 2",
        "  5 more failed, of 3 other reasons",
        "  next: argosy why late/m0",
    ]
    (shown, next) = lines("late", reasons({"*": failed["*"]}))
    assert len(shown) < 240 and next == "  next: argosy why 'late/*'"
    assert lines("late", reasons(dict.fromkeys("abcd", "no")))[0] == "  4 failed (a, b, c, …): no"
    assert lines("late", reasons({"": "no"}))[0] == "  1 failed (late): no"
