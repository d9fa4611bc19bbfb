"""Rows that belong to groups, so that one pass of numpy serves one member or ten thousand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Groups:
    """`count` groups over the rows of a score; without codes, all rows are one group.

    `total` sums per group; `spread` gives every row its group's value (for one group an array of
    length 1, which broadcasts over the rows).
    """

    __slots__ = ("codes", "count", "rows")

    def __init__(self, size: int, codes: Integers | None = None, count: int = 1) -> None:
        self.codes = codes
        self.count = count
        self.rows: Floats = (
            np.array([float(size)]) if codes is None else np.bincount(codes, minlength=count).astype(np.float64)
        )

    def total(self, values: Floats) -> Floats:
        """Sum `values` [rows] per group: [count]."""
        if self.codes is None:
            return np.add.reduce(values, keepdims=True)
        return np.asarray(np.bincount(self.codes, weights=values, minlength=self.count), dtype=np.float64)

    def spread(self, values: Floats) -> Floats:
        """The value of each row's group: [rows], or [1] when there is one group only."""
        return values if self.codes is None else values[self.codes]


class Ranking:
    """Rows sorted by group, then prediction, with ties gathered into blocks.

    `order` sorts the rows; in that order `block` is the tie block of each row, `start`/`stop` the
    bounds of each block and `origin` the first row of each block's group.
    """

    __slots__ = ("block", "order", "origin", "start", "stop")

    def __init__(self, predictions: Floats, groups: Groups) -> None:
        codes = groups.codes
        self.order = np.argsort(predictions) if codes is None else np.lexsort((predictions, codes))
        ranked = predictions[self.order]
        new = np.empty(len(ranked), dtype=np.bool_)
        new[:1] = True
        np.not_equal(ranked[1:], ranked[:-1], out=new[1:])
        if codes is not None:
            member = codes[self.order]
            new[1:] |= member[1:] != member[:-1]
        self.block = np.cumsum(new) - 1
        self.start = np.flatnonzero(new)
        self.stop = np.append(self.start[1:], len(ranked))
        if codes is None:
            self.origin = np.zeros(1, dtype=np.int64)
        else:
            first = np.cumsum(groups.rows).astype(np.int64) - groups.rows.astype(np.int64)
            self.origin = first[member[self.start]]


def running(values: Floats) -> Floats:
    """Sums of the first 0, 1, ... n of `values`: [n + 1]."""
    sums = np.empty(len(values) + 1)
    sums[0] = 0.0
    np.cumsum(values, out=sums[1:])
    return sums
