"""Tagged columns are followed through views: what is recorded, counted, shown and packed follows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from lightgbm import LGBMClassifier
from msgspec import json

import argosy as ag
from argosy.controller import survey
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.packing import packed
from argosy.controller.tagging import tags
from argosy.controller.watching import reference
from argosy.model.signature import Feature, Signature
from argosy.registry.address import parse
from argosy.serving.snapshot import Source
from argosy.spec import document
from argosy.spec.dataset import Dataset
from argosy.spec.feature import FeatureView
from argosy.spec.fleet import Fleet
from argosy.store import Store, declarations, versions
from tests.controller.conftest import START

AT = datetime(2024, 1, 1, tzinfo=UTC)
FLEET = "late-arrival"
TRIPS = ag.Dataset("trips", time="at", source=ag.Parquet("trips.parquet"), tags={"born": "pii"})
PEOPLE = ag.Dataset("people", time="at", source=ag.Parquet("people.parquet"), tags={"income": "sensitive"})
PURSE = FeatureView("purse", "people", ("who",), "people:purse")
LATE = ag.Fleet(
    "late", spine=TRIPS, label=ag.Label("late", known_at="at"),
    features=["miles", PURSE, ag.RequestFeatures(
        age=pl.col("at").dt.year() - pl.col("born"), hour=pl.col("at").dt.hour(), rich=pl.col("wealth") > 1)],
    candidates=[ag.Candidate(LGBMClassifier(n_estimators=2))],
)  # fmt: skip
SIGNATURE = Signature(
    (
        Feature("miles", "number"),
        Feature("wealth", "number", origin="view:purse", reads=("income", "rents")),
        Feature("rooms", "number", origin="view:purse", reads=("rents",)),
    ),
    "binary",
    "late",
)


def new(kind: str, declared: Dataset | FeatureView | Fleet) -> declarations.NewDeclaration:
    body = json.decode(document.encode(declared))
    return declarations.NewDeclaration(kind=kind, name=declared.name, fingerprint="f", body=body, at=AT, actor="me")


def test_features_of_tagged_columns_are_tagged(home: Path) -> None:
    with Store.open(home) as store:
        with store.write() as tx:
            found = [new("dataset", TRIPS), new("dataset", PEOPLE), new("feature_view", PURSE), new("fleet", LATE)]
            declarations.add(tx, found)
        with store.read() as conn:
            assert tags(conn, "late", ["trips@3"], []) == {"born": "pii", "age": "pii"}
            assert tags(conn, "late", [], []) == {}
            wide = {"born": "pii", "age": "pii", "income": "sensitive", "wealth": "sensitive", "rich": "sensitive"}
            assert tags(conn, "late", ["trips@3", "purse.features.1f@2"], [SIGNATURE]) == wide


@pytest.mark.slow
def test_what_a_view_renames_or_computes_is_recorded_and_packed_nowhere(fresh: House, project: Path) -> None:
    module = project / "flights.py"
    owned = '    owner="fleet-registry",'
    text = module.read_text().replace(owned, f'{owned} tags={{"seats": "pii"}},', 1)
    made = '"published_at", room=pl.col("seats"), large=pl.col("seats") > 150'
    text, count = re.subn('"published_at", "seats"', made, text)
    assert count == 1
    module.write_text(text)
    apply(fresh.store, module, START, "tester")
    assert not [each.said for each in tick(fresh, START) if each.failed]
    picture = Source(fresh.store)()
    assert picture is not None and picture.endpoints[FLEET].redacted == {"room", "large"}
    with fresh.store.read() as conn:
        version = versions.find(conn, FLEET, "*", 1)
        assert version is not None and version.signature is not None
        signature = Signature.from_json(fresh.store.blobs.get(version.signature))
        reads = {each.name: each.reads for each in signature.features if each.origin == "view:aircraft"}
        assert reads["room"] == reads["large"] == ("seats",)
        revision = survey.observe(fresh, START).fleets[FLEET].revision
        frozen = reference.frozen(conn, fresh.store, FLEET, revision)
        assert frozen is not None and {"room", "large"}.isdisjoint(each.name for each in frozen.bins.features)
        carried = packed(fresh.store, conn, parse(f"{FLEET}/*@1")).content
    test = json.decode(carried.files["selftest.json"])
    assert "made up" in test["of"]
    rooms = [row["room"] for row in test["rows"] if row["room"] is not None]
    assert len(rooms) > 30 and len({*rooms}) == len(rooms), "each value once"
    assert {*rooms} <= {float(place) for place in range(len(test["rows"]))}, "of no plane: there are too few sizes"
    assert any(row["distance"] is not None for row in test["rows"])
