"""What a worker does for one member: choose, fit, export, prove, score, compare."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from argosy.errors import DeclarationError
from argosy.model.format import Model, load
from argosy.model.signature import Signature
from argosy.spec import duration
from argosy.spec.fleet import Fleet
from argosy.store.blobs import Blobs, Slot
from argosy.training import evaluate, quantile, recode, rows, search
from argosy.training.blend import Blended
from argosy.training.choose import LEVEL, Choice, choose
from argosy.training.interval import calibrate
from argosy.training.learner import Learner
from argosy.training.outcome import Evaluation, Fitted, Histogram, NoModel, Trial
from argosy.training.rows import Block, Floats, Matrix, Member, Source
from argosy.training.search import Pick

_PROVEN_ROWS = 64
_HISTOGRAM_ROWS = 2_000
_MODELS = 16
_NOTES = 5


class Rival(msgspec.Struct, frozen=True):
    """A recorded version to compare with: its reference, where its bytes lie, and what it expects."""

    reference: str
    format: str
    slot: Slot
    signature: Signature


class Job(msgspec.Struct, frozen=True):
    """What all members of one call share. `blobs` is the directory of the blob store; `pooled` the pooled model."""

    fleet: Fleet
    signature: Signature
    data: Source
    settings: dict[str, tuple[dict[str, object], ...]]
    blobs: str
    pooled: Rival | None = None


def fit(job: Job, member: Member, champion: Rival | None) -> Fitted | NoModel:
    """Train one member and gather its evidence; `NoModel` where its rows leave nothing to learn.

    A candidate without a portable form gives way to the next. Raises what every candidate raised, and DeclarationError
    where none has a portable form.
    """
    data = rows.read(job.data, member)
    cut = rows.held_out(data.times, duration.parse(job.fleet.split.test))
    constants = dict(zip(job.fleet.by, rows.values(member.key), strict=False))
    rivals = {"champion": champion, "pooled": job.pooled}
    train, held = data.take(slice(0, cut)), data.take(slice(cut, None))
    return trained(job, train, held, job.signature, constants, {k: v for k, v in rivals.items() if v is not None})


def trained(
    job: Job, train: Block, held: Block, signature: Signature, constants: Mapping[str, str], rivals: Mapping[str, Rival]
) -> Fitted | NoModel:
    """Fit on `train`, score on `held` beside the rivals; both by time. The held-out rows choose nothing."""
    reason = unfit(job.fleet, train, held, signature)
    if reason:
        return NoModel(reason)
    clock, search_ = _Clock(), job.fleet.search
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        levels = job.fleet.quantiles
        tried = [
            (candidate, setting | quantile.parameters(candidate.estimator, levels))
            for candidate, setting in search.options(job.fleet.candidates, job.settings, search_.member_trials)
        ]
        picks = search.picks(tried, train, signature, search_)
        picked, learner, (format, content, model, proof) = _portable(picks, train, held, signature, job.fleet, clock)
        made = Made(picked.name, picked.settings, picked.trials, learner, format, content, model, proof)
        found = weighed(job, made, train, held, signature, constants, rivals)
        clock.lap("evaluate")
    return msgspec.structs.replace(found, warnings=_noted(caught), cost=clock.spent)


class Made(NamedTuple):
    """A model before it is judged: what it is called, how it came about, who made it, and its portable form."""

    candidate: str
    settings: dict[str, Any]
    trials: tuple[Trial, ...]
    learner: Learner
    format: str
    data: bytes
    model: Model
    proof: float


def weighed(
    job: Job, made: Made, train: Block, held: Block, signature: Signature, constants: Mapping[str, str],
    rivals: Mapping[str, Rival],
) -> Fitted:  # fmt: skip
    """A model with its evidence: scored on `held` beside the rivals; `train` are the rows that it learned from."""
    answers = _rivals(rivals, held.matrix, signature, constants, job.blobs)
    reference = _reference(made.learner, made.model, train, signature)
    found = evaluate.evaluate(job.fleet, made.model, held, answers, reference, job.data.slices)
    wanted, spread = job.fleet.interval, quantile.judged(made.model, held, LEVEL)
    if spread is not None:
        found = msgspec.structs.replace(found, scores=(*found.scores, spread[1]))
    return Fitted(
        format=made.format, data=made.data, signature=signature.to_json(), candidate=made.candidate,
        settings=made.settings, trials=made.trials, evaluation=found,
        choice=_choice(found, job.fleet.search.metric, rivals.get("pooled")),
        importance=evaluate.shares(_importance(made.learner, made.model, held, job.fleet)),
        train_rows=len(train.labels), held_out=len(held.labels), span=_span(train), held_out_span=_span(held),
        trained=reference, proof=made.proof, warnings=(), cost={},
        interval=None if wanted is None
        else calibrate(wanted.coverage, held.labels, made.model.predict(held.matrix)),
        quantiles=None if spread is None else spread[0],
    )  # fmt: skip


def unfit(fleet: Fleet, train: Block, held: Block, signature: Signature) -> str:
    """Why these rows make no model, or nothing."""
    count, least = len(train.labels), max(10, fleet.minimum_rows // 2)
    if count < least:
        return (
            f"{count} of {count + len(held.labels)} labelled rows are older than the held-out {fleet.split.test}, "
            f"fewer than {least}"
        )
    if not search.learnable(train.labels, signature):
        return f"all {count} labels before the held-out rows are {train.labels[0]:g}: there is nothing to tell apart"
    if bool(np.isnan(train.matrix).all()):
        return f"all {train.matrix.shape[1]} features are null in all {count} rows before the held-out ones"
    return ""


def _portable(
    picks: Iterator[Pick | Blended], train: Block, held: Block, signature: Signature, fleet: Fleet, clock: _Clock
) -> tuple[Pick | Blended, Learner, tuple[str, bytes, Model, float]]:
    """The first pick that has a portable form, fitted; its trials say of those before why they have none.

    Raises what the first one raised where none has.
    """
    refused: list[tuple[Pick | Blended, DeclarationError]] = []
    for picked in picks:
        clock.lap("search")
        if fleet.quantiles:
            learner = quantile.learn(picked, fleet.quantiles, train, signature, fleet.search.seed)
        else:
            learner = picked.learn(train, signature, fleet.search.seed)
        clock.lap("fit")
        try:
            form = learner.portable(signature, held.matrix[-_PROVEN_ROWS:])
        except DeclarationError as error:
            refused.append((picked, error))
            continue
        finally:
            clock.lap("export")
        return picked._replace(trials=tuple(_marked(trial, refused) for trial in picked.trials)), learner, form
    raise refused[0][1]


def _marked(trial: Trial, refused: Sequence[tuple[Pick | Blended, DeclarationError]]) -> Trial:
    for picked, error in refused:
        if (trial.candidate, trial.settings) == (picked.name, picked.settings):
            return msgspec.structs.replace(trial, error=f"{type(error).__name__}: {error}"[:300])
    return trial


class _Clock:
    """CPU seconds of this process by phase."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._last = time.process_time()

    def lap(self, phase: str) -> None:
        now = time.process_time()
        self.spent[phase] = self.spent.get(phase, 0.0) + now - self._last
        self._last = now


