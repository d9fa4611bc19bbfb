"""`argosy approve` of a dataset: rows that a contract kept out are taken in on a person's word."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.store import Store, datasets, events
from tests.cli.conftest import Run

PROJECT = """
import argosy as ag
from argosy.spec.estimator import Estimator

orders = ag.Dataset("orders", time="placed", source=ag.Csv("*.csv"),
                    contract=ag.Contract(columns={"distance": ag.Column(maximum=100)}))
late = ag.Fleet(
    "late", spine=orders, label="late", features=["distance"],
    candidates=[ag.Candidate(Estimator("sklearn.linear_model:LogisticRegression"))],
)
"""


@pytest.fixture
def rejected(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose only version was rejected."""
    (tmp_path / "orders.py").write_text(PROJECT)
    (tmp_path / "a.csv").write_text("placed,distance,late\n2024-01-01T00:00:00Z,7,0\n2024-01-02T00:00:00Z,700,1\n")
    monkeypatch.chdir(tmp_path)
    assert run("apply", "orders.py").code == 0
    told = run("train", "late")
    assert (
        "1 of 2 rows: distance is not at most 100 (mend the source, or argosy approve orders@1)" in told.out + told.err
    )
    return tmp_path


def rows(home: Path) -> int:
    with Store.open(home / ".argosy") as store, store.read() as conn:
        version = datasets.version(conn, "orders")
        assert version is not None
        return version.rows


def test_a_rejected_version_is_taken_in_with_who_and_why(run: Run, rejected: Path) -> None:
    assert rows(rejected) == 0
    said = run("approve", "orders@1", "--reason", "a long way")
    assert said.code == 0 and "orders@2: 2 rows added, accepted" in said.err
    assert rows(rejected) == 2
    with Store.open(rejected / ".argosy") as store, store.read() as conn:
        event = events.of_subject(conn, "orders", limit=1)[0]
    assert event.kind == "dataset.accepted" and "a long way" in event.message
    again = run("approve", "orders@1")
    assert again.code == 1 and "orders@1 was accepted before" in again.err


@pytest.mark.parametrize("given", [["orders"], ["orders@1", "--refuse"], ["orders@7"]])
def test_what_is_no_rejected_version_is_told(run: Run, rejected: Path, given: list[str]) -> None:
    said = run("approve", *given)
    assert said.code in (1, 2) and "orders" in said.err and "next:" in said.err
    assert rows(rejected) == 0
