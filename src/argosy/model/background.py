"""Rows that an ONNX graph carries in its metadata: what its answers are explained against."""

from __future__ import annotations

from base64 import b64decode, b64encode

import numpy as np

from argosy.errors import CorruptError
from argosy.model.matrix import Matrix

BACKGROUND = "argosy.background"
"""The name of the entry."""
ROWS = 16


def packed(sample: Matrix) -> str:
    """At most `ROWS` of some rows, evenly spaced, in float32."""
    kept = np.linspace(0, len(sample) - 1, min(len(sample), ROWS)).round().astype(np.int64)
    return b64encode(sample[kept].astype("<f4").tobytes()).decode()


def unpacked(text: str, features: int) -> Matrix:
    """The rows that `packed` wrote. Raises CorruptError where they are not of so many features, or none."""
    try:
        rows = np.frombuffer(b64decode(text, validate=True), dtype="<f4").reshape(-1, features)
    except ValueError as error:
        raise CorruptError(
            f"the background of an ONNX model is not rows of {features} features", next="train the version again"
        ) from error
    if not len(rows):
        raise CorruptError("the background of an ONNX model has no rows", next="train the version again")
    return np.ascontiguousarray(rows, dtype=np.float64)
