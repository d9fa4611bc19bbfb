"""Blending what a search has tried: how much of which option, and whether that beats the best one alone.

Greedy selection with replacement, after Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble Selection from Libraries
of Models" (ICML 2004), over the answers that the options gave for the folds anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from argosy.errors import DeclarationError
from argosy.metric import compare, known
from argosy.metric.measure import score
from argosy.model import ensemble
from argosy.model.format import Model, load
from argosy.model.signature import Signature
from argosy.model.space import Space
from argosy.spec.quantile import aimed
from argosy.spec.search import Candidate
from argosy.training.choose import standard_error
from argosy.training.evaluate import shares
from argosy.training.learner import Learner, learn
from argosy.training.outcome import Trial
from argosy.training.rows import Block, Floats, Matrix

_SPACES: dict[str, Space] = {"binary": "log_odds", "regression": "value"}


class Blended(NamedTuple):
    """Options, each a candidate with a setting and its weight, that answer together, with the table of all trials."""

    parts: tuple[tuple[Candidate, dict[str, Any], float], ...]
    trials: tuple[Trial, ...] = ()

    @property
    def name(self) -> str:
        """`boosted + linear`."""
        return " + ".join(dict.fromkeys(candidate.name for candidate, _, _ in self.parts))

    @property
    def settings(self) -> dict[str, Any]:
        """The weight of each option, by its name and setting."""
        return {_told(candidate, setting): round(weight, 6) for candidate, setting, weight in self.parts}

    def aimed(self, level: float) -> Blended:
        """The same for the quantile of a level."""
        return self._replace(parts=tuple(
            (candidate, setting | (aimed(candidate.estimator, level) or {}), weight)
            for candidate, setting, weight in self.parts
        ))  # fmt: skip

    def learn(self, rows: Block, signature: Signature, seed: int) -> Learner:
        """Each option, fitted on the rows."""
        learners = [learn(candidate, setting, rows, signature, seed) for candidate, setting, _ in self.parts]
        return _Together(learners, [weight for _, _, weight in self.parts], _SPACES[signature.task])


class _Together:
    """Fitted learners that answer by a weighted mean."""

    def __init__(self, learners: Sequence[Learner], weights: Sequence[float], space: Space) -> None:
        self._learners, self._weights, self._space = learners, weights, space
        own = [each.fitted for each in learners]
        self.fitted: Floats | None = None if any(each is None for each in own) else self._blended(own)

    def predict(self, matrix: Matrix) -> Floats:
        """See `Learner.predict`."""
        return self._blended([each.predict(matrix) for each in self._learners])

    def portable(self, signature: Signature, sample: Matrix) -> tuple[str, bytes, Model, float]:
        """See `Learner.portable`: each part is proven, and then the whole."""
        forms = [each.portable(signature, sample) for each in self._learners]
        for format, _, model, _ in forms:
            if model.space != self._space:
                raise DeclarationError(
                    f"a part in the format {format} explains its answers in the space {model.space}, and a blend adds "
                    f"up in {self._space}",
                    next="leave out the part's own objective, or write blend=0",
                )
        data = ensemble.pack(ensemble.Blend(tuple(self._weights)), [form[:2] for form in forms])
        whole = load(ensemble.FORMAT, data, known=True)
        return ensemble.FORMAT, data, whole, float(np.max(np.abs(self.predict(sample) - whole.predict(sample))))

    def importance(self) -> Floats | None:
        """The weighted mean of what each part states, or None where one states nothing."""
        stated = [each.importance() for each in self._learners]
        told = [np.asarray(shares(each)) for each in stated if each is not None]
        return np.asarray(np.asarray(self._weights) @ np.array(told)) if len(told) == len(stated) else None

    def _blended(self, answers: Sequence[Floats | None]) -> Floats:
        return ensemble.blended(np.array(answers, dtype=np.float64), self._weights, self._space)


def blend(
    options: Sequence[tuple[Candidate, dict[str, Any]]], answers: Floats, labels: Floats, best: int, task: str,
    metric: str, rounds: int,
) -> tuple[Trial, Blended | None] | None:  # fmt: skip
    """What `rounds` rounds of selection come to, and the blend if it beats the option at `best` alone.

    `answers` [options x rows] and `labels` [rows] are in the order of time. The older half of the rows chooses the
    weights; on the newer half the blend must be better by more than one standard error of the paired difference, since
    a single model is simpler. None where there is nothing to choose by, or one option takes all the weight.
    """
    half, space = len(labels) // 2, _SPACES[task]
    counts = _chosen(answers[:, :half], labels[:half], space, metric, rounds)
    if np.count_nonzero(counts) < 2:
        return None
    weights = counts / counts.sum()
    places = np.flatnonzero(counts).tolist()
    found = Blended(tuple((*options[place], float(weights[place])) for place in places))
    together = ensemble.blended(answers, weights, space)
    trial = Trial(found.name, found.settings, score(metric, labels, together))
    compared = compare(metric, labels[half:], together[half:], answers[best, half:])
    better = not compared.reason and known(metric).gain(compared.a, compared.b) > standard_error(compared)
    return trial, found if better else None


def _chosen(answers: Floats, labels: Floats, space: Space, metric: str, rounds: int) -> Floats:
    """How often each option was taken, up to the round after which the score was best; zeros where it has none."""
    counts = best = np.zeros(len(answers))
    top: float | None = None
    one = np.eye(len(answers))
    for _ in range(rounds):
        scores = [
            score(metric, labels, ensemble.blended(answers, (counts + each) / (counts.sum() + 1), space))
            for each in one
        ]
        gains = [-np.inf if value != value else known(metric).gain(value, 0.0) for value in scores]
        place = int(np.argmax(gains))
        if gains[place] == -np.inf:
            break
        counts = counts + one[place]
        if top is None or gains[place] > top:
            top, best = gains[place], counts
    return best


def _told(candidate: Candidate, setting: dict[str, Any]) -> str:
    return " ".join((candidate.name, *(f"{name}={value}" for name, value in setting.items())))
