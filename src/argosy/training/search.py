"""Which candidate and which setting: scored on folds in time, the simpler one wins ties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from argosy.metric import compare, known
from argosy.metric.measure import score
from argosy.model.signature import Signature
from argosy.spec.quantile import aimed
from argosy.spec.search import Candidate, Search
from argosy.training.blend import Blended, blend
from argosy.training.choose import standard_error
from argosy.training.learner import Learner, learn
from argosy.training.outcome import Trial
from argosy.training.rows import Block, Floats, folds

Settings = Mapping[str, Sequence[dict[str, Any]]]
"""Candidate name -> the settings to try, the most promising first; a candidate not named has one, its own."""


class Pick(NamedTuple):
    """What won, with the table of all that was tried (empty if there was no choice)."""

    candidate: Candidate
    settings: dict[str, Any]
    trials: tuple[Trial, ...]

    @property
    def name(self) -> str:
        """The candidate's."""
        return self.candidate.name

    def learn(self, rows: Block, signature: Signature, seed: int) -> Learner:
        """The candidate, fitted on the rows."""
        return learn(self.candidate, self.settings, rows, signature, seed)

    def aimed(self, level: float) -> Pick:
        """The same for the quantile of a level."""
        return self._replace(settings=self.settings | (aimed(self.candidate.estimator, level) or {}))


def options(candidates: Sequence[Candidate], settings: Settings, limit: int) -> list[tuple[Candidate, dict[str, Any]]]:
    """What to try, in order of preference: candidates as declared, each with its first `limit` settings."""
    return [(each, setting) for each in candidates for setting in (settings.get(each.name) or [{}])[:limit]]


def picks(
    tried: Sequence[tuple[Candidate, dict[str, Any]]], rows: Block, signature: Signature, search: Search
) -> Iterator[Pick | Blended]:
    """The option with the best score on the folds, then the best one of the candidates that were not picked yet.

    Before all, where the search blends, the blend if it beats the best option. An earlier option wins within a standard
    error of the difference. Every option sees the same folds, once. With one option nothing is fitted. An option that
    raises takes no part; raises what the first one raised if all do.
    """
    if len(tried) == 1:
        yield Pick(*tried[0], ())
        return
    parts = [(rows.take(train), rows.take(check)) for train, check in folds(rows.times, search.folds)]
    parts = [(train, check) for train, check in parts if learnable(train.labels, signature)]
    labels = np.concatenate([check.labels for _, check in parts]) if parts else np.empty(0)
    scored: list[tuple[int, Floats, float]] = []
    trials: list[Trial] = []
    first: Exception | None = None
    for index, (candidate, setting) in enumerate(tried):
        try:
            answers = _answers(candidate, setting, parts, signature, search.seed)
        except Exception as error:  # a candidate is the user's code: it may raise anything, and the next one may not
            first = first or error
            trials.append(Trial(candidate.name, setting, None, f"{type(error).__name__}: {error}"[:300]))
            continue
        value = score(search.metric, labels, answers) if parts else float("nan")
        trials.append(Trial(candidate.name, setting, None if value != value else value))
        scored.append((index, answers, value))
    if not scored and first is not None:
        raise first
    if search.blend and len(scored) > 1:
        made = _blend(tried, scored, labels, signature, search)
        if made is not None:
            trials.append(made[0])
            if made[1] is not None:
                yield made[1]._replace(trials=tuple(trials))
    while scored:
        candidate, setting = tried[_winner(search.metric, labels, scored)]
        yield Pick(candidate, setting, tuple(trials))
        scored = [entry for entry in scored if tried[entry[0]][0].name != candidate.name]


def _blend(
    tried: Sequence[tuple[Candidate, dict[str, Any]]], scored: Sequence[tuple[int, Floats, float]], labels: Floats,
    signature: Signature, search: Search,
) -> tuple[Trial, Blended | None] | None:  # fmt: skip
    """A blend of the options that gave answers; None where both halves of the rows do not tell labels apart."""
    half, best = len(labels) // 2, _winner(search.metric, labels, scored)
    if not (learnable(labels[:half], signature) and learnable(labels[half:], signature)):
        return None
    place = next(place for place, (index, _, _) in enumerate(scored) if index == best)
    answers = np.array([each for _, each, _ in scored])
    given = [tried[index] for index, _, _ in scored]
    return blend(given, answers, labels, place, signature.task, search.metric, search.blend)


def learnable(labels: Floats, signature: Signature) -> bool:
    """Whether there is anything to tell apart: two classes, or two rows."""
    if signature.task == "binary":
        return bool(len(labels)) and float(labels.min()) != float(labels.max())
    return len(labels) > 1


def plainly(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """The table of trials as plain values."""
    return [msgspec.structs.asdict(trial) for trial in trials]


def _answers(
    candidate: Candidate, setting: dict[str, Any], parts: list[tuple[Block, Block]], signature: Signature, seed: int
) -> Floats:
    found = [learn(candidate, setting, train, signature, seed).predict(check.matrix) for train, check in parts]
    return np.concatenate(found) if found else np.empty(0)


def _winner(metric: str, labels: Floats, scored: Sequence[tuple[int, Floats, float]]) -> int:
    """The first option that is not worse than the best by more than a standard error."""
    what = known(metric)
    valid = [entry for entry in scored if entry[2] == entry[2]]
    if not valid:
        return scored[0][0]
    best = valid[0]
    for entry in valid[1:]:
        if what.gain(entry[2], best[2]) > 0:
            best = entry
    for entry in valid:
        gain = what.gain(best[2], entry[2])
        if gain <= 0 or gain <= standard_error(compare(metric, labels, best[1], entry[1])):
            return entry[0]
    return best[0]
