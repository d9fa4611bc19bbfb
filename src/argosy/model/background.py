"""The background that an ONNX graph carries in its metadata: rows that its answers are explained against.

They are no rows that it was trained on: each stands for at least `LEAST` of these that were answered alike, and has
their mean of a number and the most frequent of other values (microaggregation: Domingo-Ferrer and Mateo-Sanz,
"Practical Data-Oriented Microaggregation for Statistical Disclosure Control", IEEE TKDE 14, 2002). So nothing that is
known of one row alone leaves with a model's background.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from argosy.errors import CorruptError
from argosy.model.matrix import Matrix
from argosy.model.signature import Kind

BACKGROUND = "argosy.background"
"""The name of the entry."""
ROWS, LEAST = 16, 5


def typical(rows: Matrix, scores: npt.NDArray[np.float64], kinds: Sequence[Kind]) -> Matrix:
    """At most `ROWS` rows that stand for some, of which each has a score and each column is of a kind.

    What fewer than `LEAST` rows of a group know is that of all rows or, where these are not enough, 0. A number is
    missing where it is in most rows of a group.
    """
    if len(rows) < LEAST:
        return np.zeros((1, rows.shape[1]))
    groups = np.array_split(rows[np.argsort(scores, kind="stable")], min(ROWS, len(rows) // LEAST))
    return np.column_stack([_column(place, kind, rows, groups) for place, kind in enumerate(kinds)])


def _column(place: int, kind: Kind, rows: Matrix, groups: Sequence[Matrix]) -> npt.NDArray[np.float64]:
    whole = _middle(rows[:, place], kind, 0.0)
    return np.array([_middle(group[:, place], kind, whole) for group in groups])


def _middle(values: npt.NDArray[np.float64], kind: Kind, instead: float) -> float:
    known = values[np.isfinite(values)]
    if 2 * len(known) < len(values):
        return float("nan")
    if len(known) < LEAST:
        return instead
    if kind == "number":
        return float(known.mean())
    found, counts = np.unique(known, return_counts=True)
    return float(found[counts.argmax()])


def packed(rows: Matrix) -> str:
    """Rows in float32, as the entry holds them."""
    return b64encode(rows.astype("<f4").tobytes()).decode()


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
