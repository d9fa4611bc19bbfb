from __future__ import annotations

import numpy as np
import pytest

from argosy.model.ensemble import Ensemble
from argosy.model.format import load
from argosy.model.signature import Signature
from argosy.spec.estimator import Estimator
from argosy.spec.search import Candidate, Int, Search
from argosy.store.blobs import Blobs
from argosy.training.blend import Blended
from argosy.training.fit import Job, fit
from argosy.training.land import metrics
from argosy.training.outcome import Fitted
from argosy.training.quantile import judged, learn
from argosy.training.rows import Block
from argosy.training.search import Pick
from argosy.training.tune import tune
from tests.training.sample import SIGNATURE, Memory, fleet, some

LEVELS = (0.1, 0.5, 0.9)
VALUE = Signature(SIGNATURE.features, "regression", "delay")
BOOSTED = Candidate(Estimator("lightgbm:LGBMRegressor", {"n_estimators": 30}), name="boosted")


@pytest.fixture
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Blobs:
    return Blobs(tmp_path_factory.mktemp("blobs"))


def noisy(rows: int = 1500) -> Block:
    """Labels that scatter the more, the further `a` is from zero."""
    found, rng = some(0, rows), np.random.default_rng(0)
    a = np.nan_to_num(found.matrix[:, 0])
    return found._replace(labels=3 * a + rng.normal(size=rows) * (0.5 + np.abs(a)))


def fitted(blobs: Blobs, *candidates: Candidate, levels: tuple[float, ...] = LEVELS, **search: int) -> Fitted:
    data = Memory({"x": noisy()})
    wanted = fleet(candidates=candidates, search=Search(metric="mae", **search), quantiles=levels)
    found = fit(Job(wanted, VALUE, data, {}, str(blobs.root)), data.members[0], None)
    assert isinstance(found, Fitted)
    return found


def model(found: Fitted) -> Ensemble:
    made = load(found.format, found.data)
    assert isinstance(made, Ensemble)
    return made


def test_quantiles_are_one_version_in_order_about_the_truth(blobs: Blobs) -> None:
    found = fitted(blobs, BOOSTED)
    made, rows = model(found), noisy()
    low, middle, high = made.quantiles(rows.matrix).T
    assert (low <= middle).all() and (middle <= high).all() and made.levels == LEVELS
    np.testing.assert_array_equal(made.predict(rows.matrix), middle)
    assert found.proof == 0.0 and found.settings == {"objective": "quantile", "alpha": 0.5}
    wide = np.abs(np.nan_to_num(rows.matrix[:, 0])) > 1
    assert (high - low)[wide].mean() > 1.5 * (high - low)[~wide].mean()
    assert found.quantiles is not None and found.quantiles.levels == LEVELS
    assert np.abs(np.array(found.quantiles.share) - LEVELS).max() < 0.12
    one = fitted(blobs, BOOSTED, levels=())
    assert one.quantiles is None and one.format == "lightgbm" and "pinball" not in metrics(one)


def test_the_pinball_loss_is_that_of_the_formula(blobs: Blobs) -> None:
    found = fitted(blobs, BOOSTED)
    held = Memory({"x": noisy()}).rows.take(slice(1500 - found.held_out, None))
    quantiles = model(found).quantiles(held.matrix)
    losses = [
        level * (y - q) if y >= q else (1 - level) * (q - y)
        for y, row in zip(held.labels, quantiles, strict=True)
        for level, q in zip(LEVELS, row, strict=True)
    ]
    assert metrics(found)["pinball"] == pytest.approx(np.mean(losses))
    told = next(score for score in found.evaluation.scores if score.name == "pinball")
    assert told.low < told.value < told.high and told.rows == found.held_out
    assert judged(load("lightgbm", fitted(blobs, BOOSTED, levels=()).data), held, 0.95) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "xgboost.sklearn:XGBRegressor", "sklearn.ensemble:HistGradientBoostingRegressor",
        "sklearn.ensemble:GradientBoostingRegressor", "sklearn.linear_model:QuantileRegressor",
    ],
)  # fmt: skip
def test_each_library_predicts_them(blobs: Blobs, path: str) -> None:
    found = fitted(blobs, Candidate(Estimator(path), name="one"))
    made = model(found)
    assert (np.diff(made.quantiles(noisy().matrix), axis=1) >= 0).all() and found.proof < 1e-3
    assert found.quantiles is not None and np.abs(np.array(found.quantiles.share) - LEVELS).max() < 0.2


def test_a_blend_has_quantiles_of_blends() -> None:
    shallow = Candidate(Estimator("lightgbm:LGBMRegressor", {"n_estimators": 40, "num_leaves": 3}), name="shallow")
    assert Pick(shallow, {"num_leaves": 4}, ()).aimed(0.9).settings == {
        "num_leaves": 4, "objective": "quantile", "alpha": 0.9,
    }  # fmt: skip
    blended, rows = Blended(((BOOSTED, {}, 0.25), (shallow, {}, 0.75))), noisy(400)
    format, _, made, difference = learn(blended, LEVELS, rows, VALUE, 0).portable(VALUE, rows.matrix)
    assert (format, difference) == ("ensemble", 0.0) and isinstance(made, Ensemble) and made.levels == LEVELS
    upper = blended.aimed(0.9).learn(rows, VALUE, 0).predict(rows.matrix)
    shown = made.quantiles(rows.matrix)
    np.testing.assert_array_equal(shown.max(axis=1), shown[:, 2])
    assert (shown[:, 2] >= upper).all() and np.isclose(shown[:, 2], upper).mean() > 0.9


def test_a_search_is_of_the_median() -> None:
    data = Memory({"x": noisy(600)})
    searched = Candidate(BOOSTED.estimator, {"num_leaves": Int(3, 8)}, name="boosted")
    scores = []
    for levels in ((), LEVELS):
        wanted = fleet(candidates=(searched,), search=Search(metric="mae", trials=2), quantiles=levels)
        found = tune(Job(wanted, VALUE, data, {}, ""), data.members, "boosted")
        assert all("alpha" not in setting for setting in found.settings)
        scores.append(found.trials[0].score)
    assert scores[0] != scores[1]
