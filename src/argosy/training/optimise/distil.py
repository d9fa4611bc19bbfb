"""Distillation: a few small trees that learn what a larger model answers."""

from __future__ import annotations

from argosy.model.ensemble import Ensemble
from argosy.model.format import Model
from argosy.model.signature import Signature
from argosy.spec.estimator import Estimator
from argosy.training.boost import Boosted
from argosy.training.learner import Learner
from argosy.training.quantile import Spread
from argosy.training.rows import Block, Floats

LEAVES = 7
_OBJECTIVES = {"binary": "cross_entropy", "regression": "regression"}
"""Of probabilities and of values: what a teacher answers is both, and no label."""


def distil(teacher: Model, rows: Block, signature: Signature, trees: int, seed: int) -> Learner:
    """A LightGBM model of `trees` trees of seven leaves, fitted to what the teacher answers for some rows.

    Where the teacher predicts quantiles there is such a model for each of them.
    """

    def taught(answers: Floats) -> Boosted:
        return Boosted(
            Estimator("lightgbm:LGBMRegressor", parameters), {}, rows._replace(labels=answers), signature, seed
        )

    parameters = {
        "objective": _OBJECTIVES[signature.task], "n_estimators": trees, "num_leaves": LEAVES, "learning_rate": 0.3,
    }  # fmt: skip
    if isinstance(teacher, Ensemble) and teacher.levels:
        return Spread([taught(each) for each in teacher.quantiles(rows.matrix).T.copy()], teacher.levels)
    return taught(teacher.predict(rows.matrix))
