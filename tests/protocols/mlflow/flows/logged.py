"""Models as logged, before any is registered: what clients have since release 3."""

from __future__ import annotations

import mlflow
import numpy
from flow import RELEASE, Flow
from mlflow.models import infer_signature
from sklearn.linear_model import Ridge

ROWS = numpy.arange(20.0).reshape(10, 2)
MISSING, INVALID = "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"


def entities(flow: Flow) -> None:
    client = flow.client()
    experiment = client.create_experiment(f"{flow.title} entities")
    run = client.create_run(experiment).info.run_id
    made = client.create_logged_model(experiment, "ridge", run, {"team": "ops"}, {"alpha": "1"}, "regressor")
    back = (made.name, made.source_run_id, made.model_type, str(made.status), made.tags.get("team"), made.params)
    flow.same("made", back, ("ridge", run, "regressor", "PENDING", "ops", {"alpha": "1"}))
    model = made.model_id
    flow.same("address", made.artifact_location, f"mlflow-artifacts:/{experiment}/models/{model}/artifacts")
    client.log_model_params(model, {"depth": "6", "long": "x" * 6000})
    client.set_logged_model_tags(model, {"stage": "draft", "note": "größe ✓"})
    client.set_logged_model_tags(model, {"stage": "final"})
    client.delete_logged_model_tag(model, "note")
    client.finalize_logged_model(model, "READY")
    client.log_metric(run, "auc", 0.75, step=2, model_id=model)
    back = flow.client().get_logged_model(model)
    flow.same("parameters", back.params, {"alpha": "1", "depth": "6", "long": "x" * 6000})
    flow.same(
        "tags",
        {key: back.tags.get(key) for key in ("team", "stage", "note")},
        {"team": "ops", "stage": "final", "note": None},
    )
    flow.same("state", (str(back.status), back.experiment_id), ("READY", experiment))
    flow.same(
        "metrics", [(each.key, each.value, each.step, each.run_id) for each in back.metrics], [("auc", 0.75, 2, run)]
    )
    flow.same("times", 0 < back.creation_timestamp <= back.last_updated_timestamp, True)
    failed = client.create_logged_model(experiment).model_id
    client.finalize_logged_model(failed, "FAILED")
    flow.same("failed", str(flow.client().get_logged_model(failed).status), "FAILED")
    client.delete_logged_model(failed)
    flow.refused("deleted", MISSING, lambda: client.get_logged_model(failed))
    flow.refused("no such model", MISSING, lambda: client.get_logged_model("m-" + "0" * 32))
    flow.refused("no such tag", MISSING, lambda: client.delete_logged_model_tag(model, "nothing"))


def artifacts(flow: Flow) -> None:
    experiment = mlflow.set_experiment(f"{flow.title} artifacts").experiment_id
    estimator = Ridge(alpha=1e-9).fit(ROWS, ROWS[:, 0])
    given = {"signature": infer_signature(ROWS, ROWS[:, 0]), "pip_requirements": ["scikit-learn"]}
    with mlflow.start_run() as run:
        logged = mlflow.sklearn.log_model(estimator, name="model", params={"alpha": "tiny"}, **given)
        mlflow.log_metric("mae", 0.5, model_id=logged.model_id)
    outputs = flow.client().get_run(run.info.run_id).outputs.model_outputs
    flow.same("output of the run", [each.model_id for each in outputs], [logged.model_id])
    back = mlflow.get_logged_model(logged.model_id)
    flow.same("ready", (str(back.status), back.params["alpha"]), ("READY", "tiny"))
    files = [each.path for each in flow.client().list_logged_model_artifacts(logged.model_id)]
    flow.same("files", {"MLmodel", "conda.yaml", "requirements.txt"} <= set(files), True)
    for address in (f"models:/{logged.model_id}", f"runs:/{run.info.run_id}/model"):
        loaded = mlflow.pyfunc.load_model(address)
        flow.same(address[:6], numpy.array_equal(loaded.predict(ROWS), estimator.predict(ROWS)), True)
    client = flow.client()
    bare = client.create_logged_model(experiment, "bare").model_id
    client.log_model_artifacts(bare, mlflow.artifacts.download_artifacts(f"models:/{logged.model_id}"))
    client.finalize_logged_model(bare, "READY")
    loaded = mlflow.sklearn.load_model(f"models:/{bare}")
    flow.same("files put by hand", loaded.coef_.tolist(), estimator.coef_.tolist())
    version = mlflow.register_model(f"models:/{logged.model_id}", f"{flow.title} registered")
    kept = flow.client().get_model_version(version.name, "1")
    flow.same(
        "registered", (version.version, kept.run_id, logged.model_id in kept.source), ("1", run.info.run_id, True)
    )
    with mlflow.start_run() as user:
        mlflow.log_input(
            mlflow.data.from_numpy(ROWS, name="grid"), model=mlflow.entities.LoggedModelInput(logged.model_id)
        )
    inputs = flow.client().get_run(user.info.run_id).inputs
    flow.same("input of a run", [each.model_id for each in inputs.model_inputs], [logged.model_id])


def search(flow: Flow) -> None:
    client = flow.client()
    experiment = client.create_experiment(f"{flow.title} search")
    run = client.create_run(experiment).info.run_id
    for number, name in enumerate("abcde"):
        model = client.create_logged_model(
            experiment,
            name,
            run if number else None,
            {"odd": str(number % 2)},
            {"depth": str(number)},
            "tree" if number < 3 else "line",
        )
        if number < 4:
            client.log_metric(run, "auc", number / 10, model_id=model.model_id)
            client.finalize_logged_model(model.model_id, "READY")

    def names(text: str = "", *order: dict[str, object]) -> str:
        given = list(order) or [{"field_name": "name", "ascending": True}]
        return " ".join(each.name for each in flow.client().search_logged_models([experiment], text, order_by=given))

    for text, found in {
        "": "a b c d e", "name = 'b'": "b", "name LIKE 'b%'": "b", "name != 'b'": "a c d e",
        "model_type = 'tree'": "a b c",
        "metrics.auc > 0.1": "c d", "metrics.auc <= 0.1": "a b", "params.depth = '4'": "e", "tags.odd = '1'": "b d",
        "tags.odd != '1' AND metrics.auc >= 0": "a c", f"source_run_id = '{run}'": "b c d e",
        "creation_timestamp > 0": "a b c d e", "last_updated_timestamp < 1": "", "params.depth LIKE '%'": "a b c d e",
    }.items():  # fmt: skip
        flow.same(text.replace(run, "R") or "everything", names(text), found)
    flow.same("by a metric", names("", {"field_name": "metrics.auc", "ascending": False})[:7], "d c b a")
    flow.same("by creation", names("", {"field_name": "creation_timestamp"}), "a b c d e")
    seen, token = [], None
    while token != "":
        order = [{"field_name": "name"}]
        page = client.search_logged_models([experiment], max_results=2, order_by=order, page_token=token)
        seen.append([each.name for each in page])
        token = page.token or ""
    flow.same("pages", seen, [["a", "b"], ["c", "d"], ["e"]])
    frame = mlflow.search_logged_models([experiment], "metrics.auc > 0.1", order_by=[{"field_name": "name"}])
    flow.same("as a frame", list(frame["name"]), ["c", "d"])
    for text in ("nothing = 'x'", "metrics.auc LIKE 'x'", "name = 'a' OR name = 'b'"):
        flow.refused(text, INVALID, lambda text=text: names(text))


if __name__ == "__main__":
    if RELEASE[0] < 3:
        flow = Flow()
        flow.skip("logged models")
        flow.run()
    Flow().run(entities, artifacts, search)
