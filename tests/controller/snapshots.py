"""Snapshots made by hand: a fleet whose members need nothing, and what is changed of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

import argosy as ag
from argosy.controller import signal
from argosy.controller.observe import FleetState, Snapshot, derive
from argosy.controller.plan import watch_key
from argosy.controller.wanted import Wanted
from argosy.spec.document import Declaration, kind
from argosy.spec.estimator import Estimator
from argosy.spec.feature import FeatureView
from argosy.store import datasets
from argosy.store.codec import to_micros

NOW = datetime(2013, 6, 1, tzinfo=UTC)
FLIGHTS = ag.Dataset("flights", time="t", source=ag.Parquet("f.parquet"))
WEATHER = ag.Dataset("weather", time="t", source=ag.Parquet("w.parquet"))
CONDITIONS = FeatureView("conditions", "weather", ("origin",), "m:conditions", ttl="6h")
RETRAIN = (ag.drifted() | ag.degraded() | ag.older_than("60d")) & ag.new_rows(500)
QUIET: dict[str, Any] = {
    "version_id": 1, "version_number": 1, "target": "own", "champion_id": 1, "champion_number": 1, "failures": 0,
    signal.ROWS: 900.0, signal.TRAINED_ROWS: 800.0, signal.TRAINED: (NOW - timedelta(days=3)).timestamp(),
    signal.REVISION: 1.0, signal.JUDGED: 1.0, signal.DRIFT: 0.5, signal.DRIFT_VALUE: 0.1, signal.DEGRADED: 0.0,
}  # fmt: skip
"""What is true of a member that needs nothing."""
FRESH: dict[str, Any] = {**dict.fromkeys(QUIET), "failures": 0, signal.ROWS: 900.0}
"""A member with rows and no model."""
FAILED = FRESH | {"execution_outcome": "failed", "execution_reason": "one class"}
_COLUMNS = dict.fromkeys(("origin", "distance", "late", "t"), "Float64")
_TIMES = ("version_at", "champion_since", "rollout_at", "execution_at")
_EMPTY: dict[str, Any] = {
    "rollout_id": None, "rollout_version_id": None, "rollout_kind": None, "rollout_state": None, "rollout_share": None,
    "execution_outcome": None, "execution_reason": None,
}  # fmt: skip
_TYPES: dict[str, Any] = {
    "member_id": pl.Int64, "key": pl.String, "version_id": pl.Int64, "version_number": pl.Int64, "target": pl.String,
    "champion_id": pl.Int64, "champion_number": pl.Int64, "rollout_id": pl.Int64, "rollout_version_id": pl.Int64,
    "rollout_kind": pl.String, "rollout_state": pl.String, "rollout_share": pl.Float64, "execution_outcome": pl.String,
    "execution_reason": pl.String, "failures": pl.Int64,
    **dict.fromkeys(_TIMES, pl.Int64), **dict.fromkeys(signal.ALL, pl.Float64),
}  # fmt: skip


def fleet(**fields: Any) -> ag.Fleet:
    """A fleet over flights and the weather."""
    given: dict[str, Any] = {
        "name": "late", "spine": FLIGHTS, "by": ["origin"], "label": "late", "features": ["distance", CONDITIONS],
        "candidates": [ag.Candidate(Estimator("sklearn.linear_model:LogisticRegression"))], "pooled": True,
        "retrain": RETRAIN, "rollout": ag.Canary(bake="2h"),
    }  # fmt: skip
    return ag.Fleet(**(given | fields))


def table(members: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """The table of members; each is given by what differs from `QUIET`. Ids count from 1 in the order given."""
    rows = []
    for number, (key, given) in enumerate(members.items(), 1):
        ids = {"version_id": number, "champion_id": number, signal.JUDGED: float(number)}
        row = {**dict.fromkeys(_TYPES), **_EMPTY, **QUIET, **ids, **given, "member_id": number, "key": key}
        rows.append(row | {name: to_micros(row[name]) for name in _TIMES})
    return derive(pl.DataFrame(rows, schema=_TYPES))


def version(dataset: str, number: int) -> datasets.Version:
    """A version of a dataset."""
    return datasets.Version(
        id=number, dataset=dataset, number=number, at=NOW, known_until=None, rows=10, added=10, columns=_COLUMNS,
        digest="d", execution_id=None, cause="",
    )  # fmt: skip


def snapshot(
    members: Mapping[str, Mapping[str, Any]], given: ag.Fleet | None = None, *, state: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Snapshot:  # fmt: skip
    """A home in which everything is up to date, but for what is given of members, of the fleet's state, and of it."""
    asked = given or fleet()
    declared: list[Declaration] = [FLIGHTS, WEATHER, CONDITIONS, asked]
    wanted = {(kind(d), d.name): Wanted(d, None, "project", {}, "f", 1) for d in declared}
    made = Snapshot(
        wanted=wanted,
        versions=fields.pop("versions", {"flights": version("flights", 3), "weather": version("weather", 2)}),
        fleets={},
        materialised=fields.pop("materialised", {"conditions": 2}),
        **fields,
    )
    known: dict[str, Any] = {"revision": 1, "watched": watch_key(made, asked, NOW), "watched_at": NOW}
    made.fleets[asked.name] = FleetState(fleet=asked, table=table(members), **(known | dict(state or {})))
    return made
