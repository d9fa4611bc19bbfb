"""LightGBM by its own library: the same trees as its scikit-learn classes, without importing scikit-learn.

That import costs CPU-seconds in a process that may only have a few hundred small models to fit, and the wrapper a
twentieth of every fit.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from argosy.errors import DeclarationError
from argosy.model.format import Model, load
from argosy.model.lightgbm import library
from argosy.model.signature import Signature
from argosy.spec.estimator import Estimator
from argosy.training.rows import Block, Floats, Matrix

_CLASSES = {"LGBMClassifier": "binary", "LGBMRegressor": "regression"}
_MODULES = ("lightgbm", "lightgbm.sklearn")
_WRAPPER = {"n_estimators", "importance_type", "n_jobs", "random_state"}
_OURS = {
    *("verbose", "verbosity", "metric", "metrics", "metric_types"),
    *("num_threads", "num_thread", "nthread", "nthreads", "deterministic"),
}
_ELSEWHERE = {
    *("num_iterations", "num_iteration", "n_iter", "num_tree", "num_trees", "num_round", "num_rounds", "nrounds"),
    *("num_boost_round", "max_iter", "early_stopping_round", "early_stopping_rounds", "early_stopping"),
    *("n_iter_no_change", "class_weight"),
    *("linear_tree", "linear_trees"),  # refused by the check of a text form, which only the other way has
}
_ROUNDS = 100
_SEED_LIMIT = 2**31 - 1
_FLOAT32, _FLOAT64, _ROW_MAJOR, _NORMAL, _GAIN = (ctypes.c_int(n) for n in (0, 1, 1, 0, 1))


def direct(estimator: Estimator, settings: dict[str, Any] | None = None) -> bool:
    """Whether LightGBM's scikit-learn class adds nothing to such a fit that the library itself does not do."""
    module, _, name = estimator.path.partition(":")
    if module not in _MODULES or name not in _CLASSES:
        return False
    given = {key: value for key, value in _given(estimator, settings).items() if value is not None}
    plain = all(isinstance(value, str | int | float) for value in given.values())
    return plain and isinstance(given.get("n_estimators", 1), int) and not _ELSEWHERE & given.keys()


def parameters(estimator: Estimator, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """The library's parameters for a `direct` estimator: one thread, quiet, the same trees every time.

    The defaults of the scikit-learn classes are the library's own, but for the number of rounds, which is apart.
    """
    given = {key: value for key, value in _given(estimator, settings).items() if value is not None}
    state = int(given.get("random_state", seed)) % _SEED_LIMIT
    kept = {key: value for key, value in given.items() if key not in _WRAPPER | _OURS}
    kept.setdefault("objective", _CLASSES[estimator.name])
    if not {"force_col_wise", "force_row_wise"} & kept.keys():
        kept["force_col_wise"] = True  # else the library times both, and the trees depend on the clock
    return kept | {"metric": "None", "num_threads": 1, "verbosity": -1, "deterministic": True, "seed": state}


class Boosted:
    """A booster fitted on rows; the category features of the signature are split as categories."""

    def __init__(
        self, estimator: Estimator, settings: dict[str, Any], rows: Block, signature: Signature, seed: int
    ) -> None:
        self._width = len(signature.features)
        self._data, self._booster = ctypes.c_void_p(), ctypes.c_void_p()
        self._library = library()  # held, because at interpreter exit the module is emptied before the last models go
        given = parameters(estimator, settings, seed)
        categories = [index for index, feature in enumerate(signature.features) if feature.kind == "category"]
        if categories:
            given["categorical_column"] = ",".join(map(str, categories))
        text = " ".join(f"{key}={_text(value)}" for key, value in given.items()).encode()
        self._load(rows, text)
        _call("LGBM_BoosterCreate", self._data, text, ctypes.byref(self._booster))
        finished = ctypes.c_int()
        for _ in range(_given(estimator, settings).get("n_estimators", _ROUNDS)):
            _call("LGBM_BoosterUpdateOneIter", self._booster, ctypes.byref(finished))
            if finished.value:
                break
        self.fitted: Floats | None = self._own(len(rows.labels))

    def __del__(self) -> None:
        for handle, free in ((self._booster, "LGBM_BoosterFree"), (self._data, "LGBM_DatasetFree")):
            if handle:
                getattr(self._library, free)(handle)

    def predict(self, matrix: Matrix) -> Floats:
        """See `Learner.predict`."""
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        out, length = np.empty(len(rows)), ctypes.c_int64()
        _call("LGBM_BoosterPredictForMat", self._booster, _pointer(rows), _FLOAT64, ctypes.c_int32(len(rows)),
              ctypes.c_int32(self._width), _ROW_MAJOR, _NORMAL, 0, ctypes.c_int(-1), b"num_threads=1 verbosity=-1",
              ctypes.byref(length), _pointer(out))  # fmt: skip
        return out

    def portable(self, signature: Signature, sample: Matrix) -> tuple[str, bytes, Model, float]:
        """See `Learner.portable`; the text form is exact."""
        data = written(self._booster)
        model = load("lightgbm", data, known=True)  # the library wrote it just now, in this process
        difference = float(np.max(np.abs(self.predict(sample) - model.predict(sample)), initial=0.0))
        if not difference <= 1e-12:
            raise DeclarationError(
                f"LightGBM's text form differs from the booster by {difference:g}", next="report it with the parameters"
            )
        return "lightgbm", data, model, difference

    def importance(self) -> Floats | None:
        """Total gain of a feature's splits."""
        out = np.empty(self._width)
        _call("LGBM_BoosterFeatureImportance", self._booster, ctypes.c_int(0), _GAIN, _pointer(out))
        return out

    def _load(self, rows: Block, text: bytes) -> None:
        matrix = np.ascontiguousarray(rows.matrix, dtype=np.float64)
        labels = rows.labels.astype(np.float32)
        _call("LGBM_DatasetCreateFromMat", _pointer(matrix), _FLOAT64, ctypes.c_int32(len(matrix)),
              ctypes.c_int32(self._width), _ROW_MAJOR, text, None, ctypes.byref(self._data))  # fmt: skip
        _call("LGBM_DatasetSetField", self._data, b"label", _pointer(labels), ctypes.c_int(len(labels)), _FLOAT32)

    def _own(self, count: int) -> Floats:
        """The answers for its own rows, which the library holds since the last round."""
        out, length = np.empty(count), ctypes.c_int64()
        _call("LGBM_BoosterGetPredict", self._booster, ctypes.c_int(0), ctypes.byref(length), _pointer(out))
        return out


def written(booster: ctypes.c_void_p, rounds: int = -1) -> bytes:
    """The text form of a booster that the library holds, or of its first rounds alone."""
    length = ctypes.c_int64(1 << 17)
    while True:
        buffer = ctypes.create_string_buffer(length.value)
        _call("LGBM_BoosterSaveModelToString", booster, ctypes.c_int(0), ctypes.c_int(rounds), ctypes.c_int(0),
              ctypes.c_int64(len(buffer)), ctypes.byref(length), buffer)  # fmt: skip
        if length.value <= len(buffer):
            return buffer.value


def _given(estimator: Estimator, settings: dict[str, Any] | None) -> dict[str, Any]:
    return {**estimator.parameters, **(settings or {})}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pointer(array: npt.NDArray[np.floating]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _call(name: str, *arguments: object) -> None:
    if getattr(library(), name)(*arguments):
        reason = library().LGBM_GetLastError().decode(errors="replace")
        raise DeclarationError(f"LightGBM refuses the fit: {reason}", next="change the candidate's parameters")
