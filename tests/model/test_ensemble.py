"""Models that answer as one: by a blend and by a cascade, and what is no such file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier, LGBMRegressor

from argosy.errors import CorruptError, InputError
from argosy.model.ensemble import Blend, Cascade, Ensemble, Quantiles, pack, unpack
from argosy.model.format import load
from argosy.model.matrix import Matrix
from tests.model.conftest import Fitted


def text(matrix: Matrix, trees: int, *, classes: bool = True, objective: str | None = None) -> bytes:
    kind = LGBMClassifier if classes else LGBMRegressor
    estimator = kind(n_estimators=trees, num_leaves=5, verbose=-1, n_jobs=1, objective=objective)
    label = np.nan_to_num(matrix[:, 0]) + (matrix[:, 3] == 1)
    estimator.fit(matrix, label > 0.5 if classes else np.exp(label))
    return str(estimator.booster_.model_to_string()).encode()


def logit(chance: Matrix) -> Matrix:
    return np.asarray(np.log(chance / (1 - chance)))


def test_a_blend_of_classifiers_is_the_mean_of_log_odds(fitted: Fitted) -> None:
    parts = [("lightgbm", fitted.text), ("lightgbm", text(fitted.matrix, 5))]
    model = load("ensemble", pack(Blend((0.25, 0.75)), parts))
    one, two = (load(*part).predict(fitted.matrix) for part in parts)
    np.testing.assert_allclose(logit(model.predict(fitted.matrix)), 0.25 * logit(one) + 0.75 * logit(two), atol=1e-9)
    told = model.explain(fitted.matrix)
    assert model.space == "log_odds" and model.features == 4 and model.bytes_in_memory > len(fitted.text) * 0.8
    np.testing.assert_allclose(told.sum(axis=1), logit(model.predict(fitted.matrix)), atol=1e-9)
    np.testing.assert_array_equal(told, 0.25 * load(*parts[0]).explain(fitted.matrix) + 0.75 * load(*parts[1]).explain(
        fitted.matrix))  # fmt: skip
    assert model.predict(fitted.matrix[:1]).shape == (1,) and model.predict(fitted.matrix[:0]).shape == (0,)


def test_a_blend_of_regressors_is_the_mean_of_values(fitted: Fitted) -> None:
    parts = [("lightgbm", text(fitted.matrix, trees, classes=False)) for trees in (4, 9)]
    model = load("ensemble", pack(Blend((0.5, 0.5)), parts))
    one, two = (load(*part).predict(fitted.matrix) for part in parts)
    np.testing.assert_allclose(model.predict(fitted.matrix), (one + two) / 2, rtol=1e-12)
    np.testing.assert_allclose(model.explain(fitted.matrix).sum(axis=1), (one + two) / 2, rtol=1e-9)


def test_a_cascade_answers_and_explains_each_row_by_one_part(fitted: Fitted) -> None:
    parts = [("lightgbm", text(fitted.matrix, 3)), ("lightgbm", fitted.text)]
    model = load("ensemble", pack(Cascade(0.4, 0.6), parts))
    small, large = (load(*part) for part in parts)
    first = small.predict(fitted.matrix)
    unsure = (first > 0.4) & (first < 0.6)
    assert 0 < unsure.sum() < len(unsure)
    np.testing.assert_array_equal(model.predict(fitted.matrix), np.where(unsure, large.predict(fitted.matrix), first))
    told = np.where(unsure[:, None], large.explain(fitted.matrix), small.explain(fitted.matrix))
    np.testing.assert_array_equal(model.explain(fitted.matrix), told)
    rows = [model.predict(fitted.matrix[row : row + 1])[0] for row in range(40)]
    np.testing.assert_array_equal(rows, model.predict(fitted.matrix)[:40])
    assert model.predict(fitted.matrix[:0]).shape == (0,) and model.explain(fitted.matrix[:0]).shape == (0, 5)


def test_quantiles_are_put_in_order_and_the_median_answers_and_explains(fitted: Fitted) -> None:
    parts = [("lightgbm", text(fitted.matrix, trees, classes=False)) for trees in (9, 2, 5)]  # they cross
    model = load("ensemble", pack(Quantiles((0.1, 0.5, 0.9)), parts))
    assert isinstance(model, Ensemble) and model.levels == (0.1, 0.5, 0.9)
    alone = np.array([load(*part).predict(fitted.matrix) for part in parts])
    np.testing.assert_array_equal(model.quantiles(fitted.matrix), np.sort(alone, axis=0).T)
    assert model.crossed(fitted.matrix) == (np.diff(alone, axis=0) < 0).any(axis=0).mean() > 0.5
    np.testing.assert_array_equal(model.predict(fitted.matrix), np.median(alone, axis=0))
    told = model.explain(fitted.matrix)
    np.testing.assert_allclose(told.sum(axis=1), model.predict(fitted.matrix), rtol=1e-9)
    assert model.predict(fitted.matrix[:0]).shape == (0,) and model.quantiles(fitted.matrix[:0]).shape == (0, 3)
    assert model.crossed(fitted.matrix[:0]) == 0.0
    for levels in ((0.5, 0.1, 0.9), (0.1, 0.6, 0.9), (0.1, 0.5), (0.0, 0.5, 1.0), (0.1, 0.1, 0.5)):
        with pytest.raises(CorruptError, match="do not answer by Quantiles"):
            unpack(pack(Quantiles(levels), parts))


def test_an_ensemble_may_hold_ensembles_but_not_without_end(fitted: Fitted) -> None:
    data = pack(Blend((0.5, 0.5)), [("lightgbm", fitted.text)] * 2)
    deep = pack(Cascade(0.5, 0.5), [("lightgbm", fitted.text), ("ensemble", data)])
    wanted = load("lightgbm", fitted.text).predict(fitted.matrix)
    np.testing.assert_allclose(load("ensemble", deep).predict(fitted.matrix), wanted, rtol=1e-12)
    for _ in range(2):
        deep = pack(Cascade(0.5, 0.5), [("lightgbm", fitted.text), ("ensemble", deep)])
    with pytest.raises(CorruptError, match="3 deep"):
        load("ensemble", deep)


def test_what_is_no_ensemble(fitted: Fitted) -> None:
    part = ("lightgbm", fitted.text)
    other = text(np.hstack([fitted.matrix, fitted.matrix]), 2)
    poisson = ("lightgbm", text(fitted.matrix, 2, classes=False, objective="poisson"))
    data = pack(Blend((0.5, 0.5)), [part, part])
    for wrong, said in (
        (pack(Blend((1.0,)), [part]), "1 parts"),
        (pack(Blend((0.5, 0.6)), [part, part]), "do not answer by"),
        (pack(Blend((1.5, -0.5)), [part, part]), "do not answer by"),
        (pack(Cascade(0.6, 0.4), [part, part]), "do not answer by"),
        (pack(Cascade(0.4, 0.6), [part, part, part]), "do not answer by"),
        (pack(Blend((0.5, 0.5)), [part, ("lightgbm", other)]), "do not fit each other"),
        (pack(Blend((0.5, 0.5)), [part, poisson]), "do not fit each other"),
        (pack(Blend((0.5, 0.5)), [poisson, poisson]), "in the space 'log'"),
        (data + b"x", "its parts end at"),
        (data[:-1], "its parts end at"),
        (data[:10], "do not start as one"),
        (b"tree\n", "do not start as one"),
        (data.replace(b'"rule":"blend"', b'"rule":"blond"'), "does not read"),
        (data.replace(b"tree_sizes=", b"tree_size_=", 1), "LightGBM text model"),
    ):
        with pytest.raises(CorruptError, match=said):
            load("ensemble", wrong)
    with pytest.raises(InputError, match="unknown model format 'joblib'"):
        load("ensemble", pack(Blend((0.5, 0.5)), [part, ("joblib", b"")]))
    with pytest.raises(InputError, match="the model takes"):
        load("ensemble", data).predict(fitted.matrix[:, :3])


@given(st.lists(st.tuples(st.sampled_from(["onnx", "lightgbm"]), st.binary(max_size=40)), min_size=2, max_size=5))
def test_what_was_packed_comes_back(parts: list[tuple[str, bytes]]) -> None:
    rule = Blend((1 / len(parts),) * len(parts))
    assert unpack(pack(rule, parts)) == (rule, parts)


@given(st.binary(max_size=60), st.integers(0, 2**32 - 1))
def test_any_bytes_are_an_ensemble_or_refused(tail: bytes, length: int) -> None:
    data = pack(Blend((0.5, 0.5)), [("onnx", b"a"), ("onnx", b"b")])
    mark = data[: data.index(b"{") - 4]
    for wrong in (mark + tail, mark + length.to_bytes(4, "little") + tail, tail + data):
        if wrong != data:
            with pytest.raises(CorruptError):
                unpack(wrong)
