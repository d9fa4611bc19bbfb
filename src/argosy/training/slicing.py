"""Slices: the held-out rows of each value of a slice, scored by themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from argosy.metric import score_by
from argosy.training.choose import LEVEL
from argosy.training.outcome import Sliced
from argosy.training.rows import Block, Codes, Floats

VALUES = 20
"""The most values of a slice that are told of, those with the most rows."""


def score(
    names: Sequence[str], rows: Block, answers: Floats, slices: Mapping[str, Sequence[str]]
) -> dict[str, tuple[Sliced, ...]]:
    """By slice, its commonest values among some rows, most rows first, with the scores of the answers for those rows.

    `slices` are the values that `rows.groups` refers to; a slice that none of the rows is in is left out.
    """
    if rows.groups is None:
        return {}
    told = {
        name: _sliced(names, values, rows.groups[:, place], rows.labels, answers)
        for place, (name, values) in enumerate(slices.items())
    }
    return {name: found for name, found in told.items() if found}


def _sliced(
    names: Sequence[str], values: Sequence[str], codes: Codes, labels: Floats, answers: Floats
) -> tuple[Sliced, ...]:
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    kept = [int(code) for code in np.argsort(-counts, kind="stable")[:VALUES] if counts[code]]
    if not kept:
        return ()
    places = np.full(len(values) + 1, -1)  # the last for rows of none
    places[kept] = np.arange(len(kept))
    group = places[codes]
    some = group >= 0
    group, labels, answers = group[some], labels[some], answers[some]
    table = score_by(names, group, labels, answers, groups=len(kept), level=LEVEL)
    sums = [np.bincount(group, weights=each, minlength=len(kept)) for each in (labels, answers)]
    return tuple(
        Sliced(
            values[code], row["rows"], float(label / row["rows"]), float(answer / row["rows"]),
            {name: found for name in names if all(map(math.isfinite, found := _bounded(row, name)))},
        )
        for code, row, label, answer in zip(kept, table.iter_rows(named=True), *sums, strict=True)
    )  # fmt: skip


def _bounded(row: Mapping[str, float | None], name: str) -> tuple[float, float, float]:
    value, low, high = (math.nan if (found := row[each]) is None else found for each in _columns(name))
    return value, low, high


def _columns(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"
