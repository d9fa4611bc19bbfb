"""The space that contributions add up in: that of a model's raw score, before the last step to its answer."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from argosy.errors import CorruptError

Floats = npt.NDArray[np.float64]
Space = Literal["value", "log_odds", "log", "root", "raw"]
"""`value`: the answer itself. `log_odds`: of a probability. `log`: the natural logarithm of the answer. `root`: its
square root, with its sign. `raw`: the model's own score, of which only the model knows what becomes."""
_VALUE = frozenset({"regression", "regression_l1", "huber", "fair", "quantile", "mape", "custom"})
_LOG = frozenset({"poisson", "gamma", "tweedie"})
_CERTAIN = 1e-7


def of_objective(objective: str) -> tuple[Space, float]:
    """The space of LightGBM's raw score for an objective as its text has it, and what a raw score is multiplied by.

    Raises CorruptError for an objective that states no number where it should.
    """
    name, *options = objective.split() or ["custom"]
    if name in _VALUE:
        return ("root" if "sqrt" in options else "value"), 1.0
    if name in _LOG:
        return "log", 1.0
    if name in ("binary", "cross_entropy"):
        slope = next((each.partition(":")[2] for each in options if each.startswith("sigmoid:")), "1")
        return "log_odds", _number(slope)
    return "raw", 1.0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise CorruptError(
            f"these bytes are not a LightGBM text model: its sigmoid is {text[:20]!r}",
            next="register the version again",
        ) from error


def log_odds(probability: Floats) -> Floats:
    """The log-odds of probabilities; those nearer to 0 or 1 than a ten-millionth count as that near."""
    bounded = np.clip(probability, _CERTAIN, 1.0 - _CERTAIN)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))
