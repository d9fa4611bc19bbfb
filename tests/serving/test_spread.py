from __future__ import annotations

import numpy as np
from lightgbm import LGBMRegressor

from argosy.model.ensemble import Ensemble, Quantiles, pack
from argosy.model.lightgbm import LightGBM
from argosy.serving.spread import Spread

ROWS = np.random.default_rng(3).normal(size=(300, 2))


def text(level: float) -> bytes:
    made = LGBMRegressor(objective="quantile", alpha=level, n_estimators=9, verbose=-1, n_jobs=1)
    return str(made.fit(ROWS, ROWS[:, 0] + ROWS[:, 1] ** 2).booster_.model_to_string()).encode()


def test_rows_take_the_levels_that_their_version_has() -> None:
    parts = [("lightgbm", text(level)) for level in (0.1, 0.5)]
    whole, single = Ensemble(pack(Quantiles((0.1, 0.5)), parts), known=True), LightGBM(parts[1][1], known=True)
    found = Spread((0.1, 0.5, 0.9), 300)
    np.testing.assert_array_equal(found.put(np.arange(200), whole, ROWS[:200]), whole.predict(ROWS[:200]))
    np.testing.assert_array_equal(found.put([200, 201], single, ROWS[200:202]), single.predict(ROWS[200:202]))
    columns = found.columns()
    assert list(columns) == ["q10", "q50", "q90"]
    np.testing.assert_array_equal(columns["q10"][:200], whole.quantiles(ROWS[:200])[:, 0])
    np.testing.assert_array_equal(columns["q50"][:200], whole.predict(ROWS[:200]))
    assert np.isnan(columns["q90"]).all() and np.isnan(columns["q10"][200:]).all()
    found.put(np.arange(200), single, ROWS[:200])  # who stands in for a version that failed
    assert np.isnan(found.columns()["q10"]).all()
