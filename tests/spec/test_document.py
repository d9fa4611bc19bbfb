"""Declarations as JSON, their schema, fingerprints and differences."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from sklearn.linear_model import LogisticRegression

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec.document import Declaration, decode, diff, encode, fingerprint, kind, recorded, schema
from argosy.spec.estimator import Estimator
from argosy.spec.feature import FeatureView
from argosy.spec.frozen import FrozenDict
from tests.spec.declarations import declarations
from tests.spec.jsonschema import problems

SCHEMA = Path(__file__).parents[2] / "docs" / "schema.json"


@given(declarations)
def test_round_trip(declaration: Declaration) -> None:
    body = encode(declaration)
    again = decode(body)
    assert again == declaration
    assert encode(again) == body
    assert decode(json.loads(body)) == declaration
    assert fingerprint(again) == fingerprint(declaration)
    assert diff(declaration, again) == []


@given(declarations)
def test_json_fits_the_published_schema(declaration: Declaration) -> None:
    assert problems(json.loads(encode(declaration)), json.loads(SCHEMA.read_text())) == []


def test_schema_is_published_as_it_is() -> None:
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(schema())), (
        "docs/schema.json is not what the code says: write json.dumps(argosy.spec.document.schema(), indent=2) to it"
    )


@pytest.mark.parametrize("change", [{"kind": "fleets"}, {"candidates": 5}, {"gatess": []}, {"retrain": {"kind": "x"}}])
def test_schema_refuses_what_decode_refuses(change: dict[str, Any]) -> None:
    body = json.loads(encode(fleet())) | change
    assert problems(body, schema())
    with pytest.raises(DeclarationError):
        decode(body)


def fleet(**fields: Any) -> ag.Fleet:
    given: dict[str, Any] = {
        "name": "late", "spine": "flights", "label": "late", "features": ["distance"],
        "candidates": [LogisticRegression()],
    }  # fmt: skip
    return ag.Fleet(**(given | fields))


def dataset(**fields: Any) -> ag.Dataset:
    given: dict[str, Any] = {"name": "flights", "time": "t", "source": ag.Parquet("x.parquet")}
    return ag.Dataset(**(given | fields))


def contract(**fields: Any) -> ag.Dataset:
    return dataset(contract=ag.Contract(**fields))


A, B, C = ag.drifted(), ag.new_rows(5), ag.older_than("2d")

SAME: dict[str, tuple[Declaration, Declaration]] = {
    "& in another order": (fleet(retrain=A & B), fleet(retrain=B & A)),
    "| in another order": (fleet(retrain=A | B | C), fleet(retrain=C | (B | A))),
    "nested in another order": (fleet(retrain=(A | B) & ~(B & C)), fleet(retrain=~(C & B) & (B | A))),
    "hours and days": (fleet(lead="24h", retrain=ag.older_than("48h")), fleet(lead="1d", retrain=C)),
    "seconds and minutes": (fleet(time_limit="300s"), fleet()),
    "weeks and days": (fleet(split=ag.TimeSplit("2w")), fleet(split=ag.TimeSplit(test="14d"))),
    "defaults of a fleet": (fleet(pooled=False, minimum_rows=100, by=[], gates=(), owner="", memory_mb=2048), fleet()),
    "defaults that are declarations": (
        fleet(search=ag.Search(), split=ag.TimeSplit(), rollout=ag.Immediate(), retrain=ag.older_than("30d")), fleet(),
    ),
    "defaults of a search": (fleet(search=ag.Search(metric="log_loss", trials=20, folds=1)), fleet()),
    "defaults of a canary": (
        fleet(rollout=ag.Canary(share=float("0.2"), bake="120m", minimum_rows=50)), fleet(rollout=ag.Canary()),
    ),
    "defaults of a drift monitor": (
        fleet(monitors=[ag.Drift("psi", limit=float("0.2"), window="168h")]), fleet(monitors=[ag.Drift()]),
    ),
    "defaults of a gate": (
        fleet(gates=[ag.Gate("roc_auc", minimum=0.5, by=0.0)]), fleet(gates=[ag.Gate("roc_auc", minimum=0.5)]),
    ),
    "whole and real": (fleet(gates=[ag.Gate("roc_auc", minimum=1)]), fleet(gates=[ag.Gate("roc_auc", minimum=1.0)])),
    "whole and real in a space": (
        fleet(candidates=[ag.Candidate(LogisticRegression(), {"C": ag.Float(1, 10)})]),
        fleet(candidates=[ag.Candidate(LogisticRegression(), {"C": ag.Float(1.0, 10.0)})]),
    ),
    "an estimator's defaults": (
        fleet(candidates=[LogisticRegression(C=1.0, max_iter=100, fit_intercept=True)]), fleet(),
    ),
    "a candidate's name": (fleet(candidates=[ag.Candidate(LogisticRegression(), name="LogisticRegression")]), fleet()),
    "a list and a tuple": (fleet(features=("distance",)), fleet()),
    "a label by name": (fleet(label=ag.Label("late")), fleet()),
    "a dataset by name": (fleet(spine=dataset()), fleet()),
    "one key": (dataset(key="id"), dataset(key=["id"])),
    "known at its time": (dataset(known="t"), dataset()),
    "no tags": (dataset(tags={}, owner=""), dataset()),
    "the order of allowed values": (
        contract(columns={"a": ag.Column(allowed=("x", "y"))}), contract(columns={"a": ag.Column(allowed=("y", "x"))}),
    ),
    "a contract's defaults": (contract(rows=None, freshness="86400s", evolution="record"), contract(freshness="1d")),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_same_meaning_same_fingerprint(name: str) -> None:
    one, other = SAME[name]
    assert fingerprint(one) == fingerprint(other)
    assert diff(one, other) == []


OTHER: list[Declaration] = [
    fleet(),
    fleet(name="early"),
    fleet(spine="departures"),
    fleet(label="early"),
    fleet(label=ag.Label("late", known_at="arrived")),
    fleet(features=["distance", "seats"]),
    fleet(features=["seats", "distance"]),
    fleet(features=[ag.RequestFeatures(distance=pl.col("distance"))]),
    fleet(features=[ag.RequestFeatures(distance=pl.col("distance") + 1)]),
    fleet(candidates=[LogisticRegression(C=2.0)]),
    fleet(candidates=[LogisticRegression(), ag.Candidate(LogisticRegression(), name="b")]),
    fleet(candidates=[ag.Candidate(LogisticRegression(), {"C": ag.Float(0.1, 1)})]),
    fleet(candidates=[ag.Candidate(LogisticRegression(), {"C": ag.Float(0.1, 1, log=True)})]),
    fleet(candidates=[ag.Candidate(LogisticRegression(), {"C": ag.Choice([1])})]),
    fleet(candidates=[ag.Candidate(LogisticRegression(), {"C": ag.Choice([1.0])})]),
    fleet(by=["origin"]),
    fleet(by=["origin", "carrier"]),
    fleet(by=["carrier", "origin"]),
    fleet(search=ag.Search("roc_auc")),
    fleet(search=ag.Search(trials=21)),
    fleet(search=ag.Search(seed=1)),
    fleet(split=ag.TimeSplit("13d")),
    fleet(pooled=True),
    fleet(gates=[ag.Gate("roc_auc", minimum=0.6)]),
    fleet(gates=[ag.Gate("roc_auc", maximum=0.6)]),
    fleet(gates=[ag.Gate("roc_auc", beats="champion")]),
    fleet(gates=[ag.Gate("roc_auc", beats="pooled")]),
    fleet(gates=[ag.Gate("roc_auc", beats="pooled", by=0.1)]),
    fleet(gates=[ag.Approval()]),
    fleet(rollout=ag.Canary()),
    fleet(rollout=ag.Canary(share=0.3)),
    fleet(monitors=[ag.Drift()]),
    fleet(monitors=[ag.Drift(on="prediction")]),
    fleet(monitors=[ag.Performance("roc_auc", drop=0.1)]),
    fleet(retrain=A & B),
    fleet(retrain=A | B),
    fleet(retrain=~A),
    fleet(retrain=A & B | C),
    fleet(retrain=A & (B | C)),
    fleet(retrain=ag.drifted(0.2)),
    fleet(lead="1h"),
    fleet(history="1h"),
    fleet(minimum_rows=99),
    fleet(time_limit="6m"),
    fleet(memory_mb=512),
    fleet(owner="ann"),
    fleet(description="x"),
    dataset(),
    dataset(time="u"),
    dataset(source=ag.Csv("x.parquet")),
    dataset(source=ag.Csv("x.parquet", separator=";")),
    dataset(key="id"),
    dataset(known="k"),
    dataset(tags={"a": "pii"}),
    dataset(tags={"a": "sensitive"}),
    contract(),
    contract(unique="id"),
    contract(columns={"a": ag.Column(minimum=1)}),
    contract(columns={"a": ag.Column(minimum=1, on_failure="warn")}),
    contract(columns={"a": ag.Column(allowed=(1,))}),
    contract(columns={"a": ag.Column(allowed=(True,))}),
    contract(rules=[ag.Rule("r", pl.col("a") > 0)]),
    contract(rules=[ag.Rule("r", pl.col("a") >= 0)]),
    contract(references=[ag.Reference("a", "d")]),
    contract(references=[ag.Reference("a", "d", "b")]),
    contract(references=[ag.Reference("a", "d", "b", on_failure="warn")]),
    FeatureView("flights", "flights", ("a",), "m:f"),
    FeatureView("flights", "flights", ("a",), "m:f", ttl="1h"),
    FeatureView("flights", "flights", ("a",), "m:f", lookback="1h"),
    FeatureView("flights", "flights", ("a",), "m:g"),
]


def test_any_change_changes_the_fingerprint() -> None:
    prints = [fingerprint(each) for each in OTHER]
    assert len(set(prints)) == len(OTHER)
    for one, other in pairwise(OTHER):
        assert diff(one, other)


def test_code_is_part_of_the_fingerprint() -> None:
    prints = {fingerprint(fleet(), code) for code in (None, {"m:f": "1"}, {"m:f": "2"}, {"m:g": "1"})}
    assert len(prints) == 4
    assert fingerprint(fleet(), {}) == fingerprint(fleet())


@pytest.mark.parametrize(
    "declaration",
    [
        fleet(candidates=[ag.Candidate(Estimator("mine:Own"), {"kind": ag.Choice(["all_of"])})]),
        fleet(features=[ag.RequestFeatures(kind=pl.col("a"), conditions=pl.col("b"))]),
        dataset(tags={"kind": "pii", "conditions": "pii"}),
    ],
)
def test_columns_may_be_called_kind(declaration: Declaration) -> None:
    assert decode(encode(declaration)) == declaration
    assert fingerprint(declaration) == fingerprint(decode(encode(declaration)))


def test_diff_names_paths_and_values() -> None:
    before = fleet(gates=[ag.Gate("roc_auc", minimum=0.6)], rollout=ag.Canary())
    after = fleet(gates=[ag.Gate("roc_auc", minimum=0.7)], rollout=ag.Canary(share=0.5), lead="1h")
    assert [str(change) for change in diff(before, after)] == [
        "gates[0].minimum: 0.6 -> 0.7",
        "lead: none -> 1h",
        "rollout.share: 0.2 -> 0.5",
    ]
    added = {change.path: change.after for change in diff(None, dataset())}
    assert added["source.path"] == "x.parquet"
    assert added["kind"] == "dataset"
    assert all(change.after is None for change in diff(dataset(), None))
    (shown,) = diff(fleet(), fleet(description="x" * 500))
    assert len(str(shown)) < 120


def test_recorded_leaves_out_what_applying_added() -> None:
    body = json.loads(encode(fleet())) | {"code": {"m:f": "1"}, "project": "p", "training": "t", "revision": 3}
    assert recorded(body) == fleet()


def test_of_several_approvals_that_were_recorded_the_first_stands_for_all() -> None:
    gates = [ag.Approval("ops"), ag.Gate("roc_auc", minimum=0.6)]
    body = msgspec.to_builtins(fleet(gates=gates))
    body["gates"] = [*body["gates"], {"kind": "approval", "by": "legal"}, {"kind": "approval"}]
    assert recorded(body) == fleet(gates=gates)
    with pytest.raises(DeclarationError, match="it must be the only approval"):
        decode(body)


def test_decode_errors_say_where_and_what_next() -> None:
    body = json.loads(encode(fleet()))
    with pytest.raises(DeclarationError, match=r"Expected `array`.*\$\.candidates") as caught:
        decode(body | {"candidates": 5})
    assert "docs/schema.json" in caught.value.next
    with pytest.raises(DeclarationError, match="unknown field `gatess`"):
        decode(body | {"gatess": []})
    with pytest.raises(DeclarationError, match=r"Fleet\('late'\)\.minimum_rows is 1; it must be a number between"):
        decode(body | {"minimum_rows": 1})
    for text in (b"{", b"[]", b'{"kind": "ship"}', b""):
        with pytest.raises(DeclarationError):
            decode(text)


def test_kind() -> None:
    assert [kind(each) for each in (fleet(), dataset(), OTHER[-1])] == ["fleet", "dataset", "feature_view"]


@given(declarations)
def test_declarations_are_frozen(declaration: Declaration) -> None:
    for field in msgspec.structs.fields(declaration):
        with pytest.raises(AttributeError):
            setattr(declaration, field.name, None)
    assert {type(each) for each in _held(declaration)} <= {FrozenDict, tuple, str, int, float, bool, type(None)}
    again = decode(encode(declaration))
    assert hash(declaration) == hash(again) == hash(pickle.loads(pickle.dumps(declaration)))


def _held(value: Any) -> Iterator[Any]:
    """All that a declaration holds, but for other declarations: those are asked for what they hold."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.astuple(value)
    yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        yield from _held(item)
