"""Export of fitted estimators, proven against what they answer themselves."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier

from argosy.errors import CorruptError, DeclarationError, InputError
from argosy.model.export import answers, export, prove
from argosy.model.format import load
from tests.model.conftest import Fitted


@pytest.mark.parametrize(
    ("estimator", "task"),
    [
        (make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), "binary"),
        (HistGradientBoostingClassifier(max_iter=5), "binary"),
        (make_pipeline(SimpleImputer(), GaussianNB()), "binary"),
        (make_pipeline(SimpleImputer(), Ridge()), "regression"),
        (make_pipeline(SimpleImputer(), RandomForestRegressor(5, max_depth=4, random_state=0)), "regression"),
        (LGBMRegressor(n_estimators=5, verbose=-1, n_jobs=1), "regression"),
        (XGBRFClassifier(n_estimators=5, n_jobs=1), "binary"),
        (XGBRegressor(n_estimators=5, n_jobs=1), "regression"),
    ],
)
def test_exports_answer_as_the_estimator(fitted: Fitted, estimator: Any, task: str) -> None:
    signature = msgspec.structs.replace(fitted.signature, task=task)
    label = answers(fitted.estimator, fitted.matrix)
    estimator.fit(fitted.matrix, label > 0.5 if task == "binary" else label)
    format, data = export(estimator, signature, fitted.matrix[:10])
    tolerance = 1e-5 if format == "onnx" else 0.0
    model = load(format, data, known=True)
    assert prove(estimator, model, fitted.matrix, tolerance) <= tolerance
    assert model.predict(fitted.matrix[:1]).shape == (1,) and model.predict(fitted.matrix[:0]).shape == (0,)
    score, said = model.explain(fitted.matrix[:5]).sum(axis=1), model.predict(fitted.matrix[:5])
    assert model.space == ("log_odds" if task == "binary" else "value")
    np.testing.assert_allclose(1 / (1 + np.exp(-score)) if task == "binary" else score, said, rtol=1e-6)


def test_text_labels_keep_the_order_of_the_wrapper(fitted: Fitted) -> None:
    estimator = make_pipeline(SimpleImputer(), LogisticRegression())
    estimator.fit(fitted.matrix, np.where(answers(fitted.estimator, fitted.matrix) > 0.5, "no", "yes"))
    format, data = export(estimator, fitted.signature, fitted.matrix[:2])
    assert prove(estimator, load(format, data), fitted.matrix, 1e-5) <= 1e-5


def test_a_difference_is_an_error_with_both_answers(fitted: Fitted) -> None:
    other = LGBMRegressor(n_estimators=1, verbose=-1, n_jobs=1).fit(fitted.matrix, fitted.matrix[:, 1] > 0)
    with pytest.raises(DeclarationError, match="exported form"):
        prove(other, load("lightgbm", fitted.text), fitted.matrix, 1e-9)


@pytest.mark.parametrize("estimator", [make_pipeline(SimpleImputer(), SplineTransformer(), LogisticRegression())])
def test_what_cannot_be_exported_is_named(fitted: Fitted, estimator: Any) -> None:
    estimator.fit(fitted.matrix, answers(fitted.estimator, fitted.matrix) > 0.5)
    with pytest.raises(DeclarationError, match=r"SplineTransformer[\s\S]*use LGBMClassifier"):
        export(estimator, fitted.signature, fitted.matrix[:2])


def test_a_classifier_without_probabilities_is_refused(fitted: Fitted) -> None:
    estimator = RidgeClassifier().fit(np.nan_to_num(fitted.matrix), fitted.matrix[:, 3] > 2)
    with pytest.raises(DeclarationError, match="RidgeClassifier is no classifier with probabilities"):
        export(estimator, fitted.signature, fitted.matrix[:2])


def test_the_ends_of_what_lightgbm_saw_do_not_leave_with_it(fitted: Fitted) -> None:
    def numbers(text: bytes) -> set[float]:
        return {float(each) for each in re.findall(rb"-?\d+\.\d+(?:e-?\d+)?", text)}

    ends = {float(each) for find in (np.nanmin, np.nanmax) for each in find(fitted.matrix[:, :3], axis=0)}
    format, data = export(fitted.estimator, fitted.signature, fitted.matrix)
    assert ends <= numbers(fitted.text) and ends.isdisjoint(numbers(data))
    np.testing.assert_array_equal(
        load(format, data).predict(fitted.matrix), load(format, fitted.text).predict(fitted.matrix)
    )
    assert b"feature_infos=[-inf:inf] [-inf:inf] [-inf:inf] " in data  # categories are in the signature anyway


def test_a_sample_of_another_width_is_refused(fitted: Fitted) -> None:
    with pytest.raises(InputError, match="the signature names 4"):
        export(fitted.estimator, fitted.signature, fitted.matrix[:2, :3])


def test_a_graph_without_rows_to_compare_with_says_so_and_one_with_foreign_ones_as_well(fitted: Fitted) -> None:
    model = _graph(fitted)
    del model.metadata_props[:]
    with pytest.raises(InputError, match="carries no background rows"):
        load("onnx", model.SerializeToString()).explain(fitted.matrix[:1])
    for text in ("AAAA", "", "no base64"):
        del model.metadata_props[:]
        model.metadata_props.add(key="argosy.background", value=text)
        with pytest.raises(CorruptError, match="background of an ONNX model"):
            load("onnx", model.SerializeToString()).explain(fitted.matrix[:1])


def _graph(fitted: Fitted) -> Any:
    estimator = LogisticRegression().fit(np.nan_to_num(fitted.matrix), fitted.matrix[:, 3] > 2)
    return onnx.load_model_from_string(export(estimator, fitted.signature, np.zeros((1, 4)))[1])


def test_weights_outside_the_file_are_refused(fitted: Fitted) -> None:
    model = _graph(fitted)
    weights = onnx.numpy_helper.from_array(np.zeros(3, dtype=np.float32), "outside")
    onnx.external_data_helper.set_external_data(weights, location="../../etc/passwd")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.ClearField("raw_data")
    model.graph.initializer.append(weights)
    with pytest.raises((InputError, CorruptError)):
        load("onnx", model.SerializeToString())


def test_operators_of_another_domain_are_refused(fitted: Fitted) -> None:
    model = _graph(fitted)
    model.opset_import.append(onnx.helper.make_opsetid("com.evil", 1))
    with pytest.raises(InputError, match=r"com\.evil"):
        load("onnx", model.SerializeToString())


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x80\x04cos\nsystem\n", bytes(range(256)) * 10])
def test_garbage_is_corrupt_in_every_format(data: bytes) -> None:
    for format in ("lightgbm", "onnx", "pickle"):
        with pytest.raises(CorruptError):
            load(format, data)


def test_unknown_formats_and_huge_files_are_refused() -> None:
    with pytest.raises(InputError, match="unknown model format 'joblib'"):
        load("joblib", b"")
    with pytest.raises(InputError, match="above the limit"):
        load("onnx", b"12345", limit=4)


@pytest.mark.parametrize(
    ("options", "why"), [({"missing": 0.0}, r"XGBClassifier\(missing=0\)"), ({"booster": "dart"}, "booster='dart'")]
)
def test_xgboost_that_has_no_portable_form_says_which_parameter_is_to_blame(
    fitted: Fitted, options: dict[str, Any], why: str
) -> None:
    estimator = XGBClassifier(n_estimators=2, n_jobs=1, **options).fit(fitted.matrix, fitted.matrix[:, 1] > 0)
    with pytest.raises(DeclarationError, match=why):
        export(estimator, fitted.signature, fitted.matrix[:2])
