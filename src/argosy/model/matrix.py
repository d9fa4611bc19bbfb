"""The matrix that models take: one row of numbers for each row of features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from argosy.errors import InputError

Matrix = npt.NDArray[np.float64]


def checked(matrix: Matrix, features: int) -> Matrix:
    """The matrix as C-contiguous float64; raises InputError unless it is rows x `features`."""
    if matrix.ndim != 2 or matrix.shape[1] != features:
        raise InputError(
            f"the matrix has shape {matrix.shape}, the model takes (rows, {features})",
            next="encode the rows with the signature that the model was trained with",
        )
    return np.ascontiguousarray(matrix, dtype=np.float64)
