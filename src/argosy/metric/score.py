"""The registry of named scores, shared by evaluation after training and by live performance."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.errors import InputError, UnknownError
from argosy.metric import binary, regression
from argosy.metric.estimate import Estimate
from argosy.metric.groups import Floats, Groups

Task = Literal["binary", "regression"]
Function = Callable[[Floats, Floats, Groups], Estimate]
BOTH, LABEL = "labels of both classes", "a positive label"


class Score(msgspec.Struct, frozen=True):
    """A named score: how it is computed, which way is better, and how its interval is made.

    `function(y, p, groups)` returns an `Estimate`. `needs` says what is missing where the value is
    NaN. `signed` scores are better the nearer they are to zero. `wilson` marks plain proportions.
    """

    name: str
    task: Task
    greater_is_better: bool
    function: Function
    needs: str = "a row"
    bounds: tuple[float, float] = (0.0, math.inf)
    wilson: bool = False
    signed: bool = False

    def gain(self, value: float, against: float) -> float:
        """How much better `value` is than `against`: positive is better, whatever the score."""
        if self.signed:
            return abs(against) - abs(value)
        return value - against if self.greater_is_better else against - value


_UNIT = (0.0, 1.0)
_ALL = (
    Score("roc_auc", "binary", True, binary.roc_auc, BOTH, _UNIT),
    Score("average_precision", "binary", True, binary.average_precision, LABEL, _UNIT),
    Score("log_loss", "binary", False, binary.log_loss),
    Score("brier", "binary", False, binary.brier, bounds=_UNIT),
    Score("accuracy", "binary", True, binary.accuracy, bounds=_UNIT, wilson=True),
    Score("precision", "binary", True, binary.precision, "a row predicted positive", _UNIT, wilson=True),
    Score("recall", "binary", True, binary.recall, LABEL, _UNIT, wilson=True),
    Score("f1", "binary", True, binary.f1, "a positive label or prediction", _UNIT),
    Score("rmse", "regression", False, regression.rmse),
    Score("mae", "regression", False, regression.mae),
    Score("mape", "regression", False, regression.mape, "labels other than 0"),
    Score("r2", "regression", True, regression.r2, "labels that differ", (-math.inf, 1.0)),
    Score("bias", "regression", False, regression.bias, bounds=(-math.inf, math.inf), signed=True),
)
SCORES = MappingProxyType({score.name: score for score in _ALL})


def known(name: str) -> Score:
    """The score of this name; raises `UnknownError` that names the nearest one."""
    found = SCORES.get(name)
    if found is None:
        near = difflib.get_close_matches(name, SCORES, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(SCORES)}"
        raise UnknownError(f"score {name!r} is not known", next=hint)
    return found


def rows(name: str, values: npt.ArrayLike, size: int | None = None) -> Floats:
    """`values` as float64 [size]; raises `InputError` when it is not one finite number a row."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or (size is not None and len(array) != size):
        expected = "one dimension" if size is None else f"{size} rows"
        raise InputError(f"{name} has shape {array.shape}, not {expected}", next="give one value for each row")
    if not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise InputError(f"{name}: {bad} of {len(array)} values are not finite", next="leave these rows out")
    return array


def estimate(score: Score, y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Run a score on checked rows; raises `InputError` for labels or probabilities out of their domain."""
    if score.task == "binary" and len(y):
        if not ((y == 0.0) | (y == 1.0)).all():
            raise InputError(f"{score.name}: labels must be 0 or 1", next="use a regression score such as rmse")
        if p.min() < 0.0 or p.max() > 1.0:
            raise InputError(
                f"{score.name}: predictions reach from {p.min():g} to {p.max():g}, beyond 0 to 1",
                next="give the probability of the positive class",
            )
    with np.errstate(divide="ignore", invalid="ignore"):
        return score.function(y, p, groups)
