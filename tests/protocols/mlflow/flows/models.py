"""The registry: models logged, registered, named by aliases, searched, changed, loaded and deleted."""

from __future__ import annotations

import warnings
from pathlib import Path

import mlflow
import numpy
from flow import RELEASE, Flow
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.linear_model import Ridge

warnings.filterwarnings("ignore", category=FutureWarning)  # stages

ROWS = numpy.arange(20.0).reshape(10, 2)
NAME = {"artifact_path": "model"} if RELEASE[0] == 2 else {"name": "model"}
GIVEN = {"signature": infer_signature(ROWS, ROWS[:, 0]), "pip_requirements": ["scikit-learn"], **NAME}
MISSING, INVALID, TAKEN = "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS"


def _fitted(slope: float) -> Ridge:
    return Ridge(alpha=1e-9).fit(ROWS, ROWS[:, 0] * slope)


def _right(address: str, slope: float) -> bool:
    """Whether the model at an address predicts as the one of this slope."""
    loaded = mlflow.pyfunc.load_model(address)
    return bool(numpy.array_equal(loaded.predict(ROWS), _fitted(slope).predict(ROWS)))


def _registered(flow: Flow, name: str, versions: int) -> list[str]:
    """Runs that each logged one version of a model, of slope 1, 2, …"""
    runs = []
    for number in range(1, versions + 1):
        with mlflow.start_run() as run:
            mlflow.sklearn.log_model(_fitted(number), registered_model_name=name, **GIVEN)
        runs.append(run.info.run_id)
    return runs


def _source(flow: Flow, run: str) -> str:
    """Where a run's model lies: a source that may be registered."""
    return f"{flow.client().get_run(run).info.artifact_uri}/model"


def loading(flow: Flow) -> None:
    mlflow.set_experiment(f"{flow.title} loading")
    name = f"{flow.title} loaded"
    runs = _registered(flow, name, 3)
    client = flow.client()
    client.set_registered_model_alias(name, "champion", "2")
    flow.same("by alias", _right(f"models:/{name}@champion", 2), True)
    flow.same("by version", _right(f"models:/{name}/3", 3), True)
    flow.same("the latest", _right(f"models:/{name}/latest", 3), True)
    flow.same("of a run", _right(f"runs:/{runs[0]}/model", 1), True)
    client.set_registered_model_alias(name, "champion", "1")
    flow.same("by the alias that moved", _right(f"models:/{name}@champion", 1), True)
    version = mlflow.register_model(f"runs:/{runs[1]}/model", name, tags={"again": "yes"})
    flow.same("registered by hand", (version.version, version.run_id, version.status, version.tags),
              ("4", runs[1], "READY", {"again": "yes"}))  # fmt: skip
    flow.same("and loaded", _right(f"models:/{name}/4", 2), True)
    copied = client.copy_model_version(f"models:/{name}@champion", f"{name} elsewhere")
    flow.same("copied", (copied.version, copied.run_id), ("1", runs[0]))
    flow.same("the copy, loaded", _right(f"models:/{name} elsewhere/1", 1), True)
    fluent = mlflow.sklearn.load_model(f"models:/{name}/1")
    flow.same("as an estimator", fluent.coef_.tolist(), _fitted(1).coef_.tolist())
    place = Path(mlflow.artifacts.download_artifacts(f"models:/{name}/2"))
    flow.same(
        "files of a version",
        {"MLmodel", "conda.yaml", "requirements.txt"} <= {each.name for each in place.iterdir()},
        True,
    )
    flow.same("signature", mlflow.models.get_model_info(f"models:/{name}@champion").signature, GIVEN["signature"])
    with mlflow.start_run():
        fresh = mlflow.sklearn.log_model(_fitted(5), **GIVEN)
    flow.same("where it was logged", _right(fresh.model_uri, 5), True)


