"""A store with a fleet of three members and their models, as training leaves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression

from argosy.model import ensemble
from argosy.model.export import export
from argosy.model.matrix import Matrix
from argosy.model.signature import Feature, Signature
from argosy.serving.app import App, Settings
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.recorder import Recorder
from argosy.serving.score import Scorer
from argosy.serving.snapshot import Source
from argosy.spec import document
from argosy.spec.dataset import Dataset
from argosy.spec.feature import FeatureView, request_features
from argosy.spec.fleet import Fleet, Label
from argosy.spec.search import Candidate
from argosy.spec.source import Parquet
from argosy.store import Store, aliases, artifacts, datasets, declarations, executions, members, rollouts, versions
from tests.serving.served import TOKEN, Served, Weather

NOW = datetime(2013, 4, 1, 12, tzinfo=UTC)
SIGNATURE = Signature(
    (
        Feature("distance", "number"),
        Feature("hour", "number", origin="request"),
        Feature("temp", "number", origin="view:conditions"),
        Feature("wind", "number", origin="view:conditions"),
        Feature("dest", "category", ("BOS", "LAX", "MIA")),
    ),
    "binary",
    "late",
)
FLIGHTS = Dataset("flights", time="departure", key="flight", source=Parquet("flights.parquet"))
FLEET = Fleet(
    "late-arrival",
    spine="flights",
    by=("origin", "carrier"),
    label=Label("late"),
    features=(
        "distance",
        "dest",
        request_features(hour=pl.col("departure").dt.hour()),
        FeatureView("conditions", "weather", ("origin",), "flights:conditions", ttl="6h"),
    ),
    candidates=(Candidate(LogisticRegression()),),
    pooled=True,
    lead="1h",
)
COLUMNS = {
    "flight": "String",
    "origin": "String",
    "carrier": "String",
    "departure": "Datetime(time_unit='us', time_zone='UTC')",
    "distance": "Int64",
    "dest": "String",
}


def matrix(rows: int = 300) -> Matrix:
    """Rows of SIGNATURE."""
    rng = np.random.default_rng(11)
    found = rng.normal(size=(rows, 5))
    found[:, 1], found[:, 4] = rng.integers(0, 24, rows), rng.integers(0, 3, rows)
    return found


def trained(seed: int) -> LGBMClassifier:
    """A classifier that differs by seed."""
    rows = matrix()
    late = rows[:, 0] + np.random.default_rng(seed).normal(size=len(rows)) > 0
    return LGBMClassifier(n_estimators=4, num_leaves=4, verbose=-1, n_jobs=1).fit(rows, late)


class Fixture(msgspec.Struct, frozen=True):
    """The store, and the estimator behind each version's address."""

    store: Store
    estimators: dict[str, LGBMClassifier]

    def add_version(
        self, key: str, seed: int, *, champion: bool = True, share: float | None = None, kind: str = "canary",
        metrics: dict[str, float] | None = None, levels: tuple[float, ...] = (), made: tuple[str, bytes] | None = None,
    ) -> str:  # fmt: skip
        """Record a version of a member as champion, or under a rollout with `share`; returns its address.

        Its model is that of the seed, unless it is `made`: a format and bytes.
        """
        estimator = trained(seed)
        format, data = made or export(estimator, SIGNATURE, matrix(2))
        if levels:
            parts = [export(trained(seed + place), SIGNATURE, matrix(2)) for place in range(len(levels))]
            format, data = ensemble.FORMAT, ensemble.pack(ensemble.Quantiles(levels), parts)
        blobs = self.store.blobs
        assert blobs.put(SIGNATURE.to_json()) == SIGNATURE.digest
        slots = blobs.pack([data])
        with self.store.write() as tx:
            member = members.ensure(tx, FLEET.name, [key], NOW)[key]
            artifacts.add(tx, artifacts.of_slots(slots, "model", NOW))
            run = executions.NewExecution(
                key=f"{key}{seed}", kind="train", subject=key, started_at=NOW, ended_at=NOW, member_id=member
            )
            [execution] = executions.record(tx, [run])
            new = versions.NewVersion(
                fleet=FLEET.name, member_id=member, key=f"{key}{seed}", artifact=slots[0].digest, format=format,
                execution_id=execution, at=NOW, rows=300, signature=SIGNATURE.digest,
                metrics=metrics or {},
            )  # fmt: skip
            [version] = versions.add(tx, [new])
            who: dict[str, Any] = {"fleet": FLEET.name, "member_id": member, "at": NOW}
            if champion:
                move = aliases.Move(alias="champion", target="own", version_id=version.id, actor="test", **who)
                aliases.move(tx, [move])
            if share is not None:
                state = rollouts.NewRollout(version_id=version.id, kind=kind, state="started", share=share, **who)
                rollouts.record(tx, [state])
        address = f"{FLEET.name}/{key}@{version.number}"
        self.estimators[address] = estimator
        return address


@pytest.fixture
def fleet(home: Path) -> Iterator[Fixture]:
    """JFK/AA and JFK/B6 with champions, LGA/UA waiting for one, and a pooled model."""
    with Store.open(home) as store:
        yield planted(store)


def planted(store: Store) -> Fixture:
    """The same, in a store that is empty."""
    view = FeatureView("conditions", "weather", ("origin",), "flights:conditions", ttl="6h")
    weather = Dataset("weather", time="observed", source=Parquet("weather.parquet"))
    with store.write() as tx:
        declarations.add(tx, [declared(each) for each in (FLIGHTS, weather, view, FLEET)])
        datasets.commit(tx, datasets.NewVersion(dataset="flights", at=NOW, parts=[], columns=COLUMNS))
        members.ensure(tx, FLEET.name, ["LGA/UA"], NOW)
    fixture = Fixture(store, {})
    for seed, key in enumerate(["*", "JFK/AA", "JFK/B6"]):
        fixture.add_version(key, seed)
    return fixture


@pytest.fixture
def served(fleet: Fixture, tmp_path: Path) -> Iterator[Served]:
    cache = ModelCache(blob_loader(fleet.store.blobs))
    recorder = Recorder(tmp_path / "predictions", lambda: NOW)
    weather = Weather()
    scorer = Scorer(cache, lambda: NOW, lambda endpoint: weather, recorder)
    app = App(Settings(TOKEN, body_limit=100_000), Source(fleet.store), scorer, cache, recorder)
    yield Served(app, fleet, weather, recorder, tmp_path / "predictions")
    recorder.close()


def declared(each: document.Declaration) -> declarations.NewDeclaration:
    """A declaration as `argosy apply` records it."""
    body = msgspec.json.decode(document.encode(each))
    kind = document.kind(each)
    fingerprint = document.fingerprint(each)
    return declarations.NewDeclaration(kind=kind, name=each.name, fingerprint=fingerprint, body=body, at=NOW, actor="t")


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Wait, at most ten seconds, until something is so."""
    import time

    def wait(check: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not check():
            assert time.monotonic() < end, "it never became so"
            time.sleep(0.01)

    return wait
