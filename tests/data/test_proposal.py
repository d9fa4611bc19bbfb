from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl
import pytest

import argosy
from argosy.data.proposal import proposal
from argosy.data.terms import Terms
from argosy.spec.contract import Column, Contract
from argosy.store import Store, contracts
from tests.data.table import DAY, START, dataset, put, rows, take


def proposed(store: Store) -> Contract | None:
    """What the text of the proposal beyond the contract in force makes; None where it is empty."""
    with store.read() as conn:
        found = contracts.current(conn, "table")
    assert found is not None
    text = proposal(msgspec.convert(found.body, Terms))
    made: Contract | None = eval(text, {"ag": argosy}) if text else None
    return made


def test_what_the_first_rows_would_allow_is_a_contract_that_they_meet(store: Store, root: Path) -> None:
    texts = ['say "no"', "it's", "grün"] * 20
    ids = {"big": [2**53 + i for i in range(60)], "same": [1234567.25] * 60, "small": [i / 1e9 for i in range(60)]}
    nested = {"list": pl.Series([[1.5]] * 60), "wall": pl.Series([START.replace(tzinfo=None)] * 60)}
    put(root, "a", rows(0, 60, kind=texts, maybe=[None, True] * 30, **ids, **nested))
    take(store, root)
    made = proposed(store)
    assert made is not None
    assert made.columns["kind"].allowed == ("grün", "it's", 'say "no"')
    assert (made.columns["x"].minimum, made.columns["x"].maximum) == (0, pytest.approx(73.75, abs=0.1))
    assert (made.columns["id"].nullable, made.columns["maybe"].nullable) == (False, True)
    assert made.columns["wall"].type == "Datetime"
    put(root, "b", rows(100, 60, at=START + 5 * DAY, kind=texts, maybe=[None, True] * 30, **ids, **nested))
    found = take(store, root, dataset(contract=made)).findings
    assert [each.column for each in found] == ["id", "x"]
    assert {each.outcome for each in found} == {"warned"}
    assert proposed(store) is None


def test_no_value_of_a_tagged_column_is_kept_to_be_proposed(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 40, mail=["ann@x.com", "bob@x.com"] * 20))
    take(store, root, dataset(tags={"mail": "pii", "x": "sensitive"}))
    with store.read() as conn:
        found = contracts.current(conn, "table")
    assert found is not None and "ann" not in str(found.body)
    assert found.body["suggested"]["x"] == {"nullable": False} != found.body["suggested"]["id"]
    made = proposed(store)
    assert made is not None and made.columns["mail"] == Column(type="String", nullable=False, on_failure="warn")


def test_what_the_contract_names_or_the_source_dropped_is_not_proposed(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 5, y=[1] * 5))
    take(store, root, dataset(contract=Contract({"x": Column(minimum=0)})))
    made = proposed(store)
    assert made is not None and list(made.columns) == ["id", "y"]
