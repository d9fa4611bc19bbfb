"""What a run was made from: inputs from frames and arrays, found again by them."""

from __future__ import annotations

import json

import mlflow
import numpy
import pandas
from flow import Flow
from mlflow.data.dataset_source_registry import resolve_dataset_source
from mlflow.entities import Dataset, DatasetInput, InputTag


def frames(flow: Flow) -> None:
    mlflow.set_experiment(f"{flow.title} frames")
    frame = pandas.DataFrame({"hour": [1, 2, 3], "late": [0.0, 1.0, 1.0], "carrier": ["AA", "UA", "B6"]})
    made = mlflow.data.from_pandas(frame, source="flights.csv", name="flights", targets="late")
    with mlflow.start_run() as run:
        mlflow.log_input(made, context="training")
        mlflow.log_input(made, context="training")  # the same again
        mlflow.log_input(made, context="evaluation", tags={"fold": "2"})
    inputs = flow.client().get_run(run.info.run_id).inputs.dataset_inputs
    flow.same("logged once", len(inputs), 1)
    back = inputs[0].dataset
    flow.same("dataset", (back.name, back.digest, back.source_type), ("flights", made.digest, "local"))
    flow.same("schema", json.loads(back.schema), json.loads(made.to_dict()["schema"]))
    flow.same("profile", json.loads(back.profile), {"num_rows": 3, "num_elements": 9})
    flow.same("source", resolve_dataset_source(json.loads(back.source)["uri"]).uri, "flights.csv")
    flow.same("context", {tag.key: tag.value for tag in inputs[0].tags}["mlflow.data.context"], "training")
    source = mlflow.data.get_source(flow.client().get_run(run.info.run_id).inputs.dataset_inputs[0])
    flow.same("source by the client", source.to_dict(), {"uri": "flights.csv"})


def arrays(flow: Flow) -> None:
    mlflow.set_experiment(f"{flow.title} arrays")
    features, target = numpy.arange(12.0).reshape(4, 3), numpy.array([0, 1, 0, 1])
    made = mlflow.data.from_numpy(features, targets=target, name="grid")
    other = mlflow.data.from_numpy({"left": features, "right": features.T}, name="pair")
    with mlflow.start_run() as run:
        mlflow.log_input(made, context="training")
        mlflow.log_input(other, context="validation")
    back = flow.client().get_run(run.info.run_id).inputs.dataset_inputs
    found = {each.dataset.name: each.dataset for each in back}
    flow.same("two datasets", sorted(found), ["grid", "pair"])
    for name, wanted in (("grid", made), ("pair", other)):
        flow.same(f"{name}: digest", found[name].digest, wanted.digest)
        flow.same(f"{name}: schema", json.loads(found[name].schema), json.loads(wanted.to_dict()["schema"]))
        flow.same(f"{name}: profile", json.loads(found[name].profile), json.loads(wanted.to_dict()["profile"]))


def bare(flow: Flow) -> None:
    """Inputs as entities, without schema and profile; limits."""
    client = flow.client()
    run = client.create_run(client.create_experiment(f"{flow.title} bare")).info.run_id
    client.log_inputs(run, [DatasetInput(Dataset(f"d{n}", f"{n:036}", "http", "{}"), []) for n in range(50)])
    inputs = flow.client().get_run(run).inputs.dataset_inputs
    flow.same("fifty inputs", sorted(each.dataset.name for each in inputs), sorted(f"d{n}" for n in range(50)))
    flow.same(
        "no tags, no schema", {(bool(each.tags), each.dataset.schema or None) for each in inputs}, {(False, None)}
    )
    code, tags = "INVALID_PARAMETER_VALUE", [InputTag("mlflow.data.context", "training")]
    for what, dataset in {
        "a digest too long": Dataset("x", "d" * 37, "http", "{}"),
        "a name too long": Dataset("x" * 501, "d", "http", "{}"),
    }.items():
        flow.refused(what, code, lambda dataset=dataset: client.log_inputs(run, [DatasetInput(dataset, tags)]))
    missing = [DatasetInput(Dataset("x", "d", "http", "{}"), [])]
    flow.refused("no such run", "RESOURCE_DOES_NOT_EXIST", lambda: client.log_inputs("0" * 32, missing))


def search(flow: Flow) -> None:
    client = flow.client()
    experiment = client.create_experiment(f"{flow.title} search")
    held = {
        "a": ("flights", "d1", "training"),
        "b": ("flights", "d2", "evaluation"),
        "c": ("Weather", "d1", "training"),
        "d": (),
    }
    for number, (name, row) in enumerate(held.items()):
        run = client.create_run(experiment, run_name=name, start_time=1000 + number).info.run_id
        if row:
            tags = [InputTag("mlflow.data.context", row[2])]
            client.log_inputs(run, [DatasetInput(Dataset(row[0], row[1], "http", "{}"), tags)])
    for text, names in {
        "dataset.name = 'flights'": "a b",
        "datasets.name != 'flights'": "c",
        "dataset.name LIKE 'W%'": "c",
        "dataset.name ILIKE 'w%'": "c",
        "dataset.name IN ('flights', 'Weather')": "a b c",
        "dataset.name NOT IN ('flights')": "c",
        "dataset.digest = 'd1'": "a c",
        "dataset.digest IN ('d2')": "b",
        "dataset.context = 'training'": "a c",
        "dataset.context != 'training'": "b",
        "dataset.name = 'flights' AND dataset.context = 'training' AND dataset.digest = 'd1'": "a",
    }.items():
        found = flow.client().search_runs([experiment], text, order_by=["start_time"])
        flow.same(text, " ".join(run.info.run_name for run in found), names)
    for text in ("dataset.size = '3'", "dataset.name > 'a'", "dataset.name = 3"):
        flow.refused(text, "INVALID_PARAMETER_VALUE", lambda text=text: client.search_runs([experiment], text))


if __name__ == "__main__":
    Flow().run(frames, arrays, bare, search)
