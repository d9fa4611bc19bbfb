"""Limits: the published schema refuses what is beyond them, as making a declaration does, and nothing else."""

from __future__ import annotations

import copy
import importlib
import json
from typing import Any

import msgspec
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec.document import decode, encode, kind, schema
from argosy.spec.feature import FeatureView
from argosy.spec.project import Project
from tests.spec.jsonschema import problems

FLEET = ag.Fleet(
    "late", spine="flights", label=ag.Label("late", "known"),
    features=["distance", ag.RequestFeatures(hour=pl.col("hour"))],
    candidates=[ag.Candidate(LogisticRegression(), {"C": ag.Choice([1, 2])})], by=["origin"],
    search=ag.Search("roc_auc", trials=2, member_trials=2, folds=2), split=ag.TimeSplit("7d"),
    slices=["carrier"], gates=[ag.Gate("roc_auc", beats="champion", by=0.1)],
    rollout=ag.Canary(0.3, "1h", "f1", 60, 0.1, "9d"),
    monitors=[
        ag.Drift("ks", 0.3, "3d", minimum_rows=9), ag.Performance("f1", drop=0.1), ag.Quality(0.5),
        ag.Skew(0.5, rows=9),
    ],
    retrain=ag.older_than("9d") & ag.new_rows(5), lead="1h", history="90d", minimum_rows=50, time_limit="1m",
    memory_mb=512,
)  # fmt: skip
CONTRACT = ag.Contract(
    {"a": ag.Column(presence=0.5, on_failure="warn")}, unique=["a"], rows=(1, 5), freshness="1d",
    rules=[ag.Rule("r", pl.col("a") > 0)], references=[ag.Reference(["a", "b"], "other", ["c", "d"])],
)  # fmt: skip
DATASET = ag.Dataset(
    "flights", time="t", source=ag.Csv("x.csv", separator=";"), key=["a"], known="k", contract=CONTRACT,
    tags={"a": "pii"},
)  # fmt: skip
VIEW = FeatureView("v", "d", ("a",), "m:f", ttl="6h", lookback="1d")


def changed(body: Any, path: str, value: Any) -> Any:
    """A document with another value at a path, as in `gates.0.by`."""
    body, (head, _, rest) = copy.copy(body), path.partition(".")
    key = int(head) if isinstance(body, list) else head
    body[key] = changed(body[key], rest, value) if rest else value
    return body


@pytest.mark.parametrize(("path", "value"), [
    ("name", "Late"), ("name", ""), ("name", "a" * 64), ("name", "late flights"), ("spine", "Flights"),
    ("label.column", ""), ("label.known_at", "a" * 129), ("features", []), ("features.0.name", ""),
    ("features.1.expressions", {}), ("features.1.expressions", {"": {"polars": "1"}}), ("candidates", []),
    ("candidates.0.search.C.values", []), ("by", ["a", "a"]), ("by", [""]), ("search.metric", "roc_auk"),
    ("search.trials", 0), ("search.trials", 10_001), ("search.member_trials", 101), ("search.folds", 21),
    ("search.seed", -1), ("search.seed", 2**31),
    ("split.test", "a fortnight"), ("split.test", "14"), ("slices.0.name", ""), ("gates.0.metric", "auc"),
    ("gates.0.by", -0.5), ("rollout.share", 1), ("rollout.share", 0), ("rollout.bake", "-2h"),
    ("rollout.metric", "auc"), ("rollout.minimum_rows", 0), ("rollout.errors", 1.5), ("rollout.patience", "7 days"),
    ("monitors.0.limit", -1), ("monitors.0.window", ""), ("monitors.0.minimum_rows", 0), ("monitors.0.statistic", "p"),
    ("monitors.1.metric", "latency_p99_ms"), ("monitors.1.drop", -1), ("monitors.2.limit", 2), ("monitors.3.limit", 2),
    ("monitors.3.rows", 100_001), ("retrain.conditions", []), ("retrain.conditions.0.age", "old"),
    ("retrain.conditions.1.count", -1), ("lead", "soon"), ("history", "1y"), ("minimum_rows", 9), ("time_limit", "5"),
    ("memory_mb", 63),
])  # fmt: skip
def test_schema_refuses_a_fleet_beyond_a_limit(path: str, value: Any) -> None:
    refused_by_both(json.loads(encode(FLEET)), path, value)


@pytest.mark.parametrize(("path", "value"), [
    ("name", "Flights"), ("time", ""), ("key", ["a", "a"]), ("known", ""), ("tags", {"": "pii"}), ("tags.a", "secret"),
    ("source.path", ""), ("source.separator", ",,"), ("contract.columns", {"": {}}),
    ("contract.columns.a.presence", 1.5), ("contract.columns.a.on_failure", "explode"), ("contract.unique", ["", "b"]),
    ("contract.rows", [-1, 5]), ("contract.rows", [1]),
    ("contract.rows", [1, 10**30]), ("contract.freshness", "soon"), ("contract.rules.0.name", "R"),
    ("contract.rules.0.expression.polars", " " * 65_537), ("contract.references.0.columns", []),
    ("contract.references.0.dataset", "Other"), ("contract.references.0.to", ["c", "c"]),
])  # fmt: skip
def test_schema_refuses_a_dataset_beyond_a_limit(path: str, value: Any) -> None:
    refused_by_both(json.loads(encode(DATASET)), path, value)


@pytest.mark.parametrize(("path", "value"), [("name", "V"), ("entity", []), ("entity", ["a", "a"]), ("ttl", "6 hours")])
def test_schema_refuses_a_view_beyond_a_limit(path: str, value: Any) -> None:
    refused_by_both(json.loads(encode(VIEW)), path, value)


def refused_by_both(body: Any, path: str, value: Any) -> None:
    """A document is refused with a value, by the schema and when it is read; without it, by neither."""
    assert problems(body, schema()) == []
    assert encode(decode(body)) == msgspec.json.encode(body, order="sorted")
    wrong = changed(body, path, value)
    assert problems(wrong, schema())
    with pytest.raises(DeclarationError):
        decode(wrong)


def test_declarations_of_the_examples_fit_the_schema() -> None:
    found = Project.collect(importlib.import_module("examples.flights.flights")).declarations()
    assert {kind(each) for each in found} == {"dataset", "feature_view", "fleet"}
    for each in found:
        assert problems(json.loads(encode(each)), schema()) == []
