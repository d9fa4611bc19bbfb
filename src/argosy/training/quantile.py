"""Quantiles: what won, fitted once for each level, and answering as one model.

What was fitted for each level alone may cross, an upper quantile below a lower one. So the answers to a row are put in
order, which brings them no further from the truth (Chernozhukov, Fernandez-Val and Galichon, "Quantile and Probability
Curves Without Crossing", Econometrica 78, 2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import numpy as np

from argosy.errors import DeclarationError
from argosy.metric import measure
from argosy.metric.measure import Measure
from argosy.model import ensemble
from argosy.model.format import Model, load
from argosy.model.signature import Signature
from argosy.spec.estimator import Estimator
from argosy.spec.metric import PINBALL
from argosy.spec.quantile import MIDDLE, aimed
from argosy.training.learner import Learner
from argosy.training.rows import Block, Floats, Matrix


class Aimable(Protocol):
    """What may be fitted for another level than it was tried at."""

    def aimed(self, level: float) -> Any:
        """The same for the quantile of a level."""
        ...


class Told(msgspec.Struct, frozen=True):
    """The quantiles of a version on its held-out rows: by level, the `share` of labels that were at most there.

    `crossed` is the share of rows that had some quantiles put in order.
    """

    levels: tuple[float, ...]
    share: tuple[float, ...]
    crossed: float


def parameters(estimator: Estimator, levels: Sequence[float], level: float = MIDDLE) -> dict[str, Any]:
    """What to set in an estimator where a fleet predicts quantiles; nothing where it predicts none."""
    return (aimed(estimator, level) or {}) if levels else {}


def learn(picked: Aimable, levels: Sequence[float], rows: Block, signature: Signature, seed: int) -> Learner:
    """What won, fitted for each level."""
    return Spread([picked.aimed(level).learn(rows, signature, seed) for level in levels], levels)


class Spread:
    """Fitted learners, one a level; the median is what they predict together."""

    def __init__(self, learners: Sequence[Learner], levels: Sequence[float]) -> None:
        self._learners, self._rule = learners, ensemble.Quantiles(tuple(levels))
        own = [each.fitted for each in learners]
        known = [each for each in own if each is not None]
        self.fitted: Floats | None = self._median(known) if len(known) == len(own) else None

    def predict(self, matrix: Matrix) -> Floats:
        """See `Learner.predict`."""
        return self._median([each.predict(matrix) for each in self._learners])

    def portable(self, signature: Signature, sample: Matrix) -> tuple[str, bytes, Model, float]:
        """See `Learner.portable`: each level is proven, and then the median of them together."""
        forms = [each.portable(signature, sample) for each in self._learners]
        if len({model.space for _, _, model, _ in forms}) > 1:
            raise DeclarationError(
                "the quantiles are explained in different spaces", next="declare candidates of one objective"
            )
        data = ensemble.pack(self._rule, [form[:2] for form in forms])
        whole = load(ensemble.FORMAT, data, known=True)
        apart = float(np.max(np.abs(self.predict(sample) - whole.predict(sample)), initial=0.0))
        return ensemble.FORMAT, data, whole, max(apart, *(difference for _, _, _, difference in forms))

    def importance(self) -> Floats | None:
        """What the median's own states."""
        return self._learners[self._rule.middle].importance()

    def _median(self, answers: Sequence[Floats]) -> Floats:
        return np.asarray(np.sort(np.array(answers), axis=0)[self._rule.middle])


def judged(model: Model, rows: Block, level: float) -> tuple[Told, Measure] | None:
    """How the quantiles of a model fit held-out rows, and their mean pinball loss with its interval; None without any.

    The loss of a row at the level a is max(a (y - q), (a - 1) (y - q)), its mean over the levels (Koenker and Bassett,
    "Regression Quantiles", Econometrica 46, 1978).
    """
    if not isinstance(model, ensemble.Ensemble) or not model.levels:
        return None
    found, levels = model.quantiles(rows.matrix), np.array(model.levels)
    apart = rows.labels[:, None] - found
    losses = np.maximum(levels * apart, (levels - 1.0) * apart).mean(axis=1)
    loss = measure("mae", np.zeros(len(losses)), losses, level)  # the mean of what is never negative
    share = tuple((apart <= 0).mean(axis=0).tolist())
    return Told(model.levels, share, model.crossed(rows.matrix)), msgspec.structs.replace(loss, name=PINBALL)
