"""Why rows got what they got: how much each feature moved the score of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from argosy.errors import InputError
from argosy.model.matrix import Matrix
from argosy.model.space import Space

MAX_ROWS = 1_000
"""Rows of one batch that are explained."""


class Explanation(msgspec.Struct, frozen=True):
    """Contributions to the score of each row.

    `values` are the features with what the rows hold of them: those of every version that answered. `contributions`
    [rows x features] and `base` [rows] sum to the raw score of a row, in the `space` of the version that gave it; a
    feature that it does not take contributes 0.
    """

    values: Mapping[str, Sequence[Any]]
    contributions: Matrix
    base: list[float]
    space: list[Space]

    @property
    def names(self) -> tuple[str, ...]:
        """The features, in the order of the columns."""
        return tuple(self.values)

    def told(self) -> list[dict[str, Any]]:
        """An object a row: `base`, `space`, and `contributions` by the names of the features."""
        names, rows = self.names, zip(self.base, self.space, self.contributions.tolist(), strict=True)
        return [{"base": b, "space": s, "contributions": dict(zip(names, row, strict=True))} for b, s, row in rows]


def check(rows: int) -> None:
    """Raises InputError for more rows than are explained at once."""
    if rows > MAX_ROWS:
        raise InputError(
            f"{rows:,} rows to explain, above the limit of {MAX_ROWS:,}",
            next="send them in several requests, or ask for predictions alone",
        )
