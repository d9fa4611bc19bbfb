"""XGBoost's binary form: equal to the package, refused when broken, and never a crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from xgboost import XGBRegressor

from argosy.errors import CorruptError, InputError
from argosy.model.format import load
from argosy.model.matrix import Matrix
from tests.model.conftest import Boosted


def test_answers_equal_the_package_exactly(boosted: Boosted) -> None:
    model = load("xgboost", boosted.data)
    wanted = boosted.estimator.predict_proba(boosted.matrix)[:, 1].astype(np.float64)
    assert (model.features, model.space) == (4, "log_odds")
    np.testing.assert_array_equal(model.predict(boosted.matrix), wanted)
    one_by_one = [model.predict(boosted.matrix[i : i + 1])[0] for i in range(len(wanted))]
    np.testing.assert_array_equal(one_by_one, wanted)
    np.testing.assert_array_equal(model.predict(np.asfortranarray(boosted.matrix)), wanted)
    assert model.predict(boosted.matrix[:0]).shape == (0,) and model.explain(boosted.matrix[:0]).shape == (0, 5)


@pytest.mark.parametrize(
    ("objective", "space", "answer"),
    [
        ("reg:squarederror", "value", lambda score: score),
        ("reg:quantileerror", "value", lambda score: score),
        ("binary:logistic", "log_odds", lambda score: 1 / (1 + np.exp(-score))),
        ("count:poisson", "log", np.exp),
        ("reg:tweedie", "log", np.exp),
    ],
)
def test_contributions_sum_to_the_answer_in_the_space_that_they_are_in(
    boosted: Boosted, objective: str, space: str, answer: Callable[[Matrix], Matrix]
) -> None:
    options = {"quantile_alpha": 0.3} if "quantile" in objective else {}
    made = XGBRegressor(n_estimators=8, objective=objective, n_jobs=1, **options).fit(boosted.matrix, boosted.late)
    model = load("xgboost", bytes(made.get_booster().save_raw("ubj")))
    assert model.space == space
    np.testing.assert_array_equal(model.predict(boosted.matrix), made.predict(boosted.matrix).astype(np.float64))
    summed = answer(model.explain(boosted.matrix).sum(axis=1))
    np.testing.assert_allclose(summed, model.predict(boosted.matrix), rtol=1e-5, atol=1e-6)


def test_threads_share_one_model(boosted: Boosted) -> None:
    model = load("xgboost", boosted.data)
    wanted, why = model.predict(boosted.matrix), model.explain(boosted.matrix)

    def rows(start: int) -> bool:
        some = [slice(i, i + 1) for i in range(start, 400, 4)]
        return all(model.predict(boosted.matrix[i])[0] == wanted[i] for i in some) and all(
            np.array_equal(model.explain(boosted.matrix[i])[0], why[i][0]) for i in some
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(rows, range(4)))


def test_a_matrix_of_another_width_is_refused(boosted: Boosted) -> None:
    with pytest.raises(InputError, match=r"\(rows, 4\)"):
        load("xgboost", boosted.data).predict(np.zeros((1, 3)))


def test_bytes_that_are_none_are_refused(boosted: Boosted) -> None:
    for data in (b"", b"tree", boosted.data[:-5], bytes(boosted.estimator.get_booster().save_raw("json"))):
        with pytest.raises(CorruptError, match="not an XGBoost model"):
            load("xgboost", data)
    with pytest.raises(CorruptError):
        load("xgboost", boosted.data[:200], known=True)


def test_random_damage_never_kills_the_process(boosted: Boosted, tmp_path: Path) -> None:
    (tmp_path / "model.ubj").write_bytes(boosted.data)
    np.save(tmp_path / "rows.npy", boosted.matrix[:20])
    done = subprocess.run(
        [sys.executable, "-c", _DAMAGE, str(tmp_path / "model.ubj"), str(tmp_path / "rows.npy")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    refused, answered = map(int, done.stdout.split("\n")[-2].split())
    assert refused > 100 and refused + answered == 400


def test_the_package_is_not_imported(boosted: Boosted, tmp_path: Path) -> None:
    (tmp_path / "model.ubj").write_bytes(boosted.data)
    code = (
        "import sys; from argosy.model.format import load\n"
        "load('xgboost', open(sys.argv[1], 'rb').read()); print({'xgboost', 'sklearn'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "model.ubj")], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("set()", 0), done.stderr[-500:]


_DAMAGE = """
import random, sys
import numpy as np
from argosy.errors import ArgosyError
from argosy.model.format import load
data = open(sys.argv[1], "rb").read()
rows = np.load(sys.argv[2])
rng, counts = random.Random(3), [0, 0]
for _ in range(400):
    damaged = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    try:
        model = load("xgboost", bytes(damaged))
        model.predict(rows), model.explain(rows)
        counts[1] += 1
    except ArgosyError:
        counts[0] += 1
print(*counts)
"""
