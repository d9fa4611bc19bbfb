from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl

from argosy.data.ingest import accept
from argosy.data.terms import Terms
from argosy.spec.contract import Contract, Reference, Rule
from argosy.spec.source import Parquet
from argosy.store import Store, contracts
from tests.data.table import DAY, START, dataset, put, rows, take


def test_what_reads_a_dropped_column_is_not_asked_until_it_is_back(store: Store, root: Path) -> None:
    rules = (Rule("double", pl.col("y") == pl.col("x") * 2), Rule("there", pl.col("x").is_not_null()))
    places = Reference("x", "places", "place", "quarantine")
    declared = dataset(contract=Contract(rules=rules, references=(places,)))
    register = dataset(name="places", key=("place",), source=Parquet("places.parquet"))
    rows(0, 4, place=[0.0, 1.0, 2.0, 3.0]).drop("id").write_parquet(root / "places.parquet")
    take(store, root, register)
    terms = []
    for number, frame in enumerate((rows(0, 2, y=[0.0, 2.0]), rows(2, 2, y=[4.0, 6.0]).drop("x")), start=1):
        put(root, str(number), frame)
        take(store, root, declared)
    assert accept(store, declared, 2, "ann", "", START + 40 * DAY).findings[0].rule == "missing-column"
    for number, frame in enumerate((rows(4, 1, y=[9.0]).drop("x"), rows(5, 1, y=[0.0])), start=3):
        put(root, str(number), frame)
        outcome = take(store, root, declared)
        terms.append((outcome.status, [each.rule for each in outcome.findings]))
        with store.read() as conn:
            found = contracts.current(conn, "table")
        assert found is not None
        terms.append(msgspec.convert(found.body, Terms).unasked())
    unasked = ["double", "there", "x in places.place"]
    assert terms == [("accepted", []), unasked, ("rejected", ["evolution", "double", "reference"]), unasked]
