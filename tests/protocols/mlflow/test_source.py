"""Sources of versions: each is of whom the request names, and leads nowhere else, however it is written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.protocols.mlflow import source
from argosy.protocols.mlflow.fault import Fault
from argosy.store import Store
from tests.protocols.mlflow.conftest import Asker


@pytest.fixture
def model(ask: Asker) -> Asker:
    """Registered models "m" and "n"."""
    for name in ("m", "n"):
        ask.good("POST", "registered-models/create", {"name": name})
    return ask


def _run(ask: Asker) -> str:
    return str(ask.good("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])


def _logged(ask: Asker, **more: Any) -> str:
    made = ask.good("POST", "logged-models", {"experiment_id": "0", "name": "l", **more})["model"]
    return str(made["info"]["model_id"])


def _create(ask: Asker, source: str, name: str = "m", **more: Any) -> tuple[Any, str]:
    """A version, and where its files lie."""
    made = ask.good("POST", "model-versions/create", {"name": name, "source": source, **more})["model_version"]
    of = {"name": name, "version": made["version"]}
    return made, ask.good("GET", "model-versions/get-download-uri", **of)["artifact_uri"]


def _refused(ask: Asker, source: str, **more: Any) -> str:
    said = ask.refused("POST", "model-versions/create", {"name": "m", "source": source, **more})
    assert said.startswith("INVALID_PARAMETER_VALUE: "), said
    return said


def test_files_of_a_run_are_named_with_it(model: Asker) -> None:
    run, other = _run(model), _run(model)
    root = f"mlflow-artifacts:/0/{run}/artifacts"
    for uri in (root, f"{root}/", f"{root}/model", f"{root}/a b/ü;1"):
        made, location = _create(model, uri, run_id=run)
        assert (made["source"], made["run_id"], location) == (uri, run, uri)
    for named in ({}, {"run_id": other}, {"run_id": "none"}, {"model_id": _logged(model)}):
        assert "must identify the resource that contains the source" in _refused(model, f"{root}/model", **named)
    for uri in (
        f"mlflow-artifacts:/0/{run}/artifactsx",
        f"mlflow-artifacts:/0/{run}",
        "mlflow-artifacts:/",
        f"{root}//a",
    ):
        _refused(model, uri, run_id=run)


def test_an_address_of_a_run_lies_where_the_runs_files_lie(model: Asker) -> None:
    run = _run(model)
    for tail, rest in (("/a/b", "/a/b"), ("", "")):
        made, location = _create(model, f"runs:/{run}{tail}", run_id=run)
        assert made["source"] == f"runs:/{run}{tail}"
        assert location == f"mlflow-artifacts:/0/{run}/artifacts{rest}"
    assert _create(model, "runs:/theirs/a", run_id="theirs")[1] == "runs:/theirs/a"  # of a server elsewhere
    for named in ({}, {"run_id": _run(model)}, {"run_id": run, "model_id": _logged(model)}):
        _refused(model, f"runs:/{run}/a", **named)
    _refused(model, f"runs://elsewhere/{run}/a", run_id=run)


def test_a_logged_model_is_named_with_its_id(model: Asker) -> None:
    run = _run(model)
    logged, other = _logged(model, source_run_id=run), _logged(model)
    root = f"mlflow-artifacts:/0/models/{logged}/artifacts"
    for uri in (f"models:/{logged}", root, f"{root}/data"):
        made, location = _create(model, uri, model_id=logged)
        assert (made["source"], made["run_id"]) == (uri, run)
        assert location == (root if uri.startswith("models:") else uri)
    for uri in (f"models:/{logged}", root):
        for named in ({}, {"model_id": other}, {"run_id": run}, {"model_id": "m-none"}):
            _refused(model, uri, **named)
    model.good("DELETE", f"logged-models/{logged}")
    _refused(model, f"models:/{logged}", model_id=logged)


def test_another_version_is_copied_with_where_it_came_from(model: Asker) -> None:
    run, logged = _run(model), _logged(model)
    _create(model, f"runs:/{run}/a", run_id=run)
    _create(model, f"models:/{logged}", model_id=logged)
    of = {"name": "m", "version": "1"}
    model.good("POST", "registered-models/alias", {**of, "alias": "best"})
    model.good("POST", "model-versions/transition-stage", {**of, "stage": "Staging"})
    for uri in ("models:/m/1", "models:/m@best", "models:/m/staging"):
        made, location = _create(model, uri, "n")
        assert (made["source"], made["run_id"]) == ("models:/m/1", run)
        assert location == f"mlflow-artifacts:/0/{run}/artifacts/a"
    made, location = _create(model, "models:/m/latest", "n", run_id="", model_id=logged)
    assert (made["source"], location) == ("models:/m/2", f"mlflow-artifacts:/0/models/{logged}/artifacts")
    assert "must match the referenced model version" in _refused(model, "models:/m/1", run_id="other")
    for uri in ("models:/m", "models:/", "models:/m/1/2", "models:/m/Ready", "models:/m@none", "models://h/m/1"):
        _refused(model, uri)
    for uri in ("models:/m/9", "models:/none/1", "models:/m/Production"):
        said = model.refused("POST", "model-versions/create", {"name": "n", "source": uri})
        assert said.startswith("RESOURCE_DOES_NOT_EXIST"), uri


def test_stores_elsewhere_are_taken_as_they_are(model: Asker) -> None:
    for uri in ("s3://bucket/a/b", "gs://bucket/a b/", "abfss://files@account.dfs.core.windows.net/a", "dbfs:/a"):
        made, location = _create(model, uri, run_id="of theirs")
        assert (made["source"], made["run_id"], location) == (uri, "of theirs", uri)


@pytest.mark.parametrize(
    "uri",
    [
        "/etc", "etc", "../x", "file:///etc", "file://localhost/etc", "FILE:/etc", "C:/x", "C:\\x", "./x", "",
        "http://h/x", "https://h/api/2.0/mlflow-artifacts/artifacts/x", "ftp://h/x", "mlflow-artifacts://h/0/R/artifacts/x",
        "s3://b/../x", "s3://b/a/..", "s3://b/%2e%2e/x", "s3://b/%252e%252e/x", "s3://b/..%2fx", "s3://b/./x",
        "s3://b/x%00", "s3://b/x\0", "s3://b/x#/../y", "s3://b\\..\\x", "s3://b/%5c..%5cx", "s3://b", "s3:x",
        "http://[", "s3://b/" + "x" * 3000, "dummy-source",
    ],
)  # fmt: skip
def test_what_leads_elsewhere_is_refused(model: Asker, uri: str) -> None:
    for named in ({}, {"run_id": _run(model)}, {"model_id": _logged(model)}):
        _refused(model, uri, **named)


def test_a_prompt_has_no_files(model: Asker) -> None:
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "True"}, {"key": "mlflow.prompt.text", "value": "hi"}]
    for uri in ("dummy-source", "prompt-template"):
        assert _create(model, uri, tags=tags)[0]["source"] == uri
    _refused(model, "s3://a/b", tags=tags)


_PARTS = st.sampled_from(
    ["..", ".", "", "a", "%2e%2e", "%2E.", "%252e%252e", "..%2f", "%2f", "%5c", "\\", "#", "?", ";", "%00"]
)


def test_no_way_of_writing_leads_out_of_a_run(model: Asker) -> None:
    run = _run(model)
    root = f"mlflow-artifacts:/0/{run}/artifacts"

    @settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(_PARTS, max_size=5), st.sampled_from(["/", "", "//"]))
    def stays(parts: list[str], glue: str) -> None:
        uri = root + glue + "/".join(parts)
        try:
            origin = _of(model.store, uri, run)
        except Fault:
            return
        rest = origin.source.removeprefix(root)
        assert rest == "" or rest.startswith("/")
        assert not {"..", "."} & set(rest.replace("\\", "/").split("/")) and "%2" not in rest.lower()

    stays()


def _of(store: Store, uri: str, run: str) -> source.Origin:
    with store.read() as conn:
        return source.of(conn, uri, run, None)
