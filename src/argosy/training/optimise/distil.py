"""Distillation: a few small trees that learn what a larger model answers."""

from __future__ import annotations

from argosy.model.format import Model
from argosy.model.signature import Signature
from argosy.spec.estimator import Estimator
from argosy.training.boost import Boosted
from argosy.training.rows import Block

LEAVES = 7
_OBJECTIVES = {"binary": "cross_entropy", "regression": "regression"}
"""Of probabilities and of values: what a teacher answers is both, and no label."""


def distil(teacher: Model, rows: Block, signature: Signature, trees: int, seed: int) -> Boosted:
    """A LightGBM model of `trees` trees of seven leaves, fitted to what the teacher answers for some rows."""
    parameters = {
        "objective": _OBJECTIVES[signature.task], "n_estimators": trees, "num_leaves": LEAVES, "learning_rate": 0.3,
    }  # fmt: skip
    taught = rows._replace(labels=teacher.predict(rows.matrix))
    return Boosted(Estimator("lightgbm:LGBMRegressor", parameters), {}, taught, signature, seed)
