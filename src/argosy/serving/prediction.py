"""Predictions for the rows of a batch: each version is asked about its own rows, and is to blame for them alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np

from argosy.errors import ArgosyError, InputError, UnreachableError
from argosy.model.signature import Matrix, Signature, encode_columns, encode_one, encode_rows
from argosy.serving.batch import Columns
from argosy.serving.cache import Loaded
from argosy.serving.derive import Lost
from argosy.serving.doubles import doubles, matrix
from argosy.serving.failure import Failed, Failure
from argosy.serving.routing import Assignment, VersionRef
from argosy.serving.spread import Spread


class Given(msgspec.Struct, frozen=True):
    """What is known of the `count` rows of a batch: their columns, and which rows have `lost` a feature, by its name.

    A version that takes that feature does not take those rows; the others do not miss it.
    """

    columns: Columns
    count: int
    lost: Mapping[str, Lost] = {}
    packed: dict[str, bytes | None] = {}

    def numbers(self, signature: Signature) -> bytes | None:
        """The features of all rows as `doubles`, made once; None unless all of them are numbers, and there."""
        if not signature.numeric:
            return None
        if signature.digest not in self.packed:
            self.packed[signature.digest] = doubles(self.columns, self.count, signature.names)
        return self.packed[signature.digest]

    def one(self, loaded: Loaded) -> Callable[[], float]:
        """Asks a version about the only row; raises InputError where that does not fit."""
        numbers = self.numbers(loaded.signature)
        if numbers is not None and loaded.quick is not None:
            return partial(loaded.quick, numbers)
        if self.lost:
            _check(0, self._lost(loaded.signature))
        row = encode_one(self.columns, loaded.signature)
        return lambda: float(loaded.model.predict(row)[0])

    def whole(self, signature: Signature) -> Matrix | None:
        """All rows, or None where some do not fit, though they may be none of those that versions of it answer."""
        if self.lost and self._lost(signature):
            return None
        if (numbers := self.numbers(signature)) is not None:
            return matrix(numbers, self.count).T.copy()
        try:
            return encode_columns(self.columns, self.count, signature)
        except InputError:
            return None

    def some(self, indices: Sequence[int], signature: Signature) -> Matrix:
        """Rows that fit."""
        return encode_rows(self._rows(indices), signature)

    def refused(self, indices: Sequence[int], signature: Signature) -> tuple[list[int], InputError | None]:
        """Those of some rows that do not fit a signature, and why the first does not."""
        found: list[int] = []
        why: InputError | None = None
        lost = self._lost(signature)
        for i, row in zip(indices, self._rows(indices), strict=True):
            try:
                _check(i, lost)
                encode_rows([row], signature)
            except InputError as error:
                found.append(i)
                why = why or error
        return found, why

    def _lost(self, signature: Signature) -> list[Lost]:
        return [each for name, each in self.lost.items() if name in signature.names]

    def _rows(self, indices: Sequence[int]) -> Iterator[dict[str, Any]]:
        return ({name: values[i] for name, values in self.columns.items()} for i in indices)


def predict(
    models: Mapping[VersionRef, Loaded], assignment: Assignment, given: Given, spread: Spread | None = None
) -> list[float]:
    """One finite number a row, and its quantiles put into `spread`.

    Raises Failed for versions that fail, also on values that do not fit them.
    """
    if given.count == 1 and spread is None:
        return [_one(models, assignment.versions[0], given)]
    matrices = {m.signature.digest: given.whole(m.signature) for m in _distinct(models).values()}
    out, failures = np.zeros(given.count), []
    for ref, indices in assignment.groups.items():
        loaded = models[ref]
        whole = matrices[loaded.signature.digest]
        if whole is None:
            refused, why = given.refused(indices, loaded.signature)
            if why is not None:
                failures.append(Failure(ref, refused, why, refused=True))
                continue
            rows = given.some(indices, loaded.signature)
        else:
            rows = whole if len(indices) == given.count else whole[indices]
        try:
            found = loaded.model.predict(rows) if spread is None else spread.put(indices, loaded.model, rows)
            out[indices if len(indices) < given.count else ...] = found
        except Exception as error:  # a model may raise anything
            failures.append(_raised(ref, indices, error))
    answers: list[float] = out.tolist()
    if not np.isfinite(out).all():
        for ref, indices in assignment.groups.items():
            if bad := [i for i in indices if not math.isfinite(answers[i])]:
                failures.append(_no_number(ref, bad, answers[bad[0]]))
    if failures:
        raise Failed(failures)
    return answers


def _check(row: int, lost: Sequence[Lost]) -> None:
    for each in lost:
        if row in each.why:
            raise each.error(row)


def _one(models: Mapping[VersionRef, Loaded], ref: VersionRef, given: Given) -> float:
    """As `predict`, for the only row."""
    loaded = models[ref]
    try:
        ask = given.one(loaded)
    except InputError as error:
        raise Failed([Failure(ref, (0,), error, refused=True)]) from error
    try:
        answer = ask()
    except Exception as error:  # the same
        raise Failed([_raised(ref, (0,), error)]) from error
    if not math.isfinite(answer):
        raise Failed([_no_number(ref, (0,), answer)])
    return answer


def _raised(ref: VersionRef, rows: Sequence[int], error: Exception) -> Failure:
    return Failure(ref, rows, error, unread=isinstance(error, UnreachableError))


def _no_number(ref: VersionRef, rows: Sequence[int], got: float) -> Failure:
    error = ArgosyError(f"it gives {got}, not a number", next="argosy rollback gives its place to who answered before")
    return Failure(ref, rows, error)


def _distinct(models: Mapping[VersionRef, Loaded]) -> dict[str, Loaded]:
    return {loaded.signature.digest: loaded for loaded in models.values()}
