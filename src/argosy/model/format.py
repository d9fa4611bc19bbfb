"""Formats of models, and what a loaded one can do. All but one are bytes that hold numbers and no code."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from argosy.errors import DeniedError, InputError
from argosy.model.matrix import Matrix
from argosy.model.space import Space

FORMATS = ("lightgbm", "xgboost", "onnx", "ensemble", "pickle")
LIMIT_BYTES = 512 * 1024 * 1024


class Model(Protocol):
    """A loaded model. Safe to call from many threads at once."""

    features: int
    bytes_in_memory: int
    space: Space

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """One value a row of a C-contiguous float64 matrix (rows x features).

        Binary: the probability of the positive class. Regression: the value. Raises InputError for
        a matrix of another width.
        """
        ...

    def explain(self, matrix: Matrix) -> Matrix:
        """How much each feature of each row moved its score: rows x (features + 1), the base value last.

        A row sums to its raw score, in the space that `space` says; the base value is the raw score to expect where
        no feature is known. Raises InputError for a matrix of another width, and for a model that explains nothing.
        """
        ...


class RowModel(Model, Protocol):
    """A model that takes a single row without a matrix, which costs it a third."""

    def predict_row(self, row: bytes) -> float:
        """As `predict` of one row, given as the bytes of its float64; raises InputError where they are not as many."""
        ...


def load(
    format: str, data: bytes, *, known: bool = False, limit: int = LIMIT_BYTES, trusted: bool = True
) -> Model:  # fmt: skip
    """Load a model of one of `FORMATS`.

    Bytes are proven harmless to the native parser first, unless `known`: set it only where the
    library itself wrote them just now in this process, or where they are a registered version's,
    proven or so written, and their content address was verified just now.

    A pickle, which is only of an estimator that a project declares trusted, is loaded and asked in a process of its
    own; where not `trusted`, it is refused.

    Raises InputError for an unknown format and for more than `limit` bytes, DeniedError for a pickle that is refused,
    CorruptError for bytes that are not a model of that format.
    """
    if len(data) > limit:
        raise InputError(
            f"a model of {len(data):,} bytes is above the limit of {limit:,}",
            next="train a smaller model, or raise the limit in the server's settings",
        )
    if format == "lightgbm":
        from argosy.model.lightgbm import LightGBM  # 20 MB of native code: only where it is used

        return LightGBM(data, known=known)
    if format == "xgboost":
        from argosy.model.xgboost import XGBoost  # the same

        return XGBoost(data, known=known)
    if format == "onnx":
        from argosy.model.onnx import Onnx  # the same

        return Onnx(data, known=known)
    if format == "ensemble":
        from argosy.model.ensemble import Ensemble  # it loads its parts by this function

        return Ensemble(data, known=known, trusted=trusted)
    if format == "pickle":
        if not trusted:
            raise DeniedError("a pickle holds code, and none is run here", next="set ARGOSY_TRUSTED=1 to run it apart")
        from argosy.model.trusted.model import Trusted  # a process of its own: the same

        return Trusted(data)
    raise InputError(f"unknown model format {format!r}", next=f"use one of {', '.join(FORMATS)}")
