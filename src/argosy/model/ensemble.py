"""Several models that answer as one: blended, in a cascade, or one a quantile. Their bytes lie in one file.

The file is a mark, the length of what follows it (four bytes, little-endian), JSON of the rule and of each part's
format and length, then the parts.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.errors import CorruptError
from argosy.model.format import Model, load
from argosy.model.matrix import Matrix, checked
from argosy.model.space import Space, log_odds

FORMAT = "ensemble"
MEDIAN = 0.5
_MARK = b"argosy ensemble 1\n"
_LENGTH = struct.Struct("<I")
_MOST = 64
_LEVELS = 3
_MEMORY = 2_000

Floats = npt.NDArray[np.float64]


class Blend(msgspec.Struct, frozen=True, tag="blend", tag_field="rule"):
    """The weighted mean of the parts in the space that their contributions add up in: log-odds, or the value.

    In log-odds it is the logarithmic opinion pool (Genest and Zidek, Statistical Science 1, 1986). Weights are positive
    and sum to one.
    """

    weights: tuple[float, ...]


class Cascade(msgspec.Struct, frozen=True, tag="cascade", tag_field="rule"):
    """The first part answers where its answer is at most `low` or at least `high`, the second part elsewhere.

    After Viola and Jones, "Rapid object detection using a boosted cascade of simple features" (CVPR 2001).
    """

    low: float
    high: float


class Quantiles(msgspec.Struct, frozen=True, tag="quantiles", tag_field="rule"):
    """One part for each of some levels, in ascending order. A row's answers are put in order; the median is the answer.

    After Chernozhukov, Fernandez-Val and Galichon, "Quantile and Probability Curves Without Crossing" (Econometrica 78,
    2010).
    """

    levels: tuple[float, ...]

    @property
    def middle(self) -> int:
        """The place of the median."""
        return self.levels.index(MEDIAN)


Rule = Blend | Cascade | Quantiles


class Part(msgspec.Struct, frozen=True):
    """One model of an ensemble: its format, and its bytes' length."""

    format: str
    length: int


class _Head(msgspec.Struct, frozen=True):
    made: Rule
    parts: tuple[Part, ...]


def pack(rule: Rule, parts: Sequence[tuple[str, bytes]]) -> bytes:
    """The file of some models, each a format and bytes, and of the rule by which they answer."""
    head = msgspec.json.encode(_Head(rule, tuple(Part(format, len(data)) for format, data in parts)))
    return b"".join((_MARK, _LENGTH.pack(len(head)), head, *(data for _, data in parts)))


def unpack(data: bytes) -> tuple[Rule, list[tuple[str, bytes]]]:
    """What `pack` put together. Raises CorruptError for anything else."""
    start = len(_MARK) + _LENGTH.size
    if not data.startswith(_MARK) or len(data) < start:
        raise _wrong("they do not start as one")
    (length,) = _LENGTH.unpack_from(data, len(_MARK))
    try:
        head = msgspec.json.decode(data[start : start + length], type=_Head)
    except msgspec.DecodeError as error:
        raise _wrong(f"its head does not read ({error})") from error
    _check(head)
    place, parts = start + length, []
    for part in head.parts:
        parts.append((part.format, data[place : place + part.length]))
        place += part.length
    if place != len(data):
        raise _wrong(f"its parts end at byte {place:,} of {len(data):,}")
    return head.made, parts


