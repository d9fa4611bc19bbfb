"""Tuning the parent: a search over the rows of the whole fleet, whose best settings its members start from."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import optuna

from argosy.metric.measure import score
from argosy.spec.metric import greater_is_better
from argosy.spec.search import Candidate, Float, Int, Search, Space
from argosy.training import pool, quantile
from argosy.training.fit import Job
from argosy.training.learner import learn
from argosy.training.outcome import Trial
from argosy.training.rows import Block, Member, folds
from argosy.training.search import learnable

ROWS = 20_000
"""The most rows that a search looks at."""


class Tuned(msgspec.Struct, frozen=True):
    """A candidate's best settings, the best first, and the table of its trials."""

    candidate: str
    settings: tuple[dict[str, Any], ...]
    trials: tuple[Trial, ...]


def tune(job: Job, members: Sequence[Member], name: str) -> Tuned:
    """Search the space of one candidate on all rows but the held-out ones: `search.trials` trials, seeded.

    The first trial is the candidate as declared, where it lies in its space. Raises what the estimator raised if
    no trial came to an end.
    """
    candidate = next(each for each in job.fleet.candidates if each.name == name)
    signature = pool.extended(job, members)
    train, _ = pool.gather(job, members, signature, ROWS)
    parts = [(train.take(before), train.take(after)) for before, after in folds(train.times, job.fleet.search.folds)]
    parts = [(before, after) for before, after in parts if learnable(before.labels, signature)]
    if not parts:
        return Tuned(name, ({},), ())

    own = quantile.parameters(candidate.estimator, job.fleet.quantiles)

    def value(setting: dict[str, Any]) -> float:
        given, seed = setting | own, job.fleet.search.seed
        answers = [learn(candidate, given, b, signature, seed).predict(a.matrix) for b, a in parts]
        return score(job.fleet.search.metric, _labels(parts), np.concatenate(answers))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # members meet the same warnings and record them
        return _searched(candidate, job.fleet.search, value)


def _searched(candidate: Candidate, search: Search, value: Any) -> Tuned:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        direction="maximize" if greater_is_better(search.metric) else "minimize",
        sampler=optuna.samplers.TPESampler(seed=search.seed),
    )
    declared = _declared(candidate)
    if declared:
        study.enqueue_trial(declared)
    tried: list[tuple[dict[str, Any], float]] = []
    trials: list[Trial] = []
    first: Exception | None = None
    for _ in range(search.trials):
        trial = study.ask()
        setting = {key: _suggest(trial, key, space) for key, space in candidate.search.items()}
        try:
            found = value(setting)
        except Exception as error:  # the estimator is the user's code; a setting that it refuses is a bad setting
            first = first or error
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            trials.append(Trial(candidate.name, setting, None, f"{type(error).__name__}: {error}"[:300]))
            continue
        state = optuna.trial.TrialState.FAIL if found != found else None
        study.tell(trial, None if state else found, state=state)
        trials.append(Trial(candidate.name, setting, None if state else found))
        if not state:
            tried.append((setting, found))
    if not tried and first is not None:
        raise first
    return Tuned(candidate.name, _best(tried, search), tuple(trials))


def _best(tried: list[tuple[dict[str, Any], float]], search: Search) -> tuple[dict[str, Any], ...]:
    ranked = sorted(tried, key=lambda each: each[1], reverse=greater_is_better(search.metric))
    distinct: list[dict[str, Any]] = []
    for setting, _ in ranked:
        if setting not in distinct:
            distinct.append(setting)
    return tuple(distinct[: search.member_trials]) or ({},)


def _suggest(trial: optuna.Trial, name: str, space: Space) -> Any:
    if isinstance(space, Int):
        return trial.suggest_int(name, space.low, space.high, log=space.log)
    if isinstance(space, Float):
        return trial.suggest_float(name, space.low, space.high, log=space.log)
    return space.values[trial.suggest_categorical(name, range(len(space.values)))]


def _declared(candidate: Candidate) -> dict[str, Any]:
    """The candidate's own values of what is searched, as the sampler names them; only those within their space."""
    given: Mapping[str, Any] = candidate.estimator.build().get_params()
    found: dict[str, Any] = {}
    for name, space in candidate.search.items():
        value = given.get(name)
        if isinstance(space, Int | Float):
            if isinstance(value, int | float) and space.low <= value <= space.high:
                found[name] = value
        elif value in space.values:
            found[name] = space.values.index(value)
    return found


def _labels(parts: list[tuple[Block, Block]]) -> Any:
    return np.concatenate([after.labels for _, after in parts])
