"""What is refused when a declaration is made: each error names the field, the value, the limit and the next step."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec.condition import AllOf, AnyOf
from argosy.spec.estimator import Estimator
from argosy.spec.feature import FeatureView


def fleet(**fields: Any) -> ag.Fleet:
    given: dict[str, Any] = {
        "name": "late", "spine": "flights", "label": "late", "features": ["distance"],
        "candidates": [LogisticRegression()], "search": ag.Search("roc_auc"),
    }  # fmt: skip
    return ag.Fleet(**(given | fields))


def dataset(**fields: Any) -> ag.Dataset:
    given: dict[str, Any] = {"name": "flights", "time": "t", "source": ag.Parquet("x.parquet")}
    return ag.Dataset(**(given | fields))


NAN = float("nan")
WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: fleet(name="Late"), "Fleet.name is 'Late'; it must be a lower-case name"),
    (lambda: fleet(name="a" * 64), "at most 63"),
    (lambda: fleet(spine="Flights!"), "Fleet('late').spine is 'Flights!'"),
    (lambda: fleet(label=5), "Fleet('late').label is 5; it must be ag.Label('column')"),
    (lambda: fleet(label=""), "Label.column is ''; it must be a column name"),
    (lambda: fleet(features=[]), "Fleet('late').features is (); it must be a list of at least one feature"),
    (lambda: fleet(features="distance"), "Fleet('late').features is 'distance'; it must be a list"),
    (lambda: fleet(features=[5]), "Fleet.features is 5; it must be a column name, a feature view"),
    (lambda: fleet(features=["a", "a"]), "Fleet('late').features is 'a'; it must be named once"),
    (lambda: fleet(features=["a", ag.RequestFeatures(a=pl.col("b"))]), "is 'a'; it must be named once"),
    (lambda: fleet(candidates=[]), "a list of at least one candidate"),
    (lambda: fleet(candidates=[5]), "Candidate.estimator is 5; it must be a scikit-learn compatible estimator"),
    (lambda: fleet(candidates=[LogisticRegression]), "must be a scikit-learn compatible estimator"),
    (lambda: fleet(candidates=[LogisticRegression(), LogisticRegression(C=2)]), "is 'LogisticRegression'; it must be"),
    (lambda: fleet(by=["a", "a"]), "Fleet('late').by is 'a'; it must be named once"),
    (lambda: fleet(by=5), "Fleet('late').by is 5; it must be a list"),
    (lambda: fleet(pooled="yes"), "Fleet('late').pooled is 'yes'; it must be bool"),
    (lambda: fleet(owner=None), "Fleet('late').owner is None; it must be str"),
    (lambda: fleet(minimum_rows=9), "Fleet('late').minimum_rows is 9; it must be a number between 10 and 1e+09"),
    (lambda: fleet(minimum_rows=50.5), "Fleet('late').minimum_rows is 50.5; it must be int"),
    (lambda: fleet(memory_mb=True), "Fleet('late').memory_mb is True; it must be int"),
    (lambda: fleet(lead="1 hour"), "Fleet('late').lead is '1 hour'; it must be a duration"),
    (lambda: fleet(time_limit=5), "Fleet('late').time_limit is 5; it must be a duration"),
    (lambda: fleet(rollout="canary"), "it must be one of ag.Immediate(...), ag.Canary(...), ag.Shadow"),
    (lambda: fleet(retrain=True), "Fleet('late').retrain is True; it must be "),
    (lambda: fleet(gates=ag.Approval()), "Fleet('late').gates is Approval("),
    (lambda: fleet(gates=[ag.Drift()]), "it must be ag.Gate or ag.Approval"),
    (lambda: fleet(gates=[ag.Gate("roc_auc", minimum=0.5)] * 2), "'roc_auc >= 0.5'; it must be named once"),
    (lambda: fleet(gates=[ag.Approval("ops"), ag.Approval("law")]),
     "gates is 'approval by law'; it must be the only approval, as one answer stands for all (approval by ops)"),
    (lambda: fleet(gates=[ag.Approval("ops"), ag.Approval("law")]), "next: write one: ag.Approval('ops and law')"),
    (lambda: fleet(gates=[ag.Gate("rmse", maximum=1)]), "Fleet('late').gates.metric is 'rmse'; it must be one of"),
    (lambda: fleet(search=ag.Search("rmse"), monitors=[ag.Performance("f1", drop=0.1)]), "monitors.metric is 'f1'"),
    (lambda: fleet(rollout=ag.Canary(metric="mae")), "Fleet('late').rollout.metric is 'mae'"),
    (lambda: ag.Gate("roc_auk", minimum=0.5), "next: use 'roc_auc'"),
    (lambda: ag.Gate("roc_auc"), "it must be given minimum, maximum or beats"),
    (lambda: ag.Gate("roc_auc", minimum="0.5"), "Gate.minimum is '0.5'; it must be float or null"),  # type: ignore[arg-type]
    (lambda: ag.Gate("roc_auc", minimum=NAN), "Gate.minimum is nan; it must be a finite number"),
    (lambda: ag.Gate("roc_auc", minimum=0.7, maximum=0.6), "Gate.minimum is 0.7; it must be at most the maximum, 0.6"),
    (lambda: ag.Gate("roc_auc", beats="chamption"), "next: use 'champion'"),  # type: ignore[arg-type]
    (lambda: ag.Gate("size_kb", beats="champion"), "'size_kb'; it must be a score of predictions where beats is set"),
    (lambda: ag.Gate("pinball", beats="champion"), "'pinball'; it must be a score of predictions where beats is set"),
    (lambda: ag.Gate("roc_auc", beats="champion", minimum=0.5), "next: write two gates"),
    (lambda: ag.Gate("roc_auc", minimum=0.5, by=0.1), "Gate.by is 0.1; it must be given together with beats"),
    (lambda: ag.Gate("roc_auc", beats="champion", by=-1), "Gate.by is -1.0; it must be a number between 0"),
    (lambda: ag.Drift("psy"), "Drift.statistic is 'psy'; it must be one of"),  # type: ignore[arg-type]
    (lambda: ag.Drift(limit=-1), "Drift.limit is -1.0"),
    (lambda: ag.Drift(minimum_rows=0), "Drift.minimum_rows is 0"),
    (lambda: ag.Quality(limit=1.5), "Quality.limit is 1.5"),
    (lambda: ag.Quality(window="a week"), "Quality.window is 'a week'"),
    (lambda: ag.Skew(limit=-0.1), "Skew.limit is -0.1"),
    (lambda: ag.Skew(rows=0), "Skew.rows is 0"),
    (lambda: ag.Attribution(limit=1.1), "Attribution.limit is 1.1"),
    (lambda: ag.Attribution(rows=20), "Attribution.minimum_rows is 50; it must be at most rows=20"),
    (lambda: ag.Performance("roc_auc"), "it must be given minimum, maximum or drop"),
    (lambda: ag.Performance("roc_auc", drop=-0.1), "Performance.drop is -0.1"),
    (lambda: ag.Canary(share=1), "Canary.share is 1.0; it must be a number between 0.001 and 0.999"),
    (lambda: ag.Canary(metric="auc"), "Canary.metric is 'auc'; it must be one of"),
    (lambda: ag.Contract(rows=(-1, 5)), "Contract.rows is -1; it must be a number between 0 and 1e+15"),
    (lambda: ag.Canary(bake="0h"), "Canary.bake is '0h'; it must be a duration"),
    (lambda: ag.Search("auc"), "next: use 'roc_auc'"),
    (lambda: ag.Search(trials=0), "Search.trials is 0"),
    (lambda: ag.Search([]), "Search.metric is []; it must be str"),  # type: ignore[arg-type]
    (lambda: ag.Int(5, 1), "Int.minimum is 5; it must be at most the maximum, 1"),
    (lambda: ag.Int(0, 5, log=True), "Int.low is 0; it must be above 0 on a log scale"),
    (lambda: ag.Int("a", 5), "Int.low is 'a'; it must be int"),  # type: ignore[arg-type]
    (lambda: ag.Float(0, 1, log=True), "Float.low is 0.0; it must be above 0 on a log scale"),
    (lambda: ag.Choice([]), "a list of at least one value"),
    (lambda: ag.Choice("abc"), "Choice.values is 'abc'; it must be a list"),
    (lambda: ag.Choice([NAN]), "Choice.values is nan; it must be a finite number"),
    (lambda: Estimator("a:B", {"x": [NAN]}), "Estimator.parameters is nan; it must be a finite number"),
    (lambda: ag.Choice([object()]), "Choice.values is (<object"),  # type: ignore[list-item]
    (lambda: ag.Candidate(LogisticRegression(), 5), "Candidate.search is 5; it must be a dict of ag.Int"),  # type: ignore[arg-type]
    (lambda: ag.Candidate(LogisticRegression(), {"C": 5}), "Candidate"),  # type: ignore[dict-item]
    (lambda: dataset(name="F"), "Dataset.name is 'F'"),
    (lambda: dataset(time=""), "Dataset('flights').time is ''"),
    (lambda: dataset(key=["a", "a"]), "Dataset('flights').key is 'a'; it must be named once"),
    (lambda: dataset(source="x.parquet"), "Dataset('flights').source is 'x.parquet'; it must be a source"),
    (lambda: dataset(tags={"a": "piii"}), "Dataset('flights').tags is"),
    (lambda: dataset(contract=5), "Dataset('flights').contract is 5"),
    (lambda: ag.Csv("x", separator=",,"), "Csv.separator is ',,'; it must be one character"),
    (lambda: ag.Csv("x", separator=5), "Csv.separator is 5; it must be str"),  # type: ignore[arg-type]
    (lambda: ag.Csv(""), "Csv.path is ''"),
    (lambda: ag.Csv("x", zone="Europe/Berln"), "Csv.zone is 'Europe/Berln'; it must be the IANA name of a time zone"),
    (lambda: ag.Csv("x", zone="europe/berlin"), "next: use 'Europe/Berlin'"),
    (lambda: ag.Csv("x", zone="../etc"), "Csv.zone is '../etc'"),
    (lambda: ag.Sql("host/db", "select 1"), "it must be a SQLAlchemy URL"),
    (lambda: ag.Sql("sqlite://", "drop table x"), "Sql.query is 'drop table x'; it must be a SELECT"),
    (lambda: ag.Function(lambda since: []), "a function defined with def"),  # type: ignore[arg-type]
    (lambda: ag.Column(minimum=2, maximum=1), "Column.minimum is 2"),
    (lambda: ag.Column(presence=1.5), "Column.presence is 1.5"),
    (lambda: ag.Column("Flaot64"), "next: use 'Float64'"),
    (lambda: ag.Column("Decimol(10, 2)"), "Column.type is 'Decimol'; it must be one of Array, Binary, Boolean"),
    (lambda: ag.Csv("x", types={"zip": "str"}), "Csv.types['zip'] is 'str'; it must be one of"),
    (lambda: ag.Column(on_failure="explode"), "Column.on_failure is 'explode'"),  # type: ignore[arg-type]
    (lambda: ag.Contract(rows=(5, 1)), "Contract.rows.minimum is 5"),
    (lambda: ag.Contract(rows=(1,)), "Contract.rows is (1,)"),
    (lambda: ag.Contract(unique=("a", "a")), "Contract.unique is 'a'; it must be named once"),
    (lambda: ag.Contract(freshness="soon"), "Contract.freshness is 'soon'"),
    (lambda: ag.Contract(columns={"": ag.Column()}), "Contract.columns is ''"),
    (lambda: ag.Contract(rules=[ag.Rule("r", pl.col("a"))] * 2), "Contract.rules is 'r'; it must be named once"),
    (lambda: ag.Rule("r", 5), "Rule('r').expression is 5; it must be a Polars expression"),  # type: ignore[arg-type]
    (lambda: ag.Reference((), "d"), "Reference.columns is (); it must be at least one column"),
    (lambda: ag.Reference("a", 5), "Reference.dataset is 5; it must be a lower-case name"),  # type: ignore[arg-type]
    (lambda: ag.Reference("a", "d", ["a", "b"]), "Reference.to is ('a', 'b'); it must be 1 column, one for each"),
    (lambda: ag.Contract(references=[ag.Reference("a", "d")] * 2), "Contract.references is 'a in d.a'; it must be"),
    (lambda: ag.Dataset("d", time="t", source=ag.Csv("x"), contract=ag.Contract(references=[ag.Reference("a", "d")])),
     "Dataset('d').contract.references is 'd'; it must be another dataset"),
    (lambda: FeatureView("v", "d", (), "m:f"), "feature_view('v').entity is (); it must be at least one column"),
    (lambda: ag.RequestFeatures(), "RequestFeatures is {}; it must be at least one expression"),
    (lambda: ag.RequestFeatures(a=5), "RequestFeatures.a is 5; it must be a Polars expression"),
    (lambda: ag.older_than("long"), "older_than is 'long'; it must be a duration"),
    (lambda: ag.new_rows(-1), "NewRows.count is -1; it must be a number between 0 and 1e+15"),
    (lambda: ag.drifted() & 5, "condition is 5; it must be a condition"),  # type: ignore[operator]
    (lambda: AllOf(()), "AllOf.conditions is (); it must be a list of at least one condition"),
    (lambda: AnyOf("ab"), "AnyOf.conditions is 'ab'; it must be a list"),  # type: ignore[arg-type]
    (lambda: bool(ag.drifted()), "combined with & | ~"),
    (lambda: ag.drifted() and ag.degraded(), "combined with & | ~"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_wrong_declarations(make: Callable[[], object], message: str) -> None:
    with pytest.raises(DeclarationError, match=re.escape(message)) as caught:
        make()
    assert caught.value.next
    assert len(caught.value.message) < 400


def test_the_task_follows_from_the_metric() -> None:
    assert fleet().task == "binary"
    regression = fleet(search=ag.Search("rmse"), gates=[ag.Gate("mae", maximum=3), ag.Gate("size_kb", maximum=9)])
    assert regression.task == "regression"


def test_gates_are_named_by_what_they_ask() -> None:
    gates: list[ag.Gate | ag.Approval] = [
        ag.Gate("roc_auc", minimum=0.6), ag.Gate("log_loss", minimum=0.1, maximum=0.5),
        ag.Gate("roc_auc", beats="champion"), ag.Gate("roc_auc", beats="pooled", by=0.01), ag.Approval("ann"),
    ]  # fmt: skip
    assert [gate.name for gate in gates] == [
        "roc_auc >= 0.6", "log_loss >= 0.1 and log_loss <= 0.5", "roc_auc beats champion",
        "roc_auc beats pooled by 0.01", "approval by ann",
    ]  # fmt: skip


def test_nested_conditions_of_one_kind_are_one() -> None:
    a, b, c = ag.drifted(), ag.degraded(), ag.never()
    assert (a & b) & c == a & (b & c) == AllOf((a, b, c))
    assert AnyOf((AnyOf((a, b)), c)) == a | b | c
    assert a & (b | c) == AllOf((a, AnyOf((b, c))))