class Ensemble:
    """Models with the same features and the same space of contributions, as one. Thread-safe, as they are."""

    def __init__(self, data: bytes, *, known: bool = False, trusted: bool = True, level: int = 1) -> None:
        if level > _LEVELS:
            raise _wrong(f"it holds ensembles more than {_LEVELS} deep")
        self.rule, parts = unpack(data)
        self._parts: list[Model] = [
            Ensemble(part, known=known, trusted=trusted, level=level + 1)
            if format == FORMAT
            else load(format, part, known=known, trusted=trusted)
            for format, part in parts
        ]
        first = self._parts[0]
        if any((part.features, part.space) != (first.features, first.space) for part in self._parts):
            told = ", ".join(f"{part.features} features in {part.space}" for part in self._parts)
            raise _wrong(f"its parts do not fit each other ({told})")
        if first.space not in ("value", "log_odds") and isinstance(self.rule, Blend):
            raise _wrong(f"it blends in the space {first.space!r}")
        self.features, self.space = first.features, first.space
        self.levels = self.rule.levels if isinstance(self.rule, Quantiles) else ()
        self.apart = any(getattr(part, "apart", False) for part in self._parts)
        self.bytes_in_memory = sum(part.bytes_in_memory for part in self._parts) + _MEMORY

    def predict(self, matrix: Matrix) -> Floats:
        """See `Model.predict`."""
        rows = checked(matrix, self.features)
        if isinstance(self.rule, Blend):
            return blended(self._answers(rows), self.rule.weights, self.space)
        if isinstance(self.rule, Quantiles):
            return np.ascontiguousarray(self.quantiles(rows)[:, self.rule.middle])
        first, second = self._parts
        found = first.predict(rows)
        unsure = self._unsure(found, self.rule)
        if unsure.any():
            found[unsure] = second.predict(rows[unsure])
        return found

    def explain(self, matrix: Matrix) -> Matrix:
        """See `Model.explain`: the weighted mean of the parts' own, or that of the part that answers the row."""
        rows = checked(matrix, self.features)
        if isinstance(self.rule, Blend):
            told = [part.explain(rows) * w for part, w in zip(self._parts, self.rule.weights, strict=True)]
            return np.asarray(np.sum(told, axis=0))
        if isinstance(self.rule, Quantiles):
            answering = np.argsort(self._answers(rows), axis=0, kind="stable")[self.rule.middle]
        else:
            answering = self._unsure(self._parts[0].predict(rows), self.rule).astype(np.int64)
        out = np.empty((len(rows), self.features + 1))
        for place, part in enumerate(self._parts):
            asked = answering == place
            if asked.any():
                out[asked] = part.explain(rows[asked])
        return out

    def quantiles(self, matrix: Matrix) -> Matrix:
        """Each row's quantiles at `levels`, ascending: rows x levels. Only of a model that has some.

        Raises InputError for a matrix of another width.
        """
        return np.sort(self._answers(checked(matrix, self.features)).T, axis=1)

    def crossed(self, matrix: Matrix) -> float:
        """The share of rows whose quantiles had to be put in order."""
        answers = self._answers(checked(matrix, self.features))
        return float((answers[1:] < answers[:-1]).any(axis=0).mean()) if answers.shape[1] else 0.0

    def _answers(self, rows: Matrix) -> Floats:
        """Those of each part: parts x rows."""
        return np.array([part.predict(rows) for part in self._parts])

    @staticmethod
    def _unsure(answers: Floats, rule: Cascade) -> npt.NDArray[np.bool_]:
        return (answers > rule.low) & (answers < rule.high)


def blended(answers: Floats, weights: Sequence[float] | Floats, space: Space) -> Floats:
    """The blend of answers [parts x rows] in the space of log-odds or of values."""
    shares = np.asarray(weights, dtype=np.float64)
    if space == "value":
        return np.asarray(shares @ answers)
    return np.asarray(1.0 / (1.0 + np.exp(-(shares @ log_odds(answers)))))


def _check(head: _Head) -> None:
    rule, count = head.made, len(head.parts)
    if not 2 <= count <= _MOST or any(part.length < 0 for part in head.parts):
        raise _wrong(f"it has {count} parts, wanted 2 to {_MOST}")
    if isinstance(rule, Cascade):
        sound = count == 2 and rule.low <= rule.high
    elif isinstance(rule, Quantiles):
        ascending = all(0 < low < high < 1 for low, high in pairwise(rule.levels))
        sound = len(rule.levels) == count and ascending and MEDIAN in rule.levels
    else:
        sound = len(rule.weights) == count and min(rule.weights) > 0 and abs(sum(rule.weights) - 1) < 1e-9
    if not sound:
        raise _wrong(f"{count} parts do not answer by {rule}")


def _wrong(reason: str) -> CorruptError:
    return CorruptError(f"these bytes are not an ensemble: {reason}", next="register the version again")
