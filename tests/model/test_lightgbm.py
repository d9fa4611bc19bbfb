"""LightGBM text: equal to the package, refused when broken, and never a crash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMRegressor

from argosy.errors import CorruptError, InputError
from argosy.model.format import load
from argosy.model.lightgbm import LightGBM, parameters
from argosy.model.matrix import Matrix
from tests.model.conftest import Fitted


def test_answers_equal_the_package_exactly(fitted: Fitted) -> None:
    model = load("lightgbm", fitted.text)
    wanted = fitted.estimator.predict_proba(fitted.matrix)[:, 1]
    np.testing.assert_array_equal(model.predict(fitted.matrix), wanted)
    for count in (1, 2, 4, 5):
        parts = [model.predict(fitted.matrix[i : i + count]) for i in range(0, len(wanted), count)]
        np.testing.assert_array_equal(np.concatenate(parts), wanted)
    np.testing.assert_array_equal(model.predict(np.asfortranarray(fitted.matrix[:3])), wanted[:3])
    rows = LightGBM(fitted.text)
    np.testing.assert_array_equal([rows.predict_row(row.tobytes()) for row in fitted.matrix], wanted)
    np.testing.assert_array_equal(model.predict(np.asfortranarray(fitted.matrix)), wanted)
    assert model.predict(fitted.matrix[:0]).shape == (0,)


def test_contributions_sum_to_the_raw_score(fitted: Fitted) -> None:
    contributions = LightGBM(fitted.text).explain(fitted.matrix)
    assert contributions.shape == (400, 5)
    np.testing.assert_allclose(contributions.sum(axis=1), fitted.estimator.predict(fitted.matrix, raw_score=True))
    assert LightGBM(fitted.text).explain(fitted.matrix[:0]).shape == (0, 5)


@pytest.mark.parametrize(
    ("options", "space", "answer"),
    [
        ({"objective": "binary", "sigmoid": 2.5}, "log_odds", lambda score: 1 / (1 + np.exp(-score))),
        ({"objective": "binary", "boosting_type": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "log_odds",
         lambda score: 1 / (1 + np.exp(-score))),
        ({"objective": "cross_entropy"}, "log_odds", lambda score: 1 / (1 + np.exp(-score))),
        ({"objective": "poisson"}, "log", np.exp),
        ({"objective": "regression"}, "value", lambda score: score),
        ({"objective": "regression", "reg_sqrt": True}, "root", lambda score: score * np.abs(score)),
        ({"objective": "quantile"}, "value", lambda score: score),
    ],
)  # fmt: skip
def test_contributions_sum_to_the_answer_in_the_space_that_they_are_in(
    options: dict[str, Any], space: str, answer: Callable[[Matrix], Matrix]
) -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(300, 3))
    label = (rows[:, 0] + rng.normal(size=300) > 0).astype(float)
    fitted = LGBMRegressor(n_estimators=8, num_leaves=7, verbose=-1, n_jobs=1, **options).fit(rows, label)
    model = LightGBM(fitted.booster_.model_to_string().encode())
    assert model.space == space
    np.testing.assert_allclose(answer(model.explain(rows).sum(axis=1)), model.predict(rows))


def test_it_tells_its_parameters_under_all_their_names() -> None:
    found = parameters()
    assert found >= {"num_leaves", "max_leaves", "lambda_l1", "reg_alpha", "verbosity", "min_child_samples"}
    assert found.isdisjoint({"num_leavs", "n_estimator", "importance_type", ""})


def test_threads_share_one_model(fitted: Fitted) -> None:
    model = load("lightgbm", fitted.text)
    wanted = model.predict(fitted.matrix)

    def rows(start: int) -> bool:
        return all(model.predict(fitted.matrix[i : i + 1])[0] == wanted[i] for i in range(start, 400, 4))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(rows, range(4)))


def test_answers_to_single_rows_stay_what_they_were(fitted: Fitted) -> None:
    model = load("lightgbm", fitted.text)
    wanted = model.predict(fitted.matrix)
    answers = [model.predict(fitted.matrix[i : i + 1]) for i in range(50)]
    np.testing.assert_array_equal(np.concatenate(answers), wanted[:50])
    strided = np.repeat(fitted.matrix, 2, axis=1)[:, ::2]
    np.testing.assert_array_equal(model.predict(strided[7:8]), wanted[7:8])


def test_a_matrix_of_another_width_is_refused(fitted: Fitted) -> None:
    with pytest.raises(InputError, match=r"\(rows, 4\)"):
        load("lightgbm", fitted.text).predict(np.zeros((1, 3)))
    for row in (fitted.matrix[0, :-1], np.append(fitted.matrix[0], 0.0)):
        with pytest.raises(InputError, match="the model takes"):
            LightGBM(fitted.text).predict_row(row.tobytes())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"left_child=", b"left_child=77 "),
        (b"split_feature=", b"split_feature=99 "),
        (b"num_class=1", b"num_class=3"),
        (b"num_leaves=7", b"num_leaves=2000000000"),
        (b"leaf_value=", b"leaf_value=0x "),
        (b"tree_sizes=", b"tree_sizes=5 "),
        (b"max_feature_idx=3", b"max_feature_idx=1"),
    ],
)
def test_a_wrong_text_is_refused_before_the_native_parser(fitted: Fitted, old: bytes, new: bytes) -> None:
    assert old in fitted.text
    with pytest.raises(CorruptError):
        load("lightgbm", fitted.text.replace(old, new, 1))


def test_a_child_that_points_back_is_refused(fitted: Fitted) -> None:
    start = fitted.text.index(b"left_child=") + len(b"left_child=")
    end = fitted.text.index(b"\n", start)
    words = fitted.text[start:end].split(b" ")
    assert len(words[0]) == 1, "so that tree_sizes still holds"
    loop = b" ".join([b"0", *words[1:]])
    with pytest.raises(CorruptError, match="outside its tree"):
        load("lightgbm", fitted.text[:start] + loop + fitted.text[end:])


def test_random_damage_never_kills_the_process(fitted: Fitted, tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_bytes(fitted.text)
    np.save(tmp_path / "rows.npy", fitted.matrix[:20])
    done = subprocess.run(
        [sys.executable, "-c", _DAMAGE, str(path), str(tmp_path / "rows.npy")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-500:]
    refused, answered = map(int, done.stdout.split("\n")[-2].split())
    assert refused > 300 and refused + answered == 400


_DAMAGE = """
import random, sys
import numpy as np
from argosy.errors import ArgosyError
from argosy.model.format import load
text = open(sys.argv[1], "rb").read()
text = text[: text.index(b"end of trees") + 60]
rows = np.load(sys.argv[2])
rng, counts = random.Random(3), [0, 0]
for _ in range(400):
    damaged = bytearray(text)
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(damaged))
        if rng.random() < 0.5:
            damaged[place] = rng.randrange(256)
        elif rng.random() < 0.5:
            damaged[place : place + rng.randrange(1, 9)] = str(rng.choice([-1, 0, 7, 2**31, 10**12])).encode()
        else:
            del damaged[place:]
        if not damaged:
            break
    try:
        model = load("lightgbm", bytes(damaged))
        model.predict(rows), model.predict(rows[:1]), model.explain(rows)
        counts[1] += 1
    except ArgosyError:
        counts[0] += 1
print(*counts)
"""


def test_neither_the_package_nor_scikit_learn_is_imported(fitted: Fitted, tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_bytes(fitted.text)
    code = (
        "import sys; from argosy.model.format import load; load('lightgbm', open(sys.argv[1], 'rb').read());"
        "print(*sorted({'sklearn', 'pandas', 'lightgbm', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
