"""Random declarations, each valid: what properties of the whole vocabulary are tested with."""

from __future__ import annotations

import polars as pl
from hypothesis import strategies as st

import argosy as ag
from argosy.spec.condition import Condition
from argosy.spec.document import Declaration
from argosy.spec.estimator import Estimator
from argosy.spec.expression import Expression
from argosy.spec.feature import FeatureView, Spine, ViewReference
from argosy.spec.feature import RequestFeatures as Request
from argosy.spec.metric import CLASSIFICATION, COST

names = st.from_regex(r"[a-z][a-z0-9_.-]{0,10}", fullmatch=True)
texts = st.text(st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="\xa0"), max_size=12)
columns = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
numbers = st.floats(-1e9, 1e9) | st.integers(-1000, 1000)
durations = st.builds(
    lambda n, unit: f"{n}{unit}", st.integers(1, 500), st.sampled_from(["ms", "s", "m", "h", "d", "w"])
)
bounds = st.tuples(numbers, numbers).map(sorted)
metrics = st.sampled_from(sorted(CLASSIFICATION))
scalars = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | texts
unique_columns = st.lists(columns, max_size=3, unique=True)

conditions: st.SearchStrategy[Condition] = st.recursive(
    st.one_of(
        st.builds(ag.drifted, st.none() | st.floats(0, 5)),
        st.builds(ag.degraded),
        st.builds(ag.older_than, durations),
        st.builds(ag.new_rows, st.integers(0, 10_000)),
        st.builds(ag.never),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: p[0] & p[1]),
        st.tuples(inner, inner).map(lambda p: p[0] | p[1]),
        inner.map(lambda c: ~c),
    ),
    max_leaves=8,
)

gates = st.one_of(
    st.builds(lambda m, b: ag.Gate(m, minimum=b[0], maximum=b[1]), metrics | st.sampled_from(sorted(COST)), bounds),
    st.builds(lambda m, v: ag.Gate(m, minimum=v), metrics, numbers),
    st.builds(
        lambda m, r, by: ag.Gate(m, beats=r, by=by), metrics, st.sampled_from(["champion", "pooled"]), st.floats(0, 1)
    ),
    st.builds(ag.Approval, texts),
)
spaces = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(10, 99), st.booleans()).map(lambda a: ag.Int(*a)),
    st.tuples(st.floats(0.1, 9), st.integers(10, 99), st.booleans()).map(lambda a: ag.Float(*a)),
    st.lists(scalars, min_size=1, max_size=4).map(ag.Choice),
)
estimators = st.builds(
    Estimator,
    st.sampled_from(["lightgbm.sklearn:LGBMClassifier", "sklearn.linear_model:LogisticRegression", "mine:A.B"]),
    st.dictionaries(
        columns, scalars | scalars.map(lambda s: {"$tuple": [s, {"$function": "numpy:log1p"}]}), max_size=3
    ),
)
candidates = st.lists(
    st.builds(ag.Candidate, estimators, st.dictionaries(columns, spaces, max_size=2), columns),
    min_size=1, max_size=3, unique_by=lambda c: c.name,
)  # fmt: skip
expressions = st.sampled_from(
    [pl.col("t").dt.hour(), pl.col("a") + 1, pl.col("a").is_in(["x", "y"]), pl.when(pl.col("b") > 0).then(1)]
).map(lambda e: Expression.of(e, "expression"))
features = st.lists(
    st.one_of(
        st.builds(Spine, columns.map("s".__add__)),
        st.builds(ViewReference, names),
        st.builds(Request, st.dictionaries(columns.map("r".__add__), expressions, min_size=1, max_size=1)),
    ),
    min_size=1, max_size=4, unique_by=str,
).filter(lambda found: len({n for f in found for n in getattr(f, "expressions", {})}) == sum(isinstance(f, Request) for f in found))  # fmt: skip # noqa: E501

