"""Which values of a version's rows do not travel with its bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from lightgbm import LGBMClassifier
from msgspec import json

import argosy as ag
from argosy.controller.packing import hidden, packed
from argosy.errors import UnknownError
from argosy.registry.address import parse
from argosy.spec import document
from argosy.store import Store, declarations

AT = datetime(2024, 1, 1, tzinfo=UTC)
TRIPS = ag.Dataset("trips", time="at", source=ag.Parquet("trips.parquet"), tags={"born": "pii"})
LATE = ag.Fleet(
    "late", spine=TRIPS, label=ag.Label("late", known_at="at"),
    features=["miles", ag.RequestFeatures(age=pl.col("at").dt.year() - pl.col("born"), hour=pl.col("at").dt.hour())],
    candidates=[ag.Candidate(LGBMClassifier(n_estimators=2))],
)  # fmt: skip


def test_features_of_tagged_columns_are_tagged(home: Path) -> None:
    with Store.open(home) as store:
        with store.write() as tx:
            news = [
                declarations.NewDeclaration(
                    kind=kind,
                    name=each.name,
                    fingerprint="f",
                    body=json.decode(document.encode(each)),
                    at=AT,
                    actor="me",
                )
                for kind, each in (("dataset", TRIPS), ("fleet", LATE))
            ]
            declarations.add(tx, news)
        with store.read() as conn:
            assert hidden(conn, "late", ["trips@3"]) == {"born", "age"}
            assert hidden(conn, "late", []) == frozenset()
            with pytest.raises(UnknownError, match="no version late@2"):
                packed(store, conn, parse("late@2"))
