"""LightGBM without its scikit-learn wrapper: the same trees from the same parameters, a tenth cheaper."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np

from argosy.errors import DeclarationError
from argosy.model.format import Model, load
from argosy.model.signature import Signature
from argosy.training.rows import Floats, Matrix, Slice

_WRAPPER = ("n_estimators", "class_weight", "importance_type", "n_jobs", "random_state")
_OURS = {
    *("verbose", "verbosity", "metric", "metrics", "metric_types"),
    *("num_threads", "num_thread", "nthread", "nthreads", "deterministic"),
}
_ROUNDS = {"num_iterations", "num_iteration", "n_iter", "num_tree", "num_trees", "num_round", "num_rounds", "nrounds",
           "num_boost_round", "max_iter"}  # fmt: skip
_STOPPING = {"early_stopping_round", "early_stopping_rounds", "early_stopping", "n_iter_no_change"}
_SEED_LIMIT = 2**31 - 1


def direct(estimator: object) -> bool:
    """Whether the wrapper adds nothing to a fit of this estimator that the library itself does not do."""
    if type(estimator) not in (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor):
        return False
    given: dict[str, Any] = estimator.get_params()  # type: ignore[attr-defined]
    plain = given["objective"] is None or isinstance(given["objective"], str)
    seeded = given["random_state"] is None or isinstance(given["random_state"], int)
    return plain and seeded and given["class_weight"] is None and not (_ROUNDS | _STOPPING) & given.keys()


def parameters(estimator: Any, seed: int) -> dict[str, Any]:
    """The library's parameters for a `direct` estimator: one thread, quiet, the same trees every time."""
    given = {key: value for key, value in estimator.get_params().items() if value is not None}
    state = given.get("random_state", seed)
    kept = {key: value for key, value in given.items() if key not in _WRAPPER and key not in _OURS}
    classifies = isinstance(estimator, lightgbm.LGBMClassifier)
    kept.setdefault("objective", "binary" if classifies else "regression")
    if not {"force_col_wise", "force_row_wise"} & kept.keys():
        kept["force_col_wise"] = True  # else the library times both, and the trees depend on the clock
    own = {"metric": "None", "num_threads": 1, "verbosity": -1, "deterministic": True, "seed": state % _SEED_LIMIT}
    return kept | own


class Boosted:
    """A booster fitted on rows; the category features of the signature are split as categories."""

    def __init__(self, estimator: Any, rows: Slice, signature: Signature, seed: int) -> None:
        settings = parameters(estimator, seed)
        categories = [index for index, feature in enumerate(signature.features) if feature.kind == "category"]
        data = lightgbm.Dataset(rows.matrix, rows.labels, categorical_feature=categories, params=settings)
        self._booster = lightgbm.Booster(settings, data)
        for _ in range(estimator.n_estimators):
            if self._booster.update():
                break
        self.fitted: Floats | None = None
        self._booster.eval_train(self._keep)

    def _keep(self, answers: Floats, data: object) -> tuple[str, float, bool]:
        """An evaluation that only looks: the library holds the answers for its own rows already."""
        self.fitted = answers.copy()
        return "kept", 0.0, True

    def predict(self, matrix: Matrix) -> Floats:
        """See `Learner.predict`."""
        return np.asarray(self._booster.predict(matrix, num_threads=1), dtype=np.float64)

    def portable(self, signature: Signature, sample: Matrix) -> tuple[str, bytes, Model, float]:
        """See `Learner.portable`; the text form is exact."""
        data = self._booster.model_to_string().encode()
        model = load("lightgbm", data)
        difference = float(np.max(np.abs(self.predict(sample) - model.predict(sample)), initial=0.0))
        if not difference <= 1e-12:
            raise DeclarationError(
                f"LightGBM's text form differs from the booster by {difference:g}", next="report it with the parameters"
            )
        return "lightgbm", data, model, difference

    def importance(self) -> Floats | None:
        """Total gain of a feature's splits."""
        return np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)
