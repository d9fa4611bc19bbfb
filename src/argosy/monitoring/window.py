"""A window: what a whole fleet saw, said and was told over one span of time, as counts that add up."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.errors import ConflictError, CorruptError, UnknownError
from argosy.monitoring.bins import Bins

Counts = npt.NDArray[np.uint32]
SUMS = ("log_loss", "square", "weight")


class _Header(msgspec.Struct, frozen=True):
    digest: str
    members: tuple[str, ...]
    widths: tuple[int, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """One row per member, members sorted by key.

    - `counts` [members x cells]: the cells of all features side by side (`Bins.offsets`).
    - `predictions` [members x prediction cells], all rows; `positives` and `negatives` the same for rows with
      a label of 1 and 0 (a binary fleet; no columns otherwise).
    - `rows` [members].
    - `sums` [members x 3], named by `SUMS`: over rows with a label the log-loss (nats, binary only) and the squared
      error, over all rows the square of their weight.

    A row that was drawn as one in so many counts as so many, in all of these. Counts are exact up to 4,294,967,295 rows
    a member; sums are float64 and exact to rounding.
    """

    digest: str
    members: tuple[str, ...]
    counts: Counts
    predictions: Counts
    positives: Counts
    negatives: Counts
    rows: Counts
    sums: npt.NDArray[np.float64]

    @classmethod
    def empty(cls, bins: Bins, members: Sequence[str] = ()) -> Windows:
        """Windows of no rows: the identity of `merge`."""
        wide, fine = int(bins.offsets[-1]), bins.prediction.cells
        both = fine if bins.task == "binary" else 0
        return _blank(bins.digest, tuple(sorted(set(members))), (wide, fine, both))

    @classmethod
    def from_bytes(cls, data: bytes) -> Windows:
        """Read what `to_bytes` wrote; raises `CorruptError` when the bytes are not that."""
        try:
            size = int.from_bytes(data[:4], "little")
            header = msgspec.msgpack.decode(data[4 : 4 + size], type=_Header)
            parts, at = [], 4 + size
            for length in header.lengths:
                parts.append(zlib.decompress(data[at : at + length]))
                at += length
            count = len(header.members)
            tables = [_unpack(part, count, width) for part, width in zip(parts, header.widths, strict=False)]
            counts, predictions, positives, negatives, rows = tables
            sums = np.frombuffer(parts[-1], dtype="<f8").reshape(count, len(SUMS))
        except (msgspec.DecodeError, zlib.error, ValueError) as error:
            raise CorruptError(f"{len(data)} bytes are not a window: {error}", next="count the span again") from error
        return cls(header.digest, header.members, counts, predictions, positives, negatives, rows[:, 0], sums)

    def to_bytes(self) -> bytes:
        """The windows, compressed; equal windows give equal bytes."""
        tables = [self.counts, self.predictions, self.positives, self.negatives, self.rows[:, None]]
        parts = [zlib.compress(_planes(table), 1) for table in tables]
        parts.append(zlib.compress(np.ascontiguousarray(self.sums, dtype="<f8").tobytes(), 1))
        widths = tuple(table.shape[1] for table in tables)
        header = msgspec.msgpack.encode(_Header(self.digest, self.members, widths, tuple(len(part) for part in parts)))
        return b"".join((len(header).to_bytes(4, "little"), header, *parts))

    @property
    def nbytes(self) -> int:
        """The memory that the counts take."""
        return sum(table.nbytes for table in (*_tables(self), self.sums))

    def sum(self, name: str) -> npt.NDArray[np.float64]:
        """One of the `SUMS` per member: [members]."""
        return np.asarray(self.sums[:, SUMS.index(name)])

    @property
    def worth(self) -> npt.NDArray[np.float64]:
        """How much a row tells, of each member: 1 where all rows were kept, less where some stand for others [members].

        That many rows drawn alike tell as much as these (Kish, "Survey Sampling", 1965, section 11.7).
        """
        squares = self.sum("weight")
        return np.where(squares > 0.0, self.rows / np.where(squares > 0.0, squares, 1.0), 1.0)

    def places(self, members: Sequence[str]) -> npt.NDArray[np.int64]:
        """The row of each member; raises `UnknownError` for one that is not here."""
        index = {member: row for row, member in enumerate(self.members)}
        missing = [member for member in members if member not in index]
        if missing:
            raise UnknownError(
                f"{len(missing)} of {len(members)} members have no window, such as {missing[0]!r}",
                next="select members that were counted",
            )
        return np.array([index[member] for member in members], dtype=np.int64)

    def slice(self, members: Sequence[str]) -> Windows:
        """The windows of some members; raises `UnknownError` for one that is not here."""
        wanted = tuple(sorted(set(members)))
        rows = self.places(wanted)
        counts, predictions, positives, negatives, each = (table[rows] for table in _tables(self))
        return Windows(self.digest, wanted, counts, predictions, positives, negatives, each, self.sums[rows])

    def together(self, member: str = "*") -> Windows:
        """All members added up, as one member: the fleet's own window."""
        tables = (np.add.reduce(table, axis=0, dtype=np.uint32, keepdims=True) for table in _tables(self)[:-1])
        counts, predictions, positives, negatives = tables
        rows = np.add.reduce(self.rows, dtype=np.uint32, keepdims=True)
        sums = np.add.reduce(self.sums, axis=0, keepdims=True)
        return Windows(self.digest, (member,), counts, predictions, positives, negatives, rows, sums)

    def with_total(self, member: str = "*") -> Windows:
        """These windows, and all of them added up as `member`: what was counted under that name is part of the sum."""
        others = self.slice([each for each in self.members if each != member]) if member in self.members else self
        return merge(others, self.together(member))


