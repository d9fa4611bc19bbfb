"""Runs and experiments: logged, changed, deleted, restored."""

from __future__ import annotations

import math
import time

import mlflow
from flow import Flow
from mlflow.entities import Metric, Param, RunTag, ViewType


def fluent(flow: Flow) -> None:
    experiment = mlflow.set_experiment(f"{flow.title} fluent")
    with mlflow.start_run(run_name="outer", tags={"team": "ops"}, description="the first") as outer:
        mlflow.log_param("depth", 6)
        mlflow.log_params({"rate": 0.1, "empty": "", "wörter": "größe ✓"})
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"auc": 0.75, "a b/c.d-e_f": -1.5e-300}, step=3)
        mlflow.set_tags({"stage": "draft", "long": "x" * 5000})
        mlflow.set_tag("stage", "final")
        with mlflow.start_run(run_name="inner", nested=True) as inner:
            mlflow.log_metric("auc", 0.5)
    back = flow.client().get_run(outer.info.run_id)
    flow.same("parameters", back.data.params, {"depth": "6", "rate": "0.1", "empty": "", "wörter": "größe ✓"})
    flow.same("metrics", back.data.metrics, {"loss": 0.2, "auc": 0.75, "a b/c.d-e_f": -1.5e-300})
    flow.same("tags", {key: back.data.tags.get(key) for key in ("team", "stage", "long")},
              {"team": "ops", "stage": "final", "long": "x" * 5000})  # fmt: skip
    flow.same("description", back.data.tags["mlflow.note.content"], "the first")
    info = back.info
    flow.same("run", (info.experiment_id, info.run_name, info.status, info.lifecycle_stage),
              (experiment.experiment_id, "outer", "FINISHED", "active"))  # fmt: skip
    flow.same("times", 0 < info.start_time <= info.end_time <= time.time() * 1000 + 60_000, True)
    root = f"mlflow-artifacts:/{info.experiment_id}/{info.run_id}/artifacts"
    flow.same("artifact root", info.artifact_uri, root)
    nested = flow.client().get_run(inner.info.run_id)
    flow.same("nested run", nested.data.tags["mlflow.parentRunId"], outer.info.run_id)
    flow.same("parent", flow.client().get_parent_run(inner.info.run_id).info.run_id, outer.info.run_id)
    flow.same("active experiment", flow.client().get_experiment_by_name(f"{flow.title} fluent").experiment_id,
              info.experiment_id)  # fmt: skip
    history = flow.client().get_metric_history(outer.info.run_id, "loss")
    flow.same("history", [(point.step, point.value) for point in history], [(s, 1 / (s + 1)) for s in range(5)])
    with mlflow.start_run(run_id=inner.info.run_id):
        mlflow.log_metric("auc", 0.25, step=1)
    flow.same("resumed run", flow.client().get_run(inner.info.run_id).data.metrics, {"auc": 0.25})
    try:
        with mlflow.start_run() as broken:
            raise ValueError("on purpose")
    except ValueError:
        flow.same("failed run", flow.client().get_run(broken.info.run_id).info.status, "FAILED")


def batches(flow: Flow) -> None:
    client = flow.client()
    run = client.create_run(client.create_experiment(f"{flow.title} batches")).info.run_id
    store = client._tracking_client.store  # the client itself splits what is too large
    metrics = [Metric(f"m{n}", n / 7, 1_700_000_000_000 + n, n) for n in range(1000)]
    params = [Param(f"p{n}", str(n)) for n in range(100)]
    tags = [RunTag(f"t{n}", f"{n} ✓") for n in range(100)]
    store.log_batch(run, metrics, [], [])
    store.log_batch(run, [], params, [])
    store.log_batch(run, [], [], tags)
    store.log_batch(run, [Metric(f"m{n}", 1.0, 1_800_000_000_000, n + 1) for n in range(800)], params, tags)
    data = flow.client().get_run(run).data
    flow.same("batch of metrics", data.metrics, {f"m{n}": 1.0 if n < 800 else n / 7 for n in range(1000)})
    flow.same("batch of parameters", data.params, {param.key: param.value for param in params})
    flow.same("batch of tags", {key: data.tags.get(key) for key in (tag.key for tag in tags)},
              {tag.key: tag.value for tag in tags})  # fmt: skip
    code = "INVALID_PARAMETER_VALUE"
    more = [Metric("x", 1.0, 0, 0)] * 1001
    flow.refused("1,001 metrics", code, lambda: store.log_batch(run, more, [], []))
    flow.refused("101 parameters", code, lambda: store.log_batch(run, [], [*params, Param("x", "1")], []))
    flow.refused("101 tags", code, lambda: store.log_batch(run, [], [], [*tags, RunTag("x", "1")]))
    flow.refused("1,001 in all", code, lambda: store.log_batch(run, metrics[:900], params, tags[:1]))
    flow.same("nothing of a refused batch", "x" in flow.client().get_run(run).data.metrics, False)
    again = [Metric("twice", 1.0, 5, 5), Metric("twice", 2.0, 5, 5), Metric("twice", 9.0, 9, 4)]
    store.log_batch(run, again, [], [])
    flow.same("latest by step, time, value", flow.client().get_run(run).data.metrics["twice"], 2.0)
    with mlflow.start_run(experiment_id=client.get_run(run).info.experiment_id) as fluently:
        mlflow.log_params({f"k{n}": n for n in range(250)})
        mlflow.log_metrics({f"k{n}": n for n in range(1500)})
    data = flow.client().get_run(fluently.info.run_id).data
    client.log_metric(run, "later", 1.0, synchronous=False)
    client.log_batch(run, metrics[:10], synchronous=False).wait()
    mlflow.flush_async_logging()
    flow.same("logged in the background", flow.client().get_run(run).data.metrics["later"], 1.0)
    flow.same("split by the client", (len(data.params), len(data.metrics)), (250, 1500))