specs = st.builds(
    ag.Column,
    type=st.none() | st.sampled_from(["Float64", "String"]),
    nullable=st.booleans(),
    minimum=st.none() | numbers,
    allowed=st.none() | st.lists(texts | st.integers(0, 9) | st.booleans(), max_size=3),
    presence=st.floats(0, 1),
    on_failure=st.sampled_from(["block", "quarantine", "warn"]),
)
references = st.builds(
    ag.Reference,
    columns=st.lists(columns, min_size=2, max_size=2, unique=True),
    dataset=names.map("the-".__add__).map(lambda name: name[:63]),
    to=st.just(()) | st.lists(columns, min_size=2, max_size=2, unique=True),
    on_failure=st.sampled_from(["block", "quarantine", "warn"]),
)
contracts = st.builds(
    ag.Contract,
    columns=st.dictionaries(columns, specs, max_size=3),
    unique=unique_columns,
    rows=st.none() | st.tuples(st.integers(0, 9), st.integers(10, 99)),
    freshness=st.none() | durations,
    rules=st.lists(st.builds(ag.Rule, names, expressions), max_size=2, unique_by=lambda rule: rule.name),
    evolution=st.sampled_from(["record", "block"]),
    references=st.lists(references, max_size=2, unique_by=str),
)
sources = st.one_of(
    st.builds(ag.Parquet, columns),
    st.builds(ag.Csv, columns, separator=st.sampled_from(",;|"), nulls=st.lists(texts, max_size=2)),
    st.just(ag.Sql("postgresql://user:${PASSWORD}@host/db", "select 1", cursor="t")),
    st.just(ag.Function("module:rows")),
)
datasets = st.builds(
    ag.Dataset, names, time=columns, source=sources, key=unique_columns, known=st.none() | columns, owner=texts,
    description=texts, contract=st.none() | contracts,
    tags=st.dictionaries(columns, st.sampled_from(["pii", "sensitive"]), max_size=2),
)  # fmt: skip
views = st.builds(
    FeatureView, names, names, columns.map(lambda c: (c,)), st.just("module:view"), st.none() | durations,
    st.none() | durations, texts,
)  # fmt: skip
monitors = st.one_of(
    st.builds(ag.Drift, st.sampled_from(["psi", "js", "ks"]), st.floats(0, 9), durations),
    st.builds(ag.Quality, st.floats(0, 1), durations),
    st.builds(ag.Skew, st.floats(0, 1), durations, st.integers(1, 1000)),
    st.builds(ag.Attribution, st.floats(0, 1), durations, st.integers(60, 1000), st.integers(1, 60)),
    st.builds(ag.Performance, metrics, drop=st.floats(0, 1), window=durations),
)
steps = st.lists(st.floats(0.01, 0.9), min_size=1, max_size=4, unique=True).map(sorted)
rollouts = (
    st.builds(ag.Immediate)
    | st.builds(ag.Canary, st.floats(0.01, 0.9), durations, st.none() | metrics)
    | st.builds(ag.Canary, steps=steps, quality=st.none() | st.floats(0.0, 1.0))
    | st.builds(ag.Shadow, st.floats(0.01, 1.0), durations, st.none() | metrics)
    | st.builds(ag.ABTest, st.floats(0.01, 0.9), by=st.none() | columns, alpha=st.floats(0.01, 0.4), longest=durations)
)
fleets = st.builds(
    ag.Fleet, names, spine=names, label=st.builds(ag.Label, columns, st.none() | columns), features=features,
    candidates=candidates, by=unique_columns, search=st.builds(ag.Search, metrics, st.integers(1, 99)),
    split=st.builds(ag.TimeSplit, durations), pooled=st.booleans(),
    gates=st.lists(gates, max_size=3, unique_by=lambda gate: gate.name if isinstance(gate, ag.Gate) else ag.Approval),
    rollout=rollouts,
    monitors=st.lists(monitors, max_size=2), retrain=conditions, lead=st.none() | durations,
    history=st.none() | durations, owner=texts,
)  # fmt: skip
declarations: st.SearchStrategy[Declaration] = st.one_of(datasets, views, fleets)
