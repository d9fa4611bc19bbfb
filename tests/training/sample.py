"""Small fleets: rows that can be learned from, a training set in memory, declarations over it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import numpy as np

from argosy.model.signature import Feature, Signature
from argosy.spec.estimator import Estimator
from argosy.spec.fleet import Fleet
from argosy.spec.search import Candidate
from argosy.training.rows import Block, Member

DAY = 86_400_000_000
NOW = datetime(2025, 6, 1, tzinfo=UTC)
START = 1_735_689_600_000_000
FEATURES = ("a", "b", "c", "place")
PLACES = ("north", "south", "west")
SIGNATURE = Signature(
    (*(Feature(name, "number") for name in FEATURES[:3]), Feature("place", "category", PLACES)), "binary", "late"
)
BOOSTED = Candidate(Estimator("lightgbm:LGBMClassifier", {"n_estimators": 15, "num_leaves": 7}), name="boosted")
LINEAR = Candidate(Estimator("sklearn.linear_model:LogisticRegression"), name="linear")


class Memory:
    """A training set in memory, which pickles whole."""

    def __init__(self, parts: dict[str, Block], slices: dict[str, tuple[str, ...]] | None = None) -> None:
        columns = list(zip(*parts.values(), strict=True))
        self.rows = Block(*(np.concatenate(each) for each in columns if each[0] is not None))
        self.slices = dict(slices or {})
        self.members: list[Member] = []
        start = 0
        for key, part in parts.items():
            digest = hashlib.sha256(b"".join(np.ascontiguousarray(each).tobytes() for each in part[:3])).hexdigest()
            self.members.append(Member(key, start, len(part.labels), digest))
            start += len(part.labels)

    def span(self, start: int, rows: int) -> Block:
        return self.rows.take(slice(start, start + rows))


def some(seed: int, rows: int = 400, days: float = 60, slope: float = 1.5) -> Block:
    """Rows over `days` days whose label leans on `a` and on the place, with some values missing."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, 4))
    matrix[:, 3] = rng.integers(0, 3, rows)
    labels = (slope * matrix[:, 0] + (matrix[:, 3] == 1) + rng.logistic(size=rows) > 0).astype(np.float64)
    matrix[rng.random((rows, 4)) < 0.05] = np.nan
    return Block(matrix, labels, START + np.linspace(0, days * DAY, rows).astype(np.int64))


def fleet(**fields: Any) -> Fleet:
    """A fleet by airport."""
    given: dict[str, Any] = {
        "name": "late-arrival", "spine": "flights", "label": "late", "features": FEATURES, "by": ("airport",),
        "candidates": (BOOSTED,),
    }  # fmt: skip
    return Fleet(**(given | fields))