def once(flow: Flow) -> None:
    client = flow.client()
    run = client.create_run(client.create_experiment(f"{flow.title} once")).info.run_id
    client.log_param(run, "depth", 6)
    client.log_param(run, "depth", "6")
    code = "INVALID_PARAMETER_VALUE"
    flow.refused("another value", code, lambda: client.log_param(run, "depth", 7))
    flow.refused("another value in a batch", code, lambda: client.log_batch(run, params=[Param("depth", "8")]))
    both = [Param("width", "1"), Param("width", "2")]
    flow.refused("two values in a batch", code, lambda: client.log_batch(run, params=both))
    client.log_param(run, "longest", "v" * 6000)
    client.log_param(run, "longer", "w" * 6001)
    flow.refused("a key too long", code, lambda: client.log_param(run, "k" * 251, "v"))
    flow.same("parameters as they were, cut at 6,000", flow.client().get_run(run).data.params,
              {"depth": "6", "longest": "v" * 6000, "longer": "w" * 6000})  # fmt: skip


def numbers(flow: Flow) -> None:
    client = flow.client()
    run = client.create_run(client.create_experiment(f"{flow.title} numbers")).info.run_id
    values = {
        "inf": math.inf,
        "low": -math.inf,
        "zero": 0.0,
        "tiny": 5e-324,
        "huge": 1.7976931348623157e308,
        "odd": 0.1,
    }
    for key, value in values.items():
        client.log_metric(run, key, value)
    client.log_metric(run, "nan", math.nan)
    client.log_metric(run, "step", 1.0, timestamp=123, step=-3)
    client.log_metric(run, "step", 2.0, timestamp=122, step=2**40)
    back = flow.client().get_run(run).data.metrics
    kept = {"inf": 1.7976931348623157e308, "low": -1.7976931348623157e308}  # as SQL stores of MLflow keep them
    exact = {key: back.get(key) for key in values}
    flow.same("numbers", exact in (values, values | kept), True)
    flow.same("not a number", math.isnan(back["nan"]), True)
    points = flow.client().get_metric_history(run, "step")
    flow.same("steps and times", sorted((point.step, point.timestamp, point.value) for point in points),
              [(-3, 123, 1.0), (2**40, 122, 2.0)])  # fmt: skip
    flow.same("no such metric", list(flow.client().get_metric_history(run, "none")), [])


def history(flow: Flow) -> None:
    """The client asks for pages of 25,000 points."""
    client = flow.client()
    run = client.create_run(client.create_experiment(f"{flow.title} history")).info.run_id
    for start in range(0, 26_000, 1000):
        client.log_batch(
            run, [Metric("loss", step / 2, 1_700_000_000_000, step) for step in range(start, start + 1000)]
        )
    points = flow.client().get_metric_history(run, "loss")
    flow.same("two pages of history", [(point.step, point.value) for point in points],
              [(step, step / 2) for step in range(26_000)])  # fmt: skip


