"""Quantiles: which of them a fleet predicts, and what makes a library predict one."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

from argosy.spec import check
from argosy.spec.estimator import Estimator
from argosy.spec.limit import between

MIDDLE = 0.5
"""The level of the median, which stands as the prediction."""
Level = Annotated[float, between(0.001, 0.999)]
"""The share of rows whose truth lies at most at the quantile."""

_TOLD: dict[tuple[str, str], tuple[dict[str, Any], str, str]] = {
    ("lightgbm", "LGBMRegressor"): ({"objective": "quantile"}, "alpha", ""),
    ("xgboost", "XGBRegressor"): ({"objective": "reg:quantileerror"}, "quantile_alpha", ""),
    ("catboost", "CatBoostRegressor"): ({}, "loss_function", "Quantile:alpha="),
    ("sklearn", "GradientBoostingRegressor"): ({"loss": "quantile"}, "alpha", ""),
    ("sklearn", "HistGradientBoostingRegressor"): ({"loss": "quantile"}, "quantile", ""),
    ("sklearn", "QuantileRegressor"): ({}, "quantile", ""),
}
"""By package and class: the parameters of all levels, that of the level, and what stands before the level there."""


def column(level: float) -> str:
    """What an answer calls the quantile: `q90` for 0.9, `q2.5` for 0.025."""
    return f"q{round(100 * level, 6):g}"


def ordered(field: str, levels: object) -> tuple[float, ...]:
    """Levels in ascending order. Raises DeclarationError for a list without the median, for one alone and for twins."""
    found: tuple[Any, ...] = check.sequence(field, levels)
    for each in found:
        check.between(field, each, 0.001, 0.999)
    made = tuple(sorted(map(float, found)))
    if made and (len(made) < 2 or MIDDLE not in made):
        raise check.fail(
            field, found, "several levels, the median among them", f"write {sorted({*made, 0.1, 0.5, 0.9})}"
        )
    if any(low == high for low, high in pairwise(made)):
        raise check.fail(field, found, "levels that differ", f"write {sorted(set(made))}")
    return made


def aimed(estimator: Estimator, level: float) -> dict[str, Any] | None:
    """The parameters that make an estimator predict the quantile of a level; None for one known to predict none.

    One of a package that is not known here is taken to have a parameter `quantile`.
    """
    package = estimator.path.partition(":")[0].partition(".")[0]
    if (package, estimator.name) not in _TOLD:
        return None if package in {known for known, _ in _TOLD} else {"quantile": level}
    always, name, before = _TOLD[package, estimator.name]
    return {**always, name: f"{before}{level:g}" if before else level}
