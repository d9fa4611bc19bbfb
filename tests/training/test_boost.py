from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor

from argosy.errors import DeclarationError
from argosy.model.format import load
from argosy.model.signature import Feature, Signature
from argosy.spec.estimator import Estimator
from argosy.training.boost import Boosted, direct
from tests.training.sample import SIGNATURE, some

NUMBERS = Signature(tuple(Feature(name, "number") for name in "abcd"), "binary", "late")
SAME: dict[str, Any] = {"deterministic": True, "force_col_wise": True, "n_jobs": 1, "verbosity": -1, "random_state": 3}


@pytest.mark.parametrize(
    "given",
    [
        {"n_estimators": 20},
        {"n_estimators": 10, "num_leaves": 5, "learning_rate": 0.3, "min_child_samples": 3},
        {"n_estimators": 10, "subsample": 0.6, "subsample_freq": 1, "colsample_bytree": 0.5, "reg_lambda": 2.0},
        {"n_estimators": 10, "boosting_type": "dart", "max_bin": 15},
        {"n_estimators": 10, "objective": "cross_entropy"},
    ],
)
def test_the_same_trees_as_the_wrapper(given: dict[str, Any]) -> None:
    data = some(0)
    ours = Boosted(Estimator.of(LGBMClassifier(**given)), {}, data, NUMBERS, 3)
    theirs = LGBMClassifier(**given, **SAME).fit(data.matrix, data.labels)
    np.testing.assert_array_equal(ours.predict(data.matrix), theirs.booster_.predict(data.matrix))


def test_the_same_trees_as_the_wrapper_for_a_regression() -> None:
    data = some(0)
    target = data._replace(labels=data.labels * 3 + np.nan_to_num(data.matrix[:, 1]))
    signature = Signature(NUMBERS.features, "regression", "delay")
    ours = Boosted(Estimator.of(LGBMRegressor(n_estimators=10, objective="l1")), {}, target, signature, 3)
    theirs = LGBMRegressor(n_estimators=10, objective="l1", **SAME).fit(target.matrix, target.labels)
    np.testing.assert_array_equal(ours.predict(data.matrix), theirs.predict(data.matrix))


@pytest.mark.parametrize(
    "given",
    [
        {"n_estimators": 20},
        {"n_estimators": 5, "boosting_type": "dart"},
        {"n_estimators": 5, "objective": "cross_entropy", "monotone_constraints": "1,0,0,0"},
        {"n_estimators": 5, "min_child_samples": 10_000},
    ],
)
def test_the_text_of_a_fit_passes_the_check_that_foreign_text_must_pass(given: dict[str, Any]) -> None:
    data = some(0)
    fitted = Boosted(Estimator("lightgbm:LGBMClassifier", given), {}, data, SIGNATURE, 3)
    _, text, model, proof = fitted.portable(SIGNATURE, data.matrix[:64])
    np.testing.assert_array_equal(load("lightgbm", text).predict(data.matrix), model.predict(data.matrix))
    assert proof == 0.0


def test_models_that_live_until_the_interpreter_ends_go_in_silence() -> None:
    code = """
from argosy.spec.estimator import Estimator
from argosy.training.boost import Boosted
from tests.training.sample import SIGNATURE, some
fitted = Boosted(Estimator("lightgbm:LGBMClassifier", {"n_estimators": 2}), {}, some(0), SIGNATURE, 3)
model = fitted.portable(SIGNATURE, some(0).matrix[:5])[2]
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "estimator",
    [
        Estimator("lightgbm:LGBMClassifier", {"class_weight": "balanced"}),
        Estimator("lightgbm:LGBMClassifier", {"objective": {"$function": "numpy:sign"}}),
        Estimator("lightgbm:LGBMClassifier", {"early_stopping_round": 5}),
        Estimator("lightgbm:LGBMClassifier", {"num_iterations": 5}),
        Estimator("lightgbm:LGBMClassifier", {"linear_tree": True}),
        Estimator("lightgbm:LGBMRanker"),
        Estimator("tests.training.bad:Fragile"),
        Estimator("sklearn.linear_model:LogisticRegression"),
    ],
)
def test_what_the_wrapper_does_itself_is_left_to_it(estimator: Estimator) -> None:
    assert not direct(estimator)


def test_settings_count_as_parameters_do() -> None:
    data, bare = some(0), Estimator("lightgbm:LGBMClassifier")
    given = {"n_estimators": 7, "num_leaves": 5}
    one = Boosted(bare, given, data, SIGNATURE, 0).predict(data.matrix)
    two = Boosted(Estimator(bare.path, given), {}, data, SIGNATURE, 0).predict(data.matrix)
    np.testing.assert_array_equal(one, two)
    assert not direct(bare, {"max_iter": 3})


def test_parameters_that_the_library_refuses_are_named() -> None:
    with pytest.raises(DeclarationError, match="num_leaves"):
        Boosted(Estimator("lightgbm:LGBMClassifier", {"num_leaves": 1}), {}, some(0), SIGNATURE, 0)


def test_answers_for_its_own_rows_come_with_the_fit() -> None:
    data = some(0)
    model = Boosted(Estimator.of(LGBMClassifier(n_estimators=10)), {}, data, SIGNATURE, 0)
    assert model.fitted is not None
    np.testing.assert_allclose(model.fitted, model.predict(data.matrix), atol=1e-12)


def test_categories_are_split_as_categories() -> None:
    data = some(0)
    model = Boosted(Estimator.of(LGBMClassifier(n_estimators=10)), {}, data, SIGNATURE, 0)
    format, content, loaded, difference = model.portable(SIGNATURE, data.matrix)
    assert (format, difference) == ("lightgbm", 0.0)
    assert any(line.startswith("num_cat=") and line != "num_cat=0" for line in content.decode().split("\n"))
    np.testing.assert_array_equal(loaded.predict(data.matrix), model.predict(data.matrix))
    importance = model.importance()
    assert importance is not None and importance.argmax() == 0


def test_the_same_seed_gives_the_same_model() -> None:
    data, sampled = some(0), Estimator.of(LGBMClassifier(n_estimators=5, subsample=0.5, subsample_freq=1))
    one, two, other = (Boosted(sampled, {}, data, SIGNATURE, seed).predict(data.matrix) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_columns_without_a_value_do_not_matter() -> None:
    data = some(0)
    data.matrix[:, 1], data.matrix[:, 3] = np.nan, np.nan
    model = Boosted(Estimator.of(LGBMClassifier(n_estimators=5)), {}, data, SIGNATURE, 0)
    assert np.isfinite(model.predict(data.matrix)).all()
