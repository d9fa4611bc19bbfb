"""Columns of what arrives: wider, new, missing, dropped, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from argosy.data.ingest import accept
from argosy.data.state import remedy
from argosy.spec.contract import Column, Contract
from argosy.store import Store, contracts, datasets, events
from tests.data.table import DAY, START, dataset, everything, put, rows, take


def test_a_wider_type_and_a_new_column_are_recorded_and_old_rows_read_in_them(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 2, n=pl.Series([1, 2], dtype=pl.Int32)))
    take(store, root)
    put(root, "b", rows(2, 2, at=START + DAY, n=[1.5, 2.5], extra=["u", "v"]))
    outcome = take(store, root)
    assert {finding.message for finding in outcome.findings} == {
        "data/b.parquet: column 'n' widens from Int32 to Float64",
        "data/b.parquet: new column 'extra' (String)",
    }
    assert everything(store)["n"].to_list() == [1.0, 2.0, 1.5, 2.5]
    assert everything(store)["extra"].to_list() == [None, None, "u", "v"]
    assert everything(store, number=1).columns == ["id", "t", "x", "n"]
    with store.read() as conn:
        assert [(each.number, "widens" in each.reason) for each in contracts.history(conn, "table")] == [
            (2, True), (1, False),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop("x"), "has no column 'x'"),
        (lambda frame: frame.with_columns(x=pl.lit("a")), "column 'x' is String, not Float64"),
    ],
)
def test_a_missing_column_or_another_type_blocks(store: Store, root: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    put(root, "a", rows(0, 2))
    take(store, root)
    put(root, "b", change(rows(2, 2, at=START + DAY)))
    outcome = take(store, root)
    assert outcome.status == "rejected" and message in outcome.findings[0].message
    why = f"{outcome.findings[0].message} ({remedy('table', 2)})"
    assert str(outcome) == f"table@2: 0 rows added, rejected, because {why}"
    assert everything(store).height == 2
    assert everything(store, purpose="rejected").height == 2


@pytest.mark.parametrize(
    "contract",
    [
        Contract(),
        Contract({"x": Column(nullable=False, presence=1.0)}),
        Contract(unique=("x",)),
        Contract(evolution="block"),
    ],
)
def test_a_dropped_column_is_accepted_once_until_it_is_back(store: Store, root: Path, contract: Contract) -> None:
    declared = dataset(contract=contract)
    put(root, "a", rows(0, 2))
    take(store, root, declared)
    put(root, "b", rows(2, 2, at=START + DAY).drop("x"))
    assert take(store, root, declared).status == "rejected"
    assert accept(store, declared, 2, "ann", "nobody needs it", START + 40 * DAY).added == 2
    put(root, "c", rows(4, 2, at=START + 2 * DAY).drop("x"))
    outcome = take(store, root, declared)
    assert (outcome.status, outcome.added, outcome.findings) == ("accepted", 2, ())
    put(root, "d", rows(6, 2, at=START + 3 * DAY))
    back = take(store, root, declared)
    assert "data/d.parquet: column 'x' is back" in back.findings[0].message
    if back.status == "rejected":
        accept(store, declared, 5, "ann", "", START + 40 * DAY)
    assert everything(store)["x"].to_list() == [0.0, 1.0, None, None, None, None, 6.0, 7.0]
    with store.read() as conn:
        found = contracts.history(conn, "table")
        told = [each.message for each in events.since(conn)]
    assert [each.body.get("dropped", []) for each in found] == [[], ["x"], []]
    assert "'x' is back" in found[0].reason and "table@2 has no column 'x'" in found[1].reason
    assert found[1].actor == "ann" and "accepted by ann" in found[1].reason
    assert any("nobody needs it" in each for each in told) and any("'x' is back" in each for each in told)
    put(root, "e", rows(8, 2, at=START + 4 * DAY).drop("x"))
    assert take(store, root, declared).status == "rejected"


def test_accepting_rows_for_another_reason_brings_no_dropped_column_back(store: Store, root: Path) -> None:
    declared = dataset(contract=Contract(rows=(2, 2)))
    put(root, "a", rows(0, 2))
    take(store, root, declared)
    for number, (name, count) in enumerate([("b", 2), ("c", 3)], start=2):
        put(root, name, rows(10 * number, count, at=START + number * DAY).drop("x"))
        assert take(store, root, declared).status == "rejected"
        with store.read() as conn:
            latest = datasets.latest(conn)["table"].number
        assert accept(store, declared, latest, "ann", "", START + 40 * DAY).added == count
    put(root, "d", rows(40, 2, at=START + 5 * DAY).drop("x"))
    assert take(store, root, declared).status == "accepted"


def test_a_contract_that_says_something_else_of_a_dropped_column_asks_for_it_again(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 2))
    take(store, root)
    put(root, "b", rows(2, 2, at=START + DAY).drop("x"))
    take(store, root)
    accept(store, dataset(), 2, "ann", "", START + 40 * DAY)
    put(root, "c", rows(4, 2, at=START + 2 * DAY).drop("x"))
    assert take(store, root, dataset(contract=Contract({"x": Column(minimum=0)}))).status == "rejected"


@pytest.mark.parametrize(
    "bound", [{"minimum": 0}, {"nullable": False}, {"presence": 1.0}, {"on_failure": "quarantine"}]
)
def test_a_column_that_the_contract_names_and_no_row_has_rejects_the_version(
    store: Store, root: Path, bound: dict[str, Any]
) -> None:
    declared = dataset(contract=Contract({"kilometers": Column(**bound)}))
    put(root, "a", rows(0, 2, kilometres=[1.0, -2.0]))
    outcome = take(store, root, declared)
    assert (outcome.status, outcome.findings[0].rule) == ("rejected", "missing-column")
    assert outcome.findings[0].message == (
        "data/a.parquet has no column 'kilometers', which the contract names; it has 'id', 't', 'x', 'kilometres': "
        "bring it in, or correct ag.Contract, then argosy apply"
    )
    assert accept(store, declared, 1, "ann", "it comes next week", START + 40 * DAY).added == 2


def test_a_column_that_the_contract_names_only_to_warn_is_missed_in_words(store: Store, root: Path) -> None:
    declared = dataset(contract=Contract({"y": Column(minimum=0, on_failure="warn")}))
    put(root, "a", rows(0, 2))
    first = take(store, root, declared)
    assert (first.status, [each.outcome for each in first.findings]) == ("accepted", ["warned"])
    put(root, "b", rows(2, 2, at=START + DAY, y=[1.0, -1.0]))
    assert {each.rule for each in take(store, root, declared).findings} == {"evolution", "range"}
    put(root, "c", rows(4, 2, at=START + 2 * DAY))
    last = take(store, root, declared)
    assert (last.status, last.added, [each.rule for each in last.findings]) == ("accepted", 2, ["missing-column"])


@pytest.mark.parametrize("unique", [("mail",), ("id", "mail")])
def test_unique_columns_that_no_row_has_reject_the_version(store: Store, root: Path, unique: tuple[str, ...]) -> None:
    declared = dataset(contract=Contract(unique=unique))
    put(root, "a", rows(0, 2))
    outcome = take(store, root, declared)
    assert outcome.status == "rejected" and "no column 'mail', which the contract names" in outcome.findings[0].message
    assert accept(store, declared, 1, "ann", "", START + 40 * DAY).added == 2