def _rivals(
    rivals: Mapping[str, Rival], matrix: Matrix, signature: Signature, constants: Mapping[str, str], blobs: str
) -> dict[str, Floats | str]:
    """By name, what each rival answers for the same rows, or why it cannot; a version with two names answers once."""
    found: dict[str, Floats | str] = {}
    for rival in {rival.reference: rival for rival in rivals.values()}.values():
        absent = recode.missing(signature, rival.signature, constants)
        if absent:
            named = ", ".join(map(repr, absent[:5]))
            found[rival.reference] = f"{rival.reference} needs {named}, which the rows no longer have"
            continue
        model = _loaded(rival.format, rival.slot, blobs)
        found[rival.reference] = model.predict(recode.recode(matrix, signature, rival.signature, constants))
    return {name: found[rival.reference] for name, rival in rivals.items()}


def _choice(found: Evaluation, metric: str, pooled: Rival | None) -> Choice:
    asked = {comparison.name: comparison for comparison in found.comparisons.get("pooled", ())}
    why_none = found.uncompared.get("pooled", "there is no pooled model to compare with")
    version = pooled.reference.rpartition("@")[2] if pooled is not None else ""
    return choose(asked.get(metric), why_none=why_none, rival=f"pooled@{version}")


@lru_cache(maxsize=_MODELS)
def _loaded(format: str, slot: Slot, blobs: str) -> Model:
    # The pooled model serves every member of a worker; bytes of a slot are verified when they are read.
    return load(format, Blobs(Path(blobs)).read(slot), known=True)


def _reference(learner: Learner, model: Model, train: Block, signature: Signature) -> Histogram:
    answers = learner.fitted
    if answers is None:
        some = np.linspace(0, len(train.labels) - 1, min(len(train.labels), _HISTOGRAM_ROWS)).astype(np.int64)
        answers = model.predict(train.matrix[some])
    return evaluate.histogram(answers, *evaluate.span(signature.task, answers))


def _importance(learner: Learner, model: Model, held: Block, fleet: Fleet) -> Floats:
    stated = learner.importance()
    if stated is not None:
        return stated
    metric = "log_loss" if fleet.task == "binary" else "rmse"
    return evaluate.permuted(metric, model.predict, held, fleet.search.seed)


def _span(data: Block) -> tuple[int, int]:
    return int(data.times[0]), int(data.times[-1])


def _noted(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    """The distinct warnings of a fit, in their order: they belong to the version, not to the terminal."""
    texts = (f"{note.category.__name__}: {note.message}"[:200] for note in caught)
    return tuple(list(dict.fromkeys(texts))[:_NOTES])
