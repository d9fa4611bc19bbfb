"""Turn a fitted estimator into portable bytes, and prove that they answer as it does.

For training workers: it needs scikit-learn, which the servers never import.
"""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from argosy.errors import DeclarationError, InputError
from argosy.model import catboost
from argosy.model.background import BACKGROUND, packed, typical
from argosy.model.format import Model, load
from argosy.model.matrix import Matrix
from argosy.model.signature import Signature
from argosy.model.trusted import content

_INSTEAD = (
    "use LGBMClassifier, XGBClassifier, their regressors, or an estimator or pipeline that skl2onnx converts; where "
    "whoever asks it may run its code, declare Candidate(..., trusted=True)"
)
_ENDS = "[-inf:inf]"
_OPSET = {"": 18, "ai.onnx.ml": 3}


def export(
    estimator: Any, signature: Signature, sample: Matrix, background: Matrix | None = None
) -> tuple[str, bytes]:  # fmt: skip
    """The format and the bytes of a fitted estimator.

    LightGBM's scikit-learn classes become LightGBM text and XGBoost's its binary form; any other
    scikit-learn estimator or pipeline, and CatBoost's, becomes ONNX, computed in float32, which carries
    what is typical of the rows of `background` (default: `sample`), which its answers are explained against. No form
    holds a row of either, nor the ends of a column, by itself. The bytes are loaded
    with every check and asked for the rows of `sample` before they are returned. Raises DeclarationError,
    naming the class, for an estimator that has no portable form, and InputError if its width or classes
    do not fit.
    """
    _check_fit(estimator, signature, sample)
    kind = type(estimator).__name__
    if _is_lightgbm(estimator):
        format, data = "lightgbm", _without_ends(estimator.booster_.model_to_string()).encode()
    elif is_xgboost(estimator):
        format, data = "xgboost", _to_xgboost(estimator)
    else:
        format, data = "onnx", _to_onnx(estimator, signature, sample if background is None else background)
    answer = load(format, data).predict(sample)
    if answer.shape != (len(sample),):
        raise DeclarationError(f"{kind} exported to {format} answers in shape {answer.shape}", next=_INSTEAD)
    return format, data


def pickled(estimator: Any, signature: Signature, background: Matrix) -> bytes:
    """The bytes of a fitted estimator that is trusted: its pickle, with what is typical of the rows of `background`.

    Raises DeclarationError for one that cannot be pickled, and as `export` does if it does not fit.
    """
    _check_fit(estimator, signature, background)
    kinds = [each.kind for each in signature.features]
    rows = typical(background, answers(estimator, background), kinds)
    return content.pack(estimator, len(kinds), signature.task, rows)


def prove(estimator: Any, model: Model, matrix: Matrix, tolerance: float) -> float:
    """The largest difference between the estimator's answers and the model's over the matrix.

    Zero is expected of every format but ONNX. Raises DeclarationError if it is above `tolerance`, or not
    a number where the estimator's answer is one.
    """
    wanted, seen = answers(estimator, matrix), model.predict(matrix)
    difference = float(np.max(np.abs(wanted - seen), initial=0.0))
    if not difference <= tolerance:
        worst = int(np.argmax(np.nan_to_num(np.abs(wanted - seen), nan=np.inf)))
        raise DeclarationError(
            f"{type(estimator).__name__} answers {wanted[worst]:.6g} and its exported form {seen[worst]:.6g} "
            f"(row {worst}, tolerance {tolerance:g})",
            next=_INSTEAD,
        )
    return difference


def answers(estimator: Any, matrix: Matrix) -> npt.NDArray[np.float64]:
    """What the estimator itself says: probability of its second class, or the value."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        if _is_classifier(estimator):
            return np.asarray(estimator.predict_proba(matrix)[:, 1], dtype=np.float64)
        return np.asarray(estimator.predict(matrix), dtype=np.float64).reshape(-1)


def _check_fit(estimator: Any, signature: Signature, sample: Matrix) -> None:
    kind, width = type(estimator).__name__, len(signature.features)
    seen = getattr(estimator, "n_features_in_", width)
    if seen != width or sample.ndim != 2 or sample.shape[1] != width:
        raise InputError(
            f"{kind} was fitted on {seen} features and the sample is {sample.shape}, the signature names {width}",
            next="fit and export with matrices of the same signature",
        )
    if (signature.task == "binary") != _is_classifier(estimator):
        raise DeclarationError(
            f"{kind} is no {'classifier with probabilities' if signature.task == 'binary' else 'regressor'}, "
            f"the label {signature.label!r} is {signature.task}",
            next="declare a candidate of the label's task",
        )
    classes = list(getattr(estimator, "classes_", (0, 1)))
    if signature.task == "binary" and len(classes) != 2:
        raise InputError(f"{kind} saw the classes {classes[:5]}, wanted two", next="train on rows of both classes")


def _is_classifier(estimator: Any) -> bool:
    return hasattr(estimator, "predict_proba")


def _is_lightgbm(estimator: Any) -> bool:
    from lightgbm import LGBMClassifier, LGBMRegressor  # a CPU-second: only workers call this

    return isinstance(estimator, (LGBMClassifier, LGBMRegressor))


def is_xgboost(estimator: Any) -> bool:
    """Whether an estimator is one of XGBoost's scikit-learn classes, fitted or not."""
    return any(kind.__module__ == "xgboost.sklearn" for kind in type(estimator).__mro__)


def _to_xgboost(estimator: Any) -> bytes:
    kind, missing, booster = type(estimator).__name__, estimator.missing, estimator.booster or "gbtree"
    if not math.isnan(missing):
        raise DeclarationError(
            f"{kind}(missing={missing:g}) takes a number for a missing value, which its portable form does not say",
            next="leave missing as it is: a value that is missing is NaN here",
        )
    if booster != "gbtree":
        raise DeclarationError(f"{kind}(booster={booster!r}) has no portable form", next="train with booster='gbtree'")
    return bytes(estimator.get_booster().save_raw("ubj"))


def _without_ends(text: str) -> str:
    """A model of LightGBM without the least and the largest value that it saw of each number, which are of one row."""
    return re.sub(r"(?m)^feature_infos=.*$", lambda found: re.sub(r"\[[^\]]*\]", _ENDS, found[0]), text, count=1)


def _to_onnx(estimator: Any, signature: Signature, rows: Matrix) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            own = catboost.is_catboost(estimator)
            graph = catboost.graph(estimator) if own else _converted(estimator, rows.shape[1])
    except Exception as error:  # each converter raises what it likes
        reason = str(error).strip().split("\n")[0][:200]
        raise DeclarationError(
            f"{type(estimator).__name__} has no portable form ({type(error).__name__}: {reason})", next=_INSTEAD
        ) from error
    kinds = [each.kind for each in signature.features]
    graph.metadata_props.add(key=BACKGROUND, value=packed(typical(rows, answers(estimator, rows), kinds)))
    data: bytes = graph.SerializeToString()
    return data


def _converted(estimator: Any, features: int) -> Any:
    from skl2onnx import to_onnx  # the same
    from skl2onnx.common.data_types import FloatTensorType

    from argosy.model import graft, torch

    graft.register()
    torch.register(estimator)
    return to_onnx(
        estimator,
        initial_types=[("matrix", FloatTensorType([None, features]))],
        options={id(estimator): {"zipmap": False}} if _is_classifier(estimator) else None,
        target_opset=_OPSET,
    )
