"""Any other scikit-learn compatible estimator, with the preparation in front that it cannot do without."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import get_tags

from argosy.errors import DeclarationError
from argosy.model.catboost import is_catboost, settled
from argosy.model.export import answers, export, is_xgboost, pickled, prove
from argosy.model.format import Model, load
from argosy.model.signature import Signature
from argosy.model.torch import seed as seeded
from argosy.model.trusted.content import FORMAT
from argosy.training.rows import Block, Floats, Integers, Matrix

_NONE = -1.0
_TOLERANCE = 1e-3
_SAMPLE = 500
_GREEDY = ("lightgbm.", "xgboost.")
"""Libraries that take all processors where they are told nothing."""
_LOSES_MISSING = ("sklearn.ensemble._forest", "sklearn.ensemble._bagging", "sklearn.tree.")


class Plain:
    """An estimator fitted on rows. Values are rounded to float32 first, as its portable form will see them."""

    def __init__(
        self, estimator: Any, rows: Block, signature: Signature, seed: int, *, trusted: bool = False
    ) -> None:  # fmt: skip
        self.fitted: Floats | None = None
        self._width, self._trusted = len(signature.features), trusted
        self._estimator = prepared(_settled(estimator, signature, seed), signature)
        labels = rows.labels.astype(np.int64) if is_classifier(estimator) else rows.labels
        matrix = _rounded(rows.matrix)
        matrix[:, np.isnan(matrix).all(axis=0)] = 0.0  # a column without a value is one that never matters
        seeded(seed)
        self._estimator.fit(matrix, labels)
        self._sample = matrix[:: max(1, len(matrix) // _SAMPLE)]
        self._scale = 1.0 if is_classifier(estimator) else max(float(np.std(rows.labels)), 1e-12)

    def predict(self, matrix: Matrix) -> Floats:
        """See `Learner.predict`."""
        return answers(self._estimator, _rounded(matrix))

    def portable(self, signature: Signature, sample: Matrix) -> tuple[str, bytes, Model, float]:
        """See `Learner.portable`. The tolerance of ONNX is a thousandth: of a probability, or of the labels' deviation.

        Any other format is its library's own, and has none. A trusted estimator that has no such form, or answers
        otherwise in it, is pickled.
        """
        try:
            format, data = export(self._estimator, signature, _rounded(sample), self._sample)
            return self._proven(format, data, sample)
        except DeclarationError:
            if not self._trusted:
                raise
        data = pickled(self._estimator, signature, self._sample)
        return self._proven(FORMAT, data, sample)

    def _proven(self, format: str, data: bytes, sample: Matrix) -> tuple[str, bytes, Model, float]:
        model, tolerance = load(format, data), _TOLERANCE * self._scale if format == "onnx" else 0.0
        return format, data, model, prove(self._estimator, model, _rounded(sample), tolerance)

    def importance(self) -> Floats | None:
        """What the estimator states of itself: its impurity importance, or how far a feature moves a linear model.

        The latter is the standard deviation, over rows it was fitted on, of the feature's part of the sum.
        """
        prepared = isinstance(self._estimator, Pipeline) and "prepare" in self._estimator.named_steps
        last = self._estimator["estimator"] if prepared else self._estimator
        owners = self._owners() if prepared else np.arange(self._width, dtype=np.int64)
        stated = getattr(last, "feature_importances_", None)
        if stated is not None and len(stated) == len(owners):
            return np.bincount(owners, stated, self._width).astype(np.float64)
        weights = np.asarray(getattr(last, "coef_", ()), dtype=np.float64).reshape(-1)
        if not prepared or len(weights) != len(owners):
            return None
        parts = np.asarray(self._estimator["prepare"].transform(self._sample)) * weights
        moved = [parts[:, owners == feature].sum(axis=1).std() for feature in range(self._width)]
        return np.asarray(moved, dtype=np.float64)

    def _owners(self) -> Integers:
        """The feature behind each column that the preparation makes."""
        owners: list[int] = []
        for name, step, columns in self._estimator["prepare"].transformers_:
            if name == "categories":
                for column, kept in zip(columns, step[-1].categories_, strict=True):
                    owners += [column] * len(kept)
            elif name == "numbers":
                owners += columns
        return np.asarray(owners, dtype=np.int64)


def prepared(estimator: Any, signature: Signature) -> Any:
    """The estimator, behind imputation, scaling and one column a category if it takes no missing values.

    Forests and trees of scikit-learn take them, but their ONNX form does not, so they are prepared as well, and so are
    ensembles that have one. Numbers: the median where missing, then zero mean and unit variance; a column without any
    value becomes zero. Categories: one column for each of the rows' own, none for a value not seen.
    """
    if get_tags(estimator).input_tags.allow_nan and not _loses_missing(estimator):
        return estimator
    kinds = [feature.kind for feature in signature.features]
    numbers = [index for index, kind in enumerate(kinds) if kind != "category"]
    categories = [index for index, kind in enumerate(kinds) if kind == "category"]
    scale = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    steps: list[tuple[str, Any, list[int]]] = [("numbers", scale, numbers)] if numbers else []
    if categories:
        fill = SimpleImputer(strategy="constant", fill_value=_NONE, keep_empty_features=True)
        encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        steps.append(("categories", make_pipeline(fill, encode), categories))
    return Pipeline([("prepare", ColumnTransformer(steps)), ("estimator", estimator)])


def _settled(estimator: Any, signature: Signature, seed: int) -> Any:
    """One thread and a seed, where the estimator has such parameters and the declaration left them open.

    XGBoost takes categories as numbers where it is told nothing.
    """
    given = estimator.get_params()
    if is_catboost(estimator):
        return estimator.set_params(**settled(given, seed))
    ours, native = _open(estimator, given, seed), is_xgboost(estimator)
    kinds = [feature.kind for feature in signature.features]
    if native and "category" in kinds and given["feature_types"] is None and given["tree_method"] != "exact":
        ours |= {"enable_categorical": True, "feature_types": ["c" if kind == "category" else "q" for kind in kinds]}
    return estimator.set_params(**ours) if ours else estimator


def _open(estimator: Any, given: dict[str, Any], seed: int) -> dict[str, Any]:
    """One thread, and a seed where none is given, for an estimator and for those within it, by parameter."""
    ours: dict[str, Any] = {}
    for name, value in given.items():
        owner, _, last = name.rpartition("__")
        greedy = type(given.get(owner, estimator)).__module__.startswith(_GREEDY)
        if last == "n_jobs" and (greedy or value is not None):
            ours[name] = 1
        elif last == "random_state" and value is None:
            ours[name] = seed
    return ours


def _loses_missing(estimator: Any) -> bool:
    """Whether the ONNX form of an estimator, or of a part of an ensemble, does not take missing values as it does."""
    parts = (estimator, *(part for _, part in getattr(estimator, "estimators", None) or ()))
    return any(type(part).__module__.startswith(_LOSES_MISSING) for part in parts)


def _rounded(matrix: Matrix) -> Matrix:
    return matrix.astype(np.float32).astype(np.float64)
