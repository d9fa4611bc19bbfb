"""Estimators as data: they come back as they were, defaults left out, and what cannot come back is refused."""

from __future__ import annotations

import functools
import json
import operator
from typing import Any

import msgspec
import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from argosy.errors import DeclarationError
from argosy.spec.estimator import Estimator


class Own(BaseEstimator):  # type: ignore[misc]
    """An estimator of a project."""

    class Inner(BaseEstimator):  # type: ignore[misc]
        """One inside of another."""

        def __init__(self, depth: int = 1) -> None:
            self.depth = depth

    def __init__(self, given: Any = None) -> None:
        self.given = given


def double(values: Any) -> Any:
    """A function of a project."""
    return values * 2


class Scale:
    """Something that is not an estimator."""

    def by(self, values: Any) -> Any:
        """A method."""
        return values


ESTIMATORS = [
    LGBMClassifier(),
    LGBMClassifier(n_estimators=80, num_leaves=7, objective="binary", min_split_gain=0.1, extra_trees=True),
    RandomForestClassifier(max_features=1),
    RandomForestClassifier(max_features=1.0),
    SimpleImputer(),
    SimpleImputer(missing_values=-1, strategy="constant", fill_value=np.float64(3.5)),
    LogisticRegression(class_weight={0: 1, 1: 3.5}),
    LogisticRegression(class_weight={"a": 1, "b": 2}),
    OneHotEncoder(dtype=np.float32, categories=[["a", "b"]]),
    SelectKBest(k=3),
    make_pipeline(SimpleImputer(), StandardScaler(with_mean=False), LogisticRegression(C=0.5)),
    Pipeline([("scale", "passthrough"), ("fit", make_pipeline(StandardScaler(), LogisticRegression()))]),
    ColumnTransformer([("a", StandardScaler(), ["x", "y"]), ("b", "drop", "z")], remainder="passthrough"),
    FeatureUnion([("a", StandardScaler()), ("b", FunctionTransformer(np.log1p))]),
    FunctionTransformer(double, kw_args={"a": (1, 2), "b": [None, True]}),
    StackingClassifier([("a", LGBMClassifier(n_estimators=2)), ("b", LogisticRegression())]),
    GaussianProcessClassifier(1.5 * RBF(2.0) + RBF()),
    Own(given=Own(given=float("nan"))),
    Own.Inner(depth=3),
    Own(given={}),
    Own(given=()),
    Own(given=float("-inf")),
]


def plain(value: Any) -> Any:
    """Parameters as values that compare."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        return type(value), {key: plain(item) for key, item in value.get_params(deep=False).items()}
    if isinstance(value, (list, tuple)):
        return type(value), [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return repr(value) if isinstance(value, (float, np.number)) else value


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_round_trip(estimator: Any) -> None:
    found = Estimator.of(estimator)
    again = msgspec.json.decode(msgspec.json.encode(found), type=Estimator)
    assert again == found
    assert plain(again.build()) == plain(estimator) or isinstance(estimator, SimpleImputer)
    assert Estimator.of(again.build()) == found
    assert again.build() is not again.build()


def test_only_what_differs_from_the_defaults_is_kept() -> None:
    assert Estimator.of(LogisticRegression(C=1.0, max_iter=100)).parameters == {}
    assert Estimator.of(SimpleImputer(missing_values=np.nan)).parameters == {}
    assert Estimator.of(LogisticRegression(C=2.0)).parameters == {"C": 2.0}
    share = Estimator.of(RandomForestClassifier(max_features=1.0)).parameters["max_features"]
    count = Estimator.of(RandomForestClassifier(max_features=1)).parameters["max_features"]
    assert (type(share), type(count)) == (float, int)  # all features, and one
    assert Estimator.of(SelectKBest()) == Estimator.of(SelectKBest(score_func=f_classif))


def test_overrides_and_names() -> None:
    found = Estimator.of(LGBMClassifier(n_estimators=80))
    assert (found.name, found.build(num_leaves=9).num_leaves) == ("LGBMClassifier", 9)
    assert Estimator.of(found) is found
    pipeline = Estimator.of(make_pipeline(StandardScaler(), LogisticRegression()))
    assert pipeline.build(logisticregression__C=7.0).named_steps["logisticregression"].C == 7.0


def test_references_name_all_code() -> None:
    pipeline = make_pipeline(FunctionTransformer(double), Own(given=[{1: Own.Inner()}]))
    found = Estimator.of(pipeline).references()
    assert found[0] == "sklearn.pipeline:Pipeline"
    assert {f"{__name__}:double", f"{__name__}:Own", f"{__name__}:Own.Inner"} <= set(found)


def _local() -> Any:
    class Local(BaseEstimator):  # type: ignore[misc]
        pass

    return Local()


REFUSED = [
    FunctionTransformer(lambda x: x),
    FunctionTransformer(functools.partial(double)),
    FunctionTransformer(Scale().by),
    FunctionTransformer(operator.methodcaller("copy")),
    ColumnTransformer([("a", StandardScaler(), make_column_selector())]),
    ColumnTransformer([("a", StandardScaler(), slice(0, 2))]),
    Own(given=np.zeros(3)),
    Own(given={1, 2}),
    Own(given=b"x"),
    Own(given=object()),
    RandomForestClassifier(random_state=np.random.RandomState(0)),
    make_pipeline(Own(given=object())),
    _local(),
]


@pytest.mark.parametrize("estimator", REFUSED, ids=range(len(REFUSED)))
def test_refused(estimator: Any) -> None:
    with pytest.raises(DeclarationError, match=r"^candidate") as caught:
        Estimator.of(estimator, "candidate")
    assert caught.value.next


@pytest.mark.parametrize("value", [LogisticRegression, 5, "LogisticRegression", None, Scale()])
def test_not_an_estimator(value: object) -> None:
    with pytest.raises(DeclarationError, match="must be a scikit-learn compatible estimator"):
        Estimator.of(value)


@pytest.mark.parametrize("path", ["", "os", "os:", ":system", "os:system()", "a b:c", "a:b:c", "../x:y"])
def test_paths_are_checked(path: str) -> None:
    with pytest.raises(DeclarationError, match=r"estimator\.path"):
        Estimator(path)


@pytest.mark.parametrize(
    "value",
    [
        {}, {"a": 1}, {"$tuple": 5}, {"$tuple": [], "$dict": {}}, {"$dict": []}, {"$pairs": [[1]]}, {"$float": "1"},
        {"$function": "os.system"}, {"$function": 5}, {"$estimator": {"path": "a:b"}},
        {"$estimator": {"path": "os", "parameters": {}}}, [[{"$function": "x"}]], {"$dict": {"a": {"b": 1}}},
    ],
)  # fmt: skip
def test_hand_written_parameters_are_checked(value: object) -> None:
    with pytest.raises(DeclarationError, match="estimator"):
        Estimator("a:B", {"x": value})


@pytest.mark.parametrize("path", ["os:system", "subprocess:Popen", "sklearn.linear_model:nope", "nowhere:X", "os:path"])
def test_only_estimators_are_built(path: str) -> None:
    with pytest.raises(DeclarationError, match=path):
        Estimator(path, {"args": ["true"]}).build()


def test_parameters_are_json() -> None:
    for estimator in ESTIMATORS:
        made = Estimator.of(estimator)
        read = json.loads(json.dumps(made.parameters, allow_nan=False))
        assert Estimator(made.path, read) == made
