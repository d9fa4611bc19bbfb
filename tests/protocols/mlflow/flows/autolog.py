"""Autologging, which swallows what fails: parameters, metrics and the model are read back, and the model predicts."""

from __future__ import annotations

import lightgbm
import mlflow
import numpy
import xgboost
from flow import RELEASE, Flow
from mlflow.entities import Run
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

FEATURES, LABEL = load_iris(return_X_y=True)
FEATURES = numpy.ascontiguousarray(FEATURES[:, :3])


def _last(flow: Flow, what: str) -> Run:
    """The one run of the experiment that the training made, with its children left out."""
    experiment = flow.client().get_experiment_by_name(f"{flow.title} {what}").experiment_id
    found = flow.client().search_runs([experiment])
    top = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    flow.same(f"{what}: one run, finished", [run.info.status for run in top], ["FINISHED"])
    return top[0]


def _model(flow: Flow, run: Run, name: str = "model") -> str:
    """The address of the model that a run made, as its release of MLflow has it."""
    if RELEASE[0] == 2:
        return f"runs:/{run.info.run_id}/{name}"
    outputs = flow.client().get_run(run.info.run_id).outputs.model_outputs
    flow.same("models of the run", len(outputs) > 0, True)
    flow.same("the model is ready", str(flow.client().get_logged_model(outputs[0].model_id).status), "READY")
    return f"models:/{outputs[0].model_id}"


def sklearn(flow: Flow) -> None:
    mlflow.set_experiment(f"{flow.title} sklearn")
    mlflow.sklearn.autolog(log_input_examples=False)
    rows = FEATURES  # a score bears the name of a local variable
    estimator = LogisticRegression(C=0.5, max_iter=300).fit(rows, LABEL)
    score = estimator.score(rows, LABEL)
    mlflow.sklearn.autolog(disable=True)
    run = _last(flow, "sklearn")
    params, metrics = run.data.params, run.data.metrics
    flow.same("sklearn: parameters", {key: params.get(key) for key in ("C", "max_iter", "solver")},
              {"C": "0.5", "max_iter": "300", "solver": "lbfgs"})  # fmt: skip
    flow.same(
        "sklearn: metrics", {"training_accuracy_score", "training_f1_score", "training_log_loss"} <= set(metrics), True
    )
    flow.same("sklearn: a metric", metrics["training_score"], score)
    flow.same("sklearn: a score after the fit", metrics["LogisticRegression_score_rows"], score)
    flow.same("sklearn: tags", run.data.tags["estimator_name"], "LogisticRegression")
    flow.same("sklearn: the rows", [each.dataset.source_type for each in run.inputs.dataset_inputs][:1], ["code"])
    files = [each.path for each in flow.client().list_artifacts(run.info.run_id)]
    flow.same("sklearn: pictures", "training_confusion_matrix.png" in files, True)
    loaded = mlflow.sklearn.load_model(_model(flow, run))
    flow.same(
        "sklearn: predictions", loaded.predict_proba(FEATURES).tolist(), estimator.predict_proba(FEATURES).tolist()
    )


def search(flow: Flow) -> None:
    """A grid of scikit-learn: a run for the best, runs below it for the others."""
    mlflow.set_experiment(f"{flow.title} search")
    mlflow.sklearn.autolog(max_tuning_runs=3, log_models=False, log_datasets=False)
    grid = GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.01, 0.1, 1.0, 10.0]}, cv=3).fit(FEATURES, LABEL)
    mlflow.sklearn.autolog(disable=True)
    run = _last(flow, "search")
    flow.same("search: best", run.data.params["best_C"], str(grid.best_params_["C"]))
    flow.same("search: score", run.data.metrics["best_cv_score"], grid.best_score_)
    below = flow.client().search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    flow.same("search: children", len(below), 3)
    flow.same("search: their scores", max(each.data.metrics["mean_test_score"] for each in below), grid.best_score_)


def boosted_lightgbm(flow: Flow) -> None:
    mlflow.set_experiment(f"{flow.title} lightgbm")
    mlflow.lightgbm.autolog()
    rows, late = load_breast_cancer(return_X_y=True)
    rows = rows[:, :6]
    train = lightgbm.Dataset(rows[:400], late[:400])
    given = {"objective": "binary", "metric": "auc", "num_leaves": 7, "num_threads": 1, "verbosity": -1}
    booster = lightgbm.train(given, train, 12, valid_sets=[lightgbm.Dataset(rows[400:], late[400:], reference=train)])
    mlflow.lightgbm.autolog(disable=True)
    run = _last(flow, "lightgbm")
    flow.same("lightgbm: parameters", {key: run.data.params.get(key) for key in ("num_leaves", "objective")},
              {"num_leaves": "7", "objective": "binary"})  # fmt: skip
    flow.same("lightgbm: metrics", list(run.data.metrics), ["valid_0-auc"])
    steps = [point.step for point in flow.client().get_metric_history(run.info.run_id, "valid_0-auc")]
    flow.same("lightgbm: history", steps, list(range(12)))
    files = {each.path for each in flow.client().list_artifacts(run.info.run_id)}
    flow.same("lightgbm: importances", {"feature_importance_gain.json", "feature_importance_split.png"} <= files, True)
    loaded = mlflow.lightgbm.load_model(_model(flow, run))
    flow.same("lightgbm: predictions", loaded.predict(rows).tolist(), booster.predict(rows).tolist())


def boosted_xgboost(flow: Flow) -> None:
    mlflow.set_experiment(f"{flow.title} xgboost")
    mlflow.xgboost.autolog(importance_types=[])
    matrix = xgboost.DMatrix(FEATURES, LABEL)
    given = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "nthread": 1, "eval_metric": "mlogloss"}
    booster = xgboost.train(given, matrix, 8, evals=[(matrix, "train")], verbose_eval=False)
    mlflow.xgboost.autolog(disable=True)
    run = _last(flow, "xgboost")
    flow.same("xgboost: parameters", {key: run.data.params.get(key) for key in ("max_depth", "num_boost_round")},
              {"max_depth": "2", "num_boost_round": "8"})  # fmt: skip
    history = flow.client().get_metric_history(run.info.run_id, "train-mlogloss")
    values = [point.value for point in sorted(history, key=lambda point: point.step)]
    flow.same("xgboost: history", (len(values), values == sorted(values, reverse=True)), (8, True))
    loaded = mlflow.xgboost.load_model(_model(flow, run))
    flow.same("xgboost: predictions", loaded.predict(matrix).tolist(), booster.predict(matrix).tolist())


if __name__ == "__main__":
    Flow().run(sklearn, search, boosted_lightgbm, boosted_xgboost)
