"""A task that runs OpenMP code, also with more threads than one."""

from __future__ import annotations

import os

import joblib
import lightgbm
import numpy as np


def fit(seed: int) -> float:
    """The mean prediction of a small LightGBM model on seeded noise."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(500, 5))
    data = lightgbm.Dataset(rows, rows[:, 0] + seed)
    parameters = {"objective": "regression", "verbosity": -1, "num_threads": 1 + seed % 2}
    model = lightgbm.train(parameters, data, num_boost_round=10)
    return float(np.mean(np.asarray(model.predict(rows))))


def spread() -> list[int]:
    """The processes of a pool that joblib keeps for the next call."""
    return joblib.Parallel(n_jobs=2)(joblib.delayed(os.getpid)() for _ in range(4))  # type: ignore[no-any-return]
