"""Why rows of a chunk have no prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

Mask = npt.NDArray[np.bool_]


def mask(rows: int, places: Sequence[int] | npt.NDArray[np.integer]) -> Mask:
    """Which of so many rows are those at some places."""
    found = np.zeros(rows, np.bool_)
    found[places] = True
    return found


class Reasons:
    """One reason a row at most: the first that was given counts."""

    def __init__(self, rows: int) -> None:
        self._places = np.full(rows, -1, np.int32)
        self._texts: list[str] = []

    @property
    def open(self) -> Mask:
        """The rows that have no reason."""
        return self._places < 0

    def add(self, rows: Mask, why: str) -> None:
        """Give a reason to those of some rows that have none."""
        fresh = rows & self.open
        if fresh.any():
            self._places[fresh] = len(self._texts)
            self._texts.append(why)

    def add_each(self, rows: Mask, whys: Sequence[str], places: npt.NDArray[np.integer]) -> None:
        """Give those of some rows that have none the reason at their place."""
        fresh = rows & self.open
        self._places[fresh] = places[fresh] + len(self._texts)
        self._texts += whys

    def drop(self, rows: Mask) -> None:
        """Take the reasons of some rows back: somebody else is asked."""
        self._places[rows] = -1

    def column(self) -> pl.Series:
        """The reasons as text, null where there is none."""
        places = pl.Series(self._places)
        return pl.Series("reason", self._texts, pl.String()).gather(places.set(places < 0, None))
