"""A fitted candidate, whatever its library: what the evaluation asks of it."""

from __future__ import annotations

from typing import Any, Protocol

from argosy.model.format import Model
from argosy.model.signature import Signature
from argosy.spec.search import Candidate
from argosy.training import boost
from argosy.training.rows import Block, Floats, Matrix


class Learner(Protocol):
    """A candidate after its fit. `fitted` holds its answers for the rows it was fitted on, if they came for free."""

    fitted: Floats | None

    def predict(self, matrix: Matrix) -> Floats:
        """The estimator's own answers: the probability of the positive class, or the value."""
        ...

    def portable(self, signature: Signature, sample: Matrix) -> tuple[str, bytes, Model, float]:
        """Format, bytes, the loaded model, and its largest difference from the estimator over `sample`.

        Raises DeclarationError where there is no portable form or it answers otherwise.
        """
        ...

    def importance(self) -> Floats | None:
        """One non-negative weight a feature, or None where the estimator states none."""
        ...


def learn(candidate: Candidate, settings: dict[str, Any], rows: Block, signature: Signature, seed: int) -> Learner:
    """Fit a candidate with some settings on rows, one thread, the same seed giving the same model."""
    if boost.direct(candidate.estimator, settings):
        return boost.Boosted(candidate.estimator, settings, rows, signature, seed)
    from argosy.training import plain  # scikit-learn: only workers with such a candidate pay for it

    return plain.Plain(candidate.estimator.build(**settings), rows, signature, seed, trusted=candidate.trusted)