def administration(flow: Flow) -> None:
    client, name = flow.client(), f"{flow.title} kept"
    made = client.create_registered_model(name, {"team": "ops"}, "what it is for")
    flow.same("made", (made.name, made.tags, made.description), (name, {"team": "ops"}, "what it is for"))
    flow.refused("made twice", TAKEN, lambda: client.create_registered_model(name))
    flow.refused("without a name", INVALID, lambda: client.create_registered_model(""))
    client.update_registered_model(name, "something else")
    client.set_registered_model_tag(name, "team", "dev")
    client.set_registered_model_tag(name, "größe", "✓" * 1000)
    back = flow.client().get_registered_model(name)
    flow.same("described", (back.description, back.tags), ("something else", {"team": "dev", "größe": "✓" * 1000}))
    flow.same("times", 0 < back.creation_timestamp <= back.last_updated_timestamp, True)
    client.delete_registered_model_tag(name, "größe")
    flow.same("a deleted tag", flow.client().get_registered_model(name).tags, {"team": "dev"})
    run = client.create_run(client.create_experiment(f"{flow.title} kept")).info.run_id
    client.log_text(run, "x", "model/x.txt")
    source = _source(flow, run)
    first = client.create_model_version(name, source, run, tags={"a": "1"}, description="the first")
    told = (first.version, first.current_stage, first.source, first.run_id, first.tags, first.description)
    flow.same("version", told, ("1", "None", source, run, {"a": "1"}, "the first"))
    second = client.create_model_version(name, source, run)
    flow.same("numbers go up", second.version, "2")
    client.update_model_version(name, "2", "the second")
    client.set_model_version_tag(name, "2", "b", "2")
    client.set_model_version_tag(name, "2", "c", "3")
    client.delete_model_version_tag(name, "2", "c")
    back = flow.client().get_model_version(name, "2")
    flow.same("version, changed", (back.description, back.tags, back.status), ("the second", {"b": "2"}, "READY"))
    flow.same("where it lies", flow.client().get_model_version_download_uri(name, "2"), source)
    client.rename_registered_model(name, f"{name} anew")
    flow.same("renamed", (flow.client().get_registered_model(f"{name} anew").name, _versions(client, f"{name} anew")),
              (f"{name} anew", ["1", "2"]))  # fmt: skip
    flow.refused("its former name", MISSING, lambda: client.get_registered_model(name))
    client.create_registered_model(name)
    flow.refused("a name that is taken", TAKEN, lambda: client.rename_registered_model(name, f"{name} anew"))
    client.delete_registered_model(name)
    name = f"{name} anew"
    client.delete_model_version(name, "2")
    flow.refused("a deleted version", MISSING, lambda: client.get_model_version(name, "2"))
    third = client.create_model_version(name, source, run)
    flow.same("the number after a deleted one", third.version in ("2", "3"), True)
    client.delete_registered_model(name)
    flow.refused("a deleted model", MISSING, lambda: client.get_registered_model(name))
    flow.same("and its versions", _versions(client, name), [])
    client.create_registered_model(name)
    flow.same("the name is free", _versions(client, name), [])
    for what, call in {
        "to get": lambda: client.get_registered_model("none"),
        "to describe": lambda: client.update_registered_model("none", "x"),
        "to delete": lambda: client.delete_registered_model("none"),
        "for a version": lambda: client.create_model_version("none", source, run),
        "with a version": lambda: client.get_model_version(name, "99"),
        "version to delete": lambda: client.delete_model_version(name, "99"),
    }.items():
        flow.refused(f"no such model {what}", MISSING, call)
    for path in ("/etc", "file:///etc", f"mlflow-artifacts:/../{run}"):
        flow.refused(
            f"a source outside: {path}", INVALID, lambda path=path: client.create_model_version(name, path, run)
        )


def _versions(client: MlflowClient, name: str) -> list[str]:
    return sorted(each.version for each in client.search_model_versions(f"name='{name}'"))


def aliases(flow: Flow) -> None:
    client, name = flow.client(), f"{flow.title} aliases"
    run = client.create_run(client.create_experiment(name)).info.run_id
    client.log_text(run, "x", "model/x.txt")
    client.create_registered_model(name)
    for _ in range(3):
        client.create_model_version(name, _source(flow, run), run)
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "tried-out_2", "2")
    client.set_registered_model_alias(name, "champion", "2")
    back = flow.client().get_registered_model(name)
    flow.same("aliases of a model", {alias: str(version) for alias, version in back.aliases.items()},
              {"champion": "2", "tried-out_2": "2"})  # fmt: skip
    flow.same(
        "aliases of a version", sorted(flow.client().get_model_version(name, "2").aliases), ["champion", "tried-out_2"]
    )
    flow.same("by alias", flow.client().get_model_version_by_alias(name, "champion").version, "2")
    client.delete_registered_model_alias(name, "champion")
    flow.refused("a deleted alias", INVALID, lambda: client.get_model_version_by_alias(name, "champion"))
    client.delete_model_version(name, "2")
    flow.same("gone with its version", dict(flow.client().get_registered_model(name).aliases), {})
    for alias in ("latest", "v3", "a b", ""):
        flow.refused(
            f"alias {alias!r}", INVALID, lambda alias=alias: client.set_registered_model_alias(name, alias, "1")
        )
    flow.refused("no such version", MISSING, lambda: client.set_registered_model_alias(name, "champion", "99"))


