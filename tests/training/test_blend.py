"""Blends of what a search has tried: which, when, and as one model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from argosy.errors import DeclarationError
from argosy.metric.measure import score
from argosy.model.ensemble import Blend, blended, unpack
from argosy.model.format import load
from argosy.model.signature import Signature
from argosy.spec.estimator import Estimator
from argosy.spec.search import Candidate
from argosy.training.blend import Blended, blend
from argosy.training.outcome import Trial
from argosy.training.rows import Floats
from tests.training.sample import LINEAR, SIGNATURE, some


def boosted(name: str, kind: str = "LGBMClassifier", **parameters: Any) -> Candidate:
    return Candidate(Estimator(f"lightgbm:{kind}", {"n_estimators": 8, "num_leaves": 5} | parameters), name=name)


OPTIONS: list[tuple[Candidate, dict[str, Any]]] = [(boosted("one"), {}), (boosted("two"), {"num_leaves": 7})]
ROWS = 4000


def answers(noise: float, twin: bool = False, seed: int = 0) -> tuple[Floats, Floats]:
    """What two options answer that err each on its own (or both alike), and the labels."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=ROWS)
    labels = (truth + rng.logistic(size=ROWS) > 0).astype(np.float64)
    wrong = noise * rng.normal(size=(2, ROWS))
    given = 1 / (1 + np.exp(-(truth + (wrong[:1] if twin else wrong))))
    return np.vstack([given, given]) if twin else given, labels


def test_options_that_err_apart_are_blended() -> None:
    given, labels = answers(1.0)
    found = blend(OPTIONS, given, labels, 0, "binary", "log_loss", 10)
    assert found is not None
    trial, made = found
    assert made is not None and [each.name for each, _, _ in made.parts] == ["one", "two"]
    weights = [weight for _, _, weight in made.parts]
    assert sum(weights) == pytest.approx(1) and min(weights) >= 0.3
    assert trial == Trial(
        "one + two", {"one": round(weights[0], 6), "two num_leaves=7": round(weights[1], 6)}, trial.score
    )
    assert trial.score == pytest.approx(score("log_loss", labels, blended(given, weights, "log_odds")))
    assert trial.score < min(score("log_loss", labels, each) for each in given)


def test_options_that_err_alike_are_not() -> None:
    given, labels = answers(1.0, twin=True)
    assert blend(OPTIONS, given, labels, 0, "binary", "log_loss", 10) is None, "the first one takes all the weight"


def test_a_blend_that_is_no_better_by_a_standard_error_is_only_told_of() -> None:
    taken = []
    for seed in range(12):
        given, labels = answers(0.02, seed=seed)
        found = blend(OPTIONS, given, labels, 0, "binary", "log_loss", 10)
        taken += [found[1] is not None] if found is not None and found[0].score is not None else []
    assert taken and not any(taken)


def test_the_newer_half_judges_what_the_older_half_chose() -> None:
    given, labels = answers(1.0)
    half = ROWS // 2
    given[1, half:] = 1 - given[1, half:]
    found = blend(OPTIONS, given, labels, 0, "binary", "log_loss", 10)
    assert found is not None and found[1] is None, "the second option went wrong after it was chosen"


def test_values_are_blended_as_values() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=ROWS)
    found = blend(OPTIONS, truth + rng.normal(size=(2, ROWS)), truth, 0, "regression", "rmse", 20)
    assert found is not None and found[1] is not None and found[0].score == pytest.approx(0.5**0.5, rel=0.05)


@pytest.mark.slow
def test_a_blend_is_fitted_and_served_as_one_model() -> None:
    data = some(0, 600)
    made = Blended(((OPTIONS[0][0], {}, 0.25), (LINEAR, {"C": 0.1}, 0.75)))
    learner = made.learn(data, SIGNATURE, 0)
    format, file, model, difference = learner.portable(SIGNATURE, data.matrix[:50])
    rule, parts = unpack(file)
    assert (format, made.name) == ("ensemble", "one + linear") and difference < 1e-6
    assert rule == Blend((0.25, 0.75)) and [each for each, _ in parts] == ["lightgbm", "onnx"]
    np.testing.assert_allclose(model.predict(data.matrix), learner.predict(data.matrix), atol=1e-6)
    alone = np.array([load(*part).predict(data.matrix) for part in parts])
    np.testing.assert_allclose(model.predict(data.matrix), blended(alone, (0.25, 0.75), "log_odds"))
    chance = 1 / (1 + np.exp(-model.explain(data.matrix[:3]).sum(axis=1)))
    np.testing.assert_allclose(chance, model.predict(data.matrix[:3]), atol=1e-6)
    importance = learner.importance()
    assert importance is not None and importance.sum() == pytest.approx(1) and importance.argmax() == 0
    assert learner.fitted is None, "the linear part has no answers for free"


def test_parts_that_add_up_elsewhere_have_no_portable_form() -> None:
    data = some(0, 400)._replace(labels=np.random.default_rng(0).poisson(2, 400).astype(np.float64))
    signature = Signature(SIGNATURE.features, "regression", "count")
    parts = [boosted("value", "LGBMRegressor"), boosted("count", "LGBMRegressor", objective="poisson")]
    learner = Blended(tuple((each, {}, 0.5) for each in parts)).learn(data, signature, 0)
    assert learner.fitted is not None
    np.testing.assert_allclose(learner.fitted, learner.predict(data.matrix))
    with pytest.raises(DeclarationError, match="in the space log, and a blend adds up in value"):
        learner.portable(signature, data.matrix[:20])
