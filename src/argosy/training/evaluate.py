"""A model on held-out rows: scores with intervals, rivals on the same rows, latency, what it leans on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from argosy.metric import compare, known, measure
from argosy.model.format import Model
from argosy.spec.fleet import Fleet
from argosy.spec.gate import Gate
from argosy.spec.metric import METRICS
from argosy.spec.monitor import Performance
from argosy.spec.rollout import Immediate
from argosy.training import slicing
from argosy.training.choose import LEVEL
from argosy.training.outcome import BINS, Evaluation, Histogram
from argosy.training.rows import Block, Floats, Matrix

_ALWAYS = {"binary": ("log_loss", "brier", "roc_auc"), "regression": ("rmse", "mae", "r2")}
_CALLS = 50
_PERMUTED_ROWS = 300


def asked(fleet: Fleet) -> tuple[str, ...]:
    """The scores that a fleet's search and gates ask for, once each: those that slices are told of."""
    gates = (gate.metric for gate in fleet.gates if isinstance(gate, Gate) and gate.metric in METRICS)
    return tuple(dict.fromkeys((fleet.search.metric, *gates)))


def wanted(fleet: Fleet) -> tuple[str, ...]:
    """The scores that a fleet's search, gates, monitors and rollout ask for, and those always shown, once each."""
    more = [monitor.metric for monitor in fleet.monitors if isinstance(monitor, Performance)]
    if not isinstance(fleet.rollout, Immediate) and fleet.rollout.metric:
        more.append(fleet.rollout.metric)
    return tuple(dict.fromkeys((*asked(fleet), *more, *_ALWAYS[fleet.task])))


def evaluate(
    fleet: Fleet, model: Model, rows: Block, rivals: Mapping[str, Floats | str], trained: Histogram,
    slices: Mapping[str, Sequence[str]],
) -> Evaluation:  # fmt: skip
    """Score a model on held-out rows beside its rivals: their predictions for the same rows, or why there are none.

    `slices` are the values of each slice that `rows.groups` refers to.
    """
    names, answers = wanted(fleet), model.predict(rows.matrix)
    scores = tuple(measure(name, rows.labels, answers, LEVEL) for name in names)
    comparisons = {
        rival: tuple(compare(name, rows.labels, answers, given, LEVEL) for name in names)
        for rival, given in rivals.items()
        if not isinstance(given, str)
    }
    uncompared = {rival: given for rival, given in rivals.items() if isinstance(given, str)}
    p50, p99 = latency(model, rows.matrix)
    low, high = trained.low, trained.high
    seen = {name: histogram(said, low, high) for name, said in rivals.items() if not isinstance(said, str)}
    told = slicing.score(asked(fleet), rows, answers, slices)
    return Evaluation(scores, comparisons, uncompared, p50, p99, histogram(answers, low, high), seen, told)


def latency(model: Model, matrix: Matrix) -> tuple[float, float]:
    """Median and 99th percentile of the milliseconds of CPU that one row takes, over some dozen calls.

    CPU, not wall: whether a version passes its gates must not depend on what else the machine is doing.
    """
    rows = [matrix[index : index + 1] for index in range(min(len(matrix), _CALLS))]
    model.predict(rows[0])
    spent = np.empty(_CALLS)
    for call in range(_CALLS):
        row = rows[call % len(rows)]
        start = time.thread_time()
        model.predict(row)
        spent[call] = time.thread_time() - start
    p50, p99 = np.quantile(spent * 1e3, (0.5, 0.99)).tolist()
    return p50, p99


def histogram(values: Floats, low: float, high: float) -> Histogram:
    """Counts of `values` in equal bins from `low` to `high`."""
    width = (high - low) or 1.0
    place = np.clip((values - low) * (BINS / width), 0, BINS - 1).astype(np.int64)
    return Histogram(low, high, tuple(np.bincount(place, minlength=BINS).tolist()))


def span(task: str, values: Floats) -> tuple[float, float]:
    """The bounds of a histogram of predictions: 0 to 1 for probabilities, else a margin around those seen."""
    if task == "binary" or not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = (high - low) / 4 or max(abs(low), 1.0) / 4
    return low - margin, high + margin


def shares(weights: Floats) -> tuple[float, ...]:
    """Weights as shares of their sum; all zero if nothing matters."""
    positive = np.nan_to_num(np.maximum(weights, 0.0))
    total = float(positive.sum())
    return tuple((positive / total if total > 0.0 else positive).tolist())


def permuted(name: str, predict: Callable[[Matrix], Floats], rows: Block, seed: int) -> Floats:
    """How much worse the score gets on some rows when one feature's values are shuffled among them, per feature."""
    some = rows.take(np.linspace(0, len(rows.labels) - 1, min(len(rows.labels), _PERMUTED_ROWS)).astype(np.int64))
    base = measure(name, some.labels, predict(some.matrix)).value
    weights = np.zeros(some.matrix.shape[1])
    if math.isnan(base):
        return weights
    order = np.random.default_rng(seed).permutation(len(some.labels))
    for column in range(len(weights)):
        shuffled = some.matrix.copy()
        shuffled[:, column] = shuffled[order, column]
        weights[column] = known(name).gain(base, measure(name, some.labels, predict(shuffled)).value)
    return weights