def stages(flow: Flow) -> None:
    client, name = flow.client(), f"{flow.title} stages"
    run = client.create_run(client.create_experiment(name)).info.run_id
    client.log_text(run, "x", "model/x.txt")
    client.create_registered_model(name)
    for _ in range(3):
        client.create_model_version(name, _source(flow, run), run)
    client.transition_model_version_stage(name, "1", "Production")
    client.transition_model_version_stage(name, "2", "staging")  # in any case
    flow.same("moved", [flow.client().get_model_version(name, str(n)).current_stage for n in (1, 2, 3)],
              ["Production", "Staging", "None"])  # fmt: skip
    client.transition_model_version_stage(name, "2", "Production", archive_existing_versions=True)
    flow.same("archived", flow.client().get_model_version(name, "1").current_stage, "Archived")

    def latest(*wanted: str) -> dict[str, str]:
        found = flow.client().get_latest_versions(name, list(wanted) or None)
        return {each.current_stage: each.version for each in found}

    flow.same("latest of each", latest(), {"Archived": "1", "Production": "2", "None": "3"})
    flow.same("latest of one", latest("Production"), {"Production": "2"})
    held = flow.client().get_registered_model(name).latest_versions
    flow.same("in the model", {each.current_stage: each.version for each in held}, latest())
    flow.same(
        "stages there are",
        list(client.get_model_version_stages(name, "1")),
        ["None", "Staging", "Production", "Archived"],
    )
    flow.refused("no such stage", INVALID, lambda: client.transition_model_version_stage(name, "1", "Ready"))


def search(flow: Flow) -> None:
    client, prefix = flow.client(), f"{flow.title} found"
    run = client.create_run(client.create_experiment(prefix)).info.run_id
    other = client.create_run(client.get_experiment_by_name(prefix).experiment_id).info.run_id
    client.log_text(run, "x", "model/x.txt")
    for number in range(5):
        client.create_registered_model(f"{prefix} {number}", {"even": str(number % 2 == 0)} if number else {})
    for number, made_by in enumerate((run, run, other)):
        client.create_model_version(f"{prefix} 1", _source(flow, made_by), made_by, tags={"n": str(number)})

    def models(text: str, order: str = "name ASC") -> str:
        found = flow.client().search_registered_models(text, order_by=[order])
        return " ".join(each.name[-1] for each in found)

    mine = f"name LIKE '{prefix}%'"
    for text, found in {
        mine: "0 1 2 3 4", f"name ILIKE '{prefix.upper()}%'": "0 1 2 3 4", f"name = '{prefix} 3'": "3",
        f"{mine} AND tags.even = 'True'": "2 4", f"{mine} AND tag.even != 'True'": "1 3",
        f"{mine} AND name != '{prefix} 0'": "1 2 3 4", f"{mine} AND tags.even ILIKE 'TR%'": "2 4",
    }.items():  # fmt: skip
        flow.same(text.replace(prefix, "x"), models(text), found)
    flow.same("descending", models(mine, "name DESC"), "4 3 2 1 0")
    flow.same("by the last change", models(mine, "last_updated_timestamp DESC")[0], "1")
    seen, token = [], None
    while token != "":
        page = client.search_registered_models(mine, max_results=2, order_by=["name"], page_token=token)
        seen.append([each.name[-1] for each in page])
        token = page.token or ""
    flow.same("pages of models", seen, [["0", "1"], ["2", "3"], ["4"]])

    def versions(text: str, order: str = "version_number ASC") -> str:
        return " ".join(each.version for each in flow.client().search_model_versions(text, order_by=[order]))

    one = f"name = '{prefix} 1'"
    for text, found in {
        one: "1 2 3", f"{one} AND run_id = '{run}'": "1 2", f"run_id IN ('{run}', '{other}')": "1 2 3",
        f"{one} AND version_number > 1": "2 3",
        f"{one} AND tags.n = '2'": "3", f"{one} AND tags.n != '2'": "1 2", f"{mine} AND version_number = 2": "2",
        f"source_path = '{_source(flow, other)}'": "3", f"{one} AND tags.n LIKE '%'": "1 2 3",
    }.items():  # fmt: skip
        flow.same(text.replace(prefix, "x").replace(run, "R").replace(other, "O"), versions(text), found)
    flow.same("versions, descending", versions(one, "version_number DESC"), "3 2 1")
    for text in ("title = 'x'", "name > 'x'", "name = 5", "name = 'x' OR name = 'y'"):
        flow.refused(f"models: {text}", INVALID, lambda text=text: models(text))
        flow.refused(f"versions: {text}", INVALID, lambda text=text: versions(text))


if __name__ == "__main__":
    Flow().run(loading, administration, aliases, stages, search)