def states(flow: Flow) -> None:
    client = flow.client()
    experiment = client.create_experiment(f"{flow.title} states")
    run = client.create_run(experiment, start_time=1_600_000_000_000, tags={"a": "1"}, run_name="first").info
    flow.same(
        "start", (run.start_time, run.status, run.run_name, run.end_time), (1_600_000_000_000, "RUNNING", "first", None)
    )
    unnamed = client.create_run(experiment)
    flow.same("a name is given", bool(flow.client().get_run(unnamed.info.run_id).info.run_name), True)
    for status in ("SCHEDULED", "KILLED", "FAILED", "FINISHED"):
        client.update_run(run.run_id, status=status)
        flow.same(f"status {status}", flow.client().get_run(run.run_id).info.status, status)
    client.update_run(run.run_id, name="second")
    back = flow.client().get_run(run.run_id)
    flow.same("name and its tag", (back.info.run_name, back.data.tags["mlflow.runName"]), ("second", "second"))
    client.set_tag(run.run_id, "mlflow.runName", "third")
    flow.same("name by its tag", flow.client().get_run(run.run_id).info.run_name, "third")
    client.set_terminated(run.run_id, "FAILED", 1_600_000_001_000)
    back = flow.client().get_run(run.run_id).info
    flow.same("end", (back.status, back.end_time), ("FAILED", 1_600_000_001_000))
    client.delete_tag(run.run_id, "a")
    flow.same("deleted tag", "a" in flow.client().get_run(run.run_id).data.tags, False)
    missing = "RESOURCE_DOES_NOT_EXIST"
    flow.refused("no such tag", missing, lambda: client.delete_tag(run.run_id, "a"))
    client.delete_run(run.run_id)
    flow.same("deleted run", flow.client().get_run(run.run_id).info.lifecycle_stage, "deleted")
    flow.refused(
        "a deleted run is not written", "INVALID_PARAMETER_VALUE", lambda: client.log_metric(run.run_id, "x", 1)
    )

    def found(view: int) -> list[str]:
        return [each.info.run_id for each in flow.client().search_runs([experiment], run_view_type=view)]

    flow.same("views", (found(ViewType.ACTIVE_ONLY), found(ViewType.DELETED_ONLY), sorted(found(ViewType.ALL))),
              ([unnamed.info.run_id], [run.run_id], sorted([run.run_id, unnamed.info.run_id])))  # fmt: skip
    client.restore_run(run.run_id)
    flow.same("restored run", flow.client().get_run(run.run_id).info.lifecycle_stage, "active")
    flow.refused("no such run", missing, lambda: client.get_run("0" * 32))
    flow.refused("no such run to write", missing, lambda: client.log_metric("0" * 32, "x", 1))
    flow.refused("a run id that is none", missing, lambda: client.get_run("nothing"))


def experiments(flow: Flow) -> None:
    client, name = flow.client(), f"{flow.title} experiments"
    experiment = client.create_experiment(name, tags={"owner": "ops"})
    back = flow.client().get_experiment(experiment)
    flow.same("experiment", (back.name, back.lifecycle_stage, back.tags.get("owner"), back.artifact_location),
              (name, "active", "ops", f"mlflow-artifacts:/{experiment}"))  # fmt: skip
    flow.same("created", 0 < back.creation_time <= back.last_update_time, True)
    taken = "RESOURCE_ALREADY_EXISTS"
    flow.refused("a name that is taken", taken, lambda: client.create_experiment(name))
    client.set_experiment_tag(experiment, "owner", "dev")
    client.set_experiment_tag(experiment, "mlflow.note.content", "what it is for")
    tags = flow.client().get_experiment(experiment).tags
    flow.same("tags of an experiment", (tags["owner"], tags["mlflow.note.content"]), ("dev", "what it is for"))
    if hasattr(client, "delete_experiment_tag"):
        client.delete_experiment_tag(experiment, "owner")
        flow.same("a deleted tag", "owner" in flow.client().get_experiment(experiment).tags, False)
    else:
        flow.skip("delete_experiment_tag")
    client.rename_experiment(experiment, f"{name} anew")
    flow.same("renamed", flow.client().get_experiment_by_name(f"{name} anew").experiment_id, experiment)
    flow.same("its former name", flow.client().get_experiment_by_name(name), None)
    run = client.create_run(experiment).info.run_id
    client.delete_experiment(experiment)
    flow.same("deleted", flow.client().get_experiment(experiment).lifecycle_stage, "deleted")
    flow.same("its runs too", flow.client().get_run(run).info.lifecycle_stage, "deleted")
    flow.refused("a run in it", "INVALID_PARAMETER_VALUE", lambda: client.create_run(experiment))
    client.restore_experiment(experiment)
    flow.same("restored", flow.client().get_experiment(experiment).lifecycle_stage, "active")
    flow.same("its runs as well", flow.client().get_run(run).info.lifecycle_stage, "active")
    flow.refused("no such experiment", "RESOURCE_DOES_NOT_EXIST", lambda: client.get_experiment("987654321"))
    flow.same("the first experiment", flow.client().get_experiment("0").name, "Default")


if __name__ == "__main__":
    Flow().run(fluent, batches, once, numbers, history, states, experiments)
