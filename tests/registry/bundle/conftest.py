"""Versions of both formats as bundles take them, with rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from argosy.model.export import export
from argosy.model.signature import Signature, encode, infer_signature
from argosy.registry.address import parse
from argosy.registry.bundle.content import Source, Trial

ORIGINS = {"hour": "request", "temp": "view:conditions"}
Made = tuple[Source, Trial]


def frame() -> pl.DataFrame:
    rng = np.random.default_rng(3)
    miles, temp = rng.normal(500, 200, 400), rng.normal(10, 8, 400)
    places = np.array(["JFK", "LGA", "E|WR"])[rng.integers(0, 3, 400)]
    wet = rng.random(400) > 0.5
    found = pl.DataFrame({"miles": miles, "temp": temp, "hour": rng.integers(0, 24, 400), "place": places, "wet": wet})
    late = pl.Series(miles / 200 + wet + (places == "LGA") * 2 > 4)
    lost = pl.Series(rng.random(400) < 0.1)
    return found.with_columns(late=late, temp=pl.when(~lost).then("temp"), place=pl.when(~lost).then("place"))


@pytest.fixture(scope="session")
def made() -> Callable[[str], Made]:
    """A version of a format and what it is tried on."""

    def make(format: str) -> Made:
        rows = frame()
        names = ["miles", "temp", "hour", "place", "wet"]
        signature: Signature = infer_signature(rows, names, task="binary", label="late", origins=ORIGINS)
        matrix = encode(rows, signature)
        estimator: Any = LGBMClassifier(n_estimators=20, num_leaves=7, verbose=-1, n_jobs=1)
        if format == "onnx":
            estimator = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=2000))
        estimator.fit(matrix, rows["late"].to_numpy(), **({"categorical_feature": [3]} if format == "lightgbm" else {}))
        found, data = export(estimator, signature, matrix[:20])
        assert found == format
        source = Source(
            address=parse("late/JFK@3"), format=format, model=data, signature=signature,
            at=datetime(2024, 5, 1, 12, tzinfo=UTC), datasets=("flights@4",), code="c0de",
        )  # fmt: skip
        return source, Trial(matrix, tuple(rows.select(names).tail(30).to_dicts()), "the last rows")

    return make
