"""What a worker does to optimise a version: make the smaller model, and measure both on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from argosy.errors import InputError
from argosy.metric import measure
from argosy.model.format import Model, load
from argosy.store.blobs import Blobs
from argosy.training import evaluate, pool, recode, rows
from argosy.training.fit import Job, Made, Rival, weighed
from argosy.training.learner import Learner
from argosy.training.optimise.cascade import cascade
from argosy.training.optimise.distil import LEAVES, distil
from argosy.training.optimise.prune import prune
from argosy.training.optimise.quantise import quantise
from argosy.training.optimise.weight import prune_weights
from argosy.training.outcome import Fitted
from argosy.training.rows import Block, Floats, Matrix, Member

Method = Literal["prune", "prune-weights", "quantise", "quantise-static", "distil", "cascade"]
METHODS: tuple[Method, ...] = ("prune", "prune-weights", "quantise", "quantise-static", "distil", "cascade")
_TAKES = {"prune": "lightgbm", "prune-weights": "onnx", "quantise": "onnx", "quantise-static": "onnx"}
_LARGER = {"cascade"}
"""Methods that add to the original: they make its answers cheaper, not its bytes fewer."""
_LEAST = 20


class Order(msgspec.Struct, frozen=True):
    """A method, by what share of its value one that chooses by the metric may make it worse, and trees to fit."""

    method: Method
    tolerance: float
    trees: int


class Lighter(msgspec.Struct, frozen=True):
    """What a method came to: a model with its evidence, and what the original has on the same rows.

    `before` has scores by name, `latency_p50_ms`, `latency_p99_ms` and `size_kb`. Without a model, `reason` says why
    the method does not apply, and `next` what to try.
    """

    fitted: Fitted | None = None
    before: dict[str, float] = {}
    reason: str = ""
    next: str = ""


class _Given:
    """A model that was made and not fitted, as a learner: it is its own portable form."""

    fitted: Floats | None = None

    def __init__(self, format: str, data: bytes) -> None:
        self._format, self._data = format, data
        self._model = load(format, data)

    def predict(self, matrix: Matrix) -> Floats:
        """See `Learner.predict`."""
        return self._model.predict(matrix)

    def portable(self, signature: object, sample: Matrix) -> tuple[str, bytes, Model, float]:
        """See `Learner.portable`."""
        return self._format, self._data, self._model, 0.0

    def importance(self) -> Floats | None:
        """None: it is asked of its answers."""
        return None


def optimise(job: Job, members: Sequence[Member], original: Rival, champion: Rival | None, order: Order) -> Lighter:
    """Apply a method to a version. `members` are the one that it is of, or all for the pooled model.

    The rows before the held-out ones teach; the held-out ones judge. Pruning and early exit choose how far they go by
    the older half of these, and are judged by the newer half alone.
    """
    absent = recode.missing(job.signature, original.signature, dict.fromkeys(job.fleet.by, ""))
    if absent:
        reason = f"it needs {', '.join(absent[:5])}, which the rows no longer have"
        return Lighter(reason=reason, next="argosy train, and optimise the new version")
    train, held = pool.gather(job, members, original.signature, pool.ROWS)
    if min(len(train.labels), len(held.labels)) < _LEAST:
        reason = f"{len(train.labels)} rows and {len(held.labels)} held out: {_LEAST} of each are needed"
        return Lighter(reason=reason, next="wait for more labelled rows, or optimise the pooled model")
    data = Blobs(Path(job.blobs)).read(original.slot)
    teacher = load(original.format, data, known=True)
    try:
        learner, settings, held = _made(job, original, data, teacher, train, held, order)
    except InputError as error:
        return Lighter(reason=error.message, next=error.next)
    form = learner.portable(original.signature, held.matrix[-_LEAST:])
    if len(form[1]) >= len(data) and order.method not in _LARGER:
        reason = f"it has {len(data) / 1e3:,.1f} kB, and would have {len(form[1]) / 1e3:,.1f} kB"
        return Lighter(reason=reason, next="fewer trees may do: --trees" if order.method == "distil" else "")
    made = Made(f"{order.method} of {original.reference}", settings, (), learner, *form)
    rivals = {"champion": champion, "pooled": job.pooled}
    known = {name: rival for name, rival in rivals.items() if rival is not None}
    constants = dict(zip(job.fleet.by, rows.values(members[0].key), strict=False)) if len(members) == 1 else {}
    fitted = weighed(job, made, train, held, original.signature, constants, known)
    return Lighter(fitted, _before(job, teacher, held, len(data)))


def _made(
    job: Job, original: Rival, data: bytes, teacher: Model, train: Block, held: Block, order: Order
) -> tuple[Learner, dict[str, Any], Block]:  # fmt: skip
    """The smaller model, by what settings, and the rows that may judge it. Raises InputError where there is none."""
    takes, metric, tolerance = _TAKES.get(order.method, original.format), job.fleet.search.metric, order.tolerance
    if original.format != takes:
        raise InputError(
            f"it is in the format {original.format}, and {order.method} takes {takes}",
            next="distil takes any: --method distil",
        )
    older, newer = held.take(slice(0, len(held.labels) // 2)), held.take(slice(len(held.labels) // 2, None))
    match order.method:
        case "prune":
            text, trees = prune(data, older, metric, tolerance)
            return _Given("lightgbm", text), {"trees": trees}, newer
        case "prune-weights":
            graph, left = prune_weights(data, older, metric, tolerance)
            return _Given("onnx", graph), {"weights": round(left, 4)}, newer
        case "quantise":
            return _Given("onnx", quantise(data)), {"weights": "int8", "scales": "dynamic"}, held
        case "quantise-static":
            return _Given("onnx", quantise(data, train.matrix)), {"weights": "int8", "scales": "static"}, held
    settings = {"trees": order.trees, "leaves": LEAVES}
    learner = distil(teacher, train, original.signature, order.trees, job.fleet.search.seed)
    if order.method == "distil":
        return learner, settings, held
    if original.signature.task != "binary":
        raise InputError("it gives values, and no answer of which it is sure", next="distil it: --method distil")
    small = learner.portable(original.signature, held.matrix[-_LEAST:])[:3]
    format, file, rule, share = cascade(small, (original.format, data, teacher), older, metric, tolerance)
    exits = {"low": rule.low, "high": rule.high, "exits": round(share, 4)}
    return _Given(format, file), settings | exits, newer


def _before(job: Job, teacher: Model, held: Block, size: int) -> dict[str, float]:
    """What the original has, measured as a version is."""
    answers = teacher.predict(held.matrix)
    scores = {name: measure(name, held.labels, answers).value for name in evaluate.wanted(job.fleet)}
    p50, p99 = evaluate.latency(teacher, held.matrix)
    found = scores | {"latency_p50_ms": p50, "latency_p99_ms": p99, "size_kb": size / 1000}
    return {name: value for name, value in found.items() if np.isfinite(value)}