def merge(first: Windows, *others: Windows) -> Windows:
    """Add windows up, member by member: over time, slices or replicas. Members are those of any.

    Commutative and associative, with `Windows.empty` as identity (sums to rounding). Raises `ConflictError` when
    the windows were counted on different bins.
    """
    windows = (first, *others)
    foreign = {each.digest for each in windows} - {first.digest}
    if foreign:
        raise ConflictError(
            f"windows counted on bins {first.digest[:12]} and {min(foreign)[:12]} cannot be added",
            next="count the rows of both spans on the same bins",
        )
    members = tuple(sorted(set().union(*(each.members for each in windows))))
    widths = (first.counts.shape[1], first.predictions.shape[1], first.positives.shape[1])
    whole = _blank(first.digest, members, widths)
    for each in windows:
        rows = whole.places(each.members)
        for table, more in zip(_tables(whole), _tables(each), strict=True):
            table[rows] += more
        whole.sums[rows] += each.sums
    return whole


def _tables(windows: Windows) -> tuple[Counts, Counts, Counts, Counts, Counts]:
    return windows.counts, windows.predictions, windows.positives, windows.negatives, windows.rows


def _blank(digest: str, members: tuple[str, ...], widths: tuple[int, int, int]) -> Windows:
    size = len(members)
    wide, fine, both = (np.zeros((size, width), dtype=np.uint32) for width in widths)
    rows = np.zeros(size, dtype=np.uint32)
    return Windows(digest, members, wide, fine, both, both.copy(), rows, np.zeros((size, len(SUMS))))


def _planes(table: Counts) -> bytes:
    """Bytes of equal significance side by side: small counts then compress to almost nothing."""
    return np.ascontiguousarray(table, dtype="<u4").view(np.uint8).reshape(-1, 4).T.tobytes()


def _unpack(data: bytes, rows: int, width: int) -> Counts:
    planes = np.frombuffer(data, dtype=np.uint8).reshape(4, rows * width)
    return np.ascontiguousarray(planes.T).view("<u4").reshape(rows, width).astype(np.uint32, copy=False)
