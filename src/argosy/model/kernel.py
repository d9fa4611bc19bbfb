"""Kernel SHAP: how much each feature moves the answer of a model of which nothing is known but its answers.

The Shapley values of the game whose players are the features of a row: a coalition is worth what the model answers on
average where the others have the values of background rows. They are the weighted least squares of Lundberg and Lee,
"A Unified Approach to Interpreting Model Predictions" (NeurIPS 30, 2017, theorem 2), solved under the constraint that
they sum to the answer. Where there are more coalitions than the budget has room for, sizes are taken whole from the
outside in, as far as they fit, and the rest is drawn in pairs of a coalition and its complement, which leave less to
chance (Covert and Lee, "Improving KernelSHAP", AISTATS 2021).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt

from argosy.model.matrix import Matrix

COALITIONS = 256
"""Coalitions that a row is explained by, or two a feature where that is more: all there are, up to eight features."""
_SEED = 0
_CELLS = 1_000_000

Floats = npt.NDArray[np.float64]
Masks = npt.NDArray[np.bool_]


def explain(
    predict: Callable[[Matrix], Floats], link: Callable[[Floats], Floats], rows: Matrix, background: Matrix
) -> Matrix:
    """Rows x (features + 1), as `Model.explain` gives it, in the space of `link` of what `predict` answers.

    Each row costs as many answers as coalitions times rows of the background, which must have one at least. The same
    rows always give the same.
    """
    count, features = rows.shape
    masks, solve = _design(features, max(COALITIONS, 2 * features))
    base = float(link(np.array([predict(background).mean()]))[0])
    gaps = link(predict(rows)) - base
    out = np.empty((count, features + 1))
    out[:, -1] = base
    for place, row in enumerate(rows):
        worth = link(_worth(predict, masks, row, background)) - base
        first = solve @ (worth - masks[:, -1] * gaps[place])
        out[place, : features - 1] = first
        out[place, features - 1] = gaps[place] - first.sum()
    return out


def _worth(predict: Callable[[Matrix], Floats], masks: Masks, row: Matrix, background: Matrix) -> Floats:
    """What the model answers on average for each coalition of a row, asked for about a million numbers at a time."""
    worth = np.empty(len(masks))
    step = max(1, _CELLS // background.size)
    for start in range(0, len(masks), step):
        some = masks[start : start + step]
        mixed = np.where(some[:, None, :], row, background).reshape(-1, masks.shape[1])
        worth[start : start + step] = predict(mixed).reshape(len(some), -1).mean(axis=1)
    return worth


@lru_cache(maxsize=64)
def _design(features: int, budget: int) -> tuple[Masks, Floats]:
    """The coalitions [m x features], and what makes the contributions of all features but the last of their worth.

    The last one's is what is missing from the sum.
    """
    weighed = _coalitions(features, budget)
    masks = np.array(list(weighed), dtype=np.bool_).reshape(-1, features)
    weights = np.fromiter(weighed.values(), dtype=np.float64)
    free = masks[:, :-1].astype(np.float64) - masks[:, -1:]
    weighted = free.T * weights
    solve = np.asarray(np.linalg.solve(weighted @ free, weighted), dtype=np.float64)
    return masks, solve


def _coalitions(features: int, budget: int) -> dict[tuple[bool, ...], float]:
    """At most `budget` coalitions with their weights, of which there are at least two a feature."""
    found: dict[tuple[bool, ...], float] = {}
    sizes = range(1, features // 2 + 1)
    weights = {size: _pairs(features, size) * (features - 1) / (size * (features - size)) for size in sizes}
    for size in sizes:
        number = comb(features, size) * _pairs(features, size)
        share = weights[size] / sum(weight for other, weight in weights.items() if other >= size)
        if size > 1 and number > (budget - len(found)) * share:
            return found | _drawn(features, budget - len(found), {s: w for s, w in weights.items() if s >= size})
        for members in _subsets(features, size):
            for mask in {members, _complement(members)}:
                found[mask] = weights[size] / number
    return found


def _drawn(features: int, budget: int, weights: dict[int, float]) -> dict[tuple[bool, ...], float]:
    """Pairs drawn by the weights of their sizes, as many as make `budget` coalitions; they share the weights' sum."""
    random = np.random.default_rng(_SEED)
    total = sum(weights.values())
    drawn: Counter[tuple[bool, ...]] = Counter()
    for size in random.choice(list(weights), size=budget // 2, p=[weight / total for weight in weights.values()]):
        mask = np.zeros(features, dtype=np.bool_)
        mask[random.permutation(features)[:size]] = True
        members = tuple(mask.tolist())
        drawn.update((members, _complement(members)))
    return {mask: total * times / drawn.total() for mask, times in drawn.items()}


def _subsets(features: int, size: int) -> list[tuple[bool, ...]]:
    return [tuple(place in members for place in range(features)) for members in combinations(range(features), size)]


def _complement(members: tuple[bool, ...]) -> tuple[bool, ...]:
    return tuple(not each for each in members)


def _pairs(features: int, size: int) -> int:
    """Two where the complements of a size have another, one where they have the same."""
    return 1 if 2 * size == features else 2
