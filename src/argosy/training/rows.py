"""Rows of the training set as training sees them: who has which, how they are opened, how they are split in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple, Protocol
from urllib.parse import unquote

import msgspec
import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

_MICROSECOND = timedelta(microseconds=1)


class Block(NamedTuple):
    """Some rows: `matrix` [rows x features] as the signature encodes it, `labels` [rows], `times` [rows].

    A label is 0 or 1, or the value of a regression. A time is the decision time in microseconds since 1970 UTC.
    `groups` [rows x slices] are the places of the rows' values among those of each slice, -1 for none; None for no
    slices.
    """

    matrix: Matrix
    labels: Floats
    times: Integers
    groups: Codes | None = None

    def take(self, index: npt.NDArray[np.int64] | slice) -> Block:
        """These rows only."""
        groups = None if self.groups is None else self.groups[index]
        return Block(self.matrix[index], self.labels[index], self.times[index], groups)

    def ordered(self) -> Block:
        """The rows by time, those of one moment in the order they had."""
        if len(self.times) < 2 or bool((self.times[1:] >= self.times[:-1]).all()):
            return self
        return self.take(np.argsort(self.times, kind="stable"))


class Member(msgspec.Struct, frozen=True):
    """A member's labelled rows in the training set: `rows` of them from `start`; `digest` addresses their content."""

    key: str
    start: int
    rows: int
    digest: str


class Rows(Protocol):
    """What a source gives: see `Block`."""

    @property
    def matrix(self) -> Matrix:
        """Features."""
        ...

    @property
    def labels(self) -> Floats:
        """Labels."""
        ...

    @property
    def times(self) -> Integers:
        """Decision times."""
        ...

    @property
    def groups(self) -> Codes | None:
        """Places in slices."""
        ...


class Source(Protocol):
    """A training set. It travels to workers, so it must be picklable, and small when pickled."""

    @property
    def slices(self) -> Mapping[str, Sequence[str]]:
        """The values of each slice by its name, in the order of the columns of `groups`."""
        ...

    def span(self, start: int, rows: int) -> Rows:
        """`rows` rows from row `start`."""
        ...


def read(source: Source, member: Member) -> Block:
    """A member's rows, by time."""
    found = source.span(member.start, member.rows)
    return Block(found.matrix, found.labels, found.times, found.groups).ordered()


def values(key: str) -> tuple[str, ...]:
    """The values of the key columns that a member's key holds: `JFK/AA` is `("JFK", "AA")`."""
    return tuple(unquote(part) for part in key.split("/")) if key else ()


def held_out(times: Integers, test: timedelta) -> int:
    """Where the held-out tail of time-ordered rows starts: the first row less than `test` before the last one."""
    if not len(times):
        return 0
    return int(np.searchsorted(times, times[-1] - test // _MICROSECOND, side="right"))


def folds(times: Integers, count: int) -> Iterator[tuple[slice, slice]]:
    """Forward-chained folds of time-ordered rows: (train, validate), each validated on what follows its training rows.

    The last `count / (count + 3)` of the rows are cut into `count` blocks: one fold validates on the last quarter.
    Rows of one moment stay together; a block that this leaves empty is no fold.
    """
    size = len(times)
    cuts = [size * (3 + block) // (3 + count) for block in range(count + 1)]
    edges = [int(np.searchsorted(times, times[cut], side="left")) if cut < size else size for cut in cuts]
    for start, stop in pairwise(edges):
        if 0 < start < stop:
            yield slice(0, start), slice(start, stop)
