"""Datasets and models that runs read and made, and the files of runs."""

from __future__ import annotations

from typing import Any

from tests.conformance.mlflow.corpus.runs import begun
from tests.conformance.mlflow.spoil import ID, LIST, TEXT, WHOLE, long, spoilt
from tests.conformance.mlflow.step import Step, Tale, get, pairs, post

_DATA = {
    "name": "rows",
    "digest": "d1",
    "source_type": "local",
    "source": '{"uri": "x"}',
    "schema": "s",
    "profile": "p",
}
_FILES = "/api/2.0/mlflow-artifacts/artifacts"
_MODEL = {"model": "model.info.model_id"}


def _read(name: str, tags: dict[str, str] | None = None, /, **data: Any) -> Step:
    tags = tags or {}
    listed = [{"key": key, "value": value} for key, value in tags.items()]
    return post("runs/log-inputs", name, run_id="<run>", datasets=[{"dataset": {**_DATA, **data}, "tags": listed}])


DATASETS: Tale = [
    *begun("inputs"),
    _read("rows", {"mlflow.data.context": "training"}),
    _read("rows again", {"mlflow.data.context": "training"}),
    _read("rows with other tags", {"mlflow.data.context": "testing", "x": "1"}),
    _read("others", digest="d2", name="others"),
    post(
        "runs/log-inputs",
        "one without schema",
        run_id="<run>",
        datasets=[{"dataset": {k: v for k, v in _DATA.items() if k not in ("schema", "profile")} | {"digest": "d3"}}],
    ),
    post("runs/log-inputs", "by its old name", run_uuid="<run>", datasets=[]),
    post("runs/log-inputs", "nothing", run_id="<run>"),
    get("runs/get", "read", run_id="<run>"),
    *(
        post("runs/search", f"by dataset: {clause}", experiment_ids=["<e>"], filter=clause)
        for clause in (
            "dataset.name = 'rows'",
            "datasets.digest = 'd1'",
            "dataset.name != 'rows'",
            "dataset.context = 'training'",
            "dataset.name LIKE 'r%'",
            "dataset.name ILIKE 'R%'",
            "dataset.digest IN ('d1', 'd2')",
            "dataset.digest NOT IN ('d1')",
            "dataset.nothing = 'x'",
            "dataset.name > 'x'",
        )
    ),
    *spoilt(
        "POST",
        "runs/log-inputs",
        {"run_id": "<run>", "datasets": [{"dataset": {**_DATA, "digest": "n<n>"}, "tags": pairs(k="v")}]},
        {
            "run_id": ID,
            "datasets": LIST,
            "datasets.0.dataset": {**TEXT, "of no field": {}},
            "datasets.0.tags": LIST,
            "datasets.0.tags.0.key": {**TEXT, **long(255)},
            "datasets.0.tags.0.value": {**TEXT, **long(500)},
            "datasets.0.dataset.name": {**TEXT, **long(500)},
            "datasets.0.dataset.digest": {**TEXT, **long(36)},
            "datasets.0.dataset.source_type": TEXT,
            "datasets.0.dataset.source": {**TEXT, **long(65_535)},
            "datasets.0.dataset.schema": {**TEXT, **long(1_048_575)},
            "datasets.0.dataset.profile": TEXT,
        },
    ),
]
MODELS: Tale = [
    *begun("flows"),
    post("logged-models", "model", _MODEL, experiment_id="<e>", name="m"),
    post("runs/outputs", "made", run_id="<run>", models=[{"model_id": "<model>", "step": 4}]),
    post("runs/outputs", "made again", run_id="<run>", models=[{"model_id": "<model>", "step": 4}]),
    post("runs/log-inputs", "read", run_id="<run>", models=[{"model_id": "<model>"}]),
    get("runs/get", "both", run_id="<run>"),
    post("runs/search", "both, searched", experiment_ids=["<e>"]),
    *spoilt(
        "POST",
        "runs/outputs",
        {"run_id": "<run>", "models": [{"model_id": "<model>", "step": 1}]},
        {
            "run_id": ID,
            "models": LIST,
            "models.0.model_id": {**TEXT, "unknown": "m-0"},
            "models.0.step": WHOLE,
        },
    ),
    *spoilt(
        "POST",
        "runs/log-inputs",
        {"run_id": "<run>", "models": [{"model_id": "<model>"}]},
        {
            "models": LIST,
            "models.0.model_id": {**TEXT, "unknown": "m-0"},
        },
    ),
]
FILES: Tale = [
    *begun("files"),
    get("artifacts/list", "none", run_id="<run>"),
    *(
        Step(f"put {name}", "PUT", f"{_FILES}/<e>/<run>/artifacts/{name}", b"hello")
        for name in ("a.txt", "b/c.txt", "b/d/e.txt", "b/f g.txt")
    ),
    get("artifacts/list", "root", run_id="<run>"),
    get("artifacts/list", "by its old name", run_uuid="<run>"),
    *(
        get("artifacts/list", f"below {path!r}", run_id="<run>", path=path)
        for path in (
            "",
            "b",
            "b/",
            "b/d",
            "a.txt",
            "nothing",
            "..",
            "b/../..",
            "/b",
            "/etc",
            "b//d",
            "%2e%2e",
            ".",
            "b\\d",
            "a#b",
            "http://x/y",
        )
    ),
    *spoilt("GET", "artifacts/list", {"run_id": "<run>"}, {"run_id": ID, "page_token": {"nonsense": "x"}}),
    *(
        get(_FILES, f"served below {path!r}", path=path)
        for path in ("<e>", "<e>/<run>/artifacts", "<e>/<run>/artifacts/b", "nothing", "..", "/etc", "<e>/../..")
    ),
    *(
        get(f"{_FILES}/<e>/<run>/artifacts/{path}", f"get {path}")
        for path in ("a.txt", "b/f g.txt", "nothing.txt", "../../x", "%2e%2e/x", "%252e%252e/x", "b%00c")
    ),
    *(
        Step(f"put to {path}", "PUT", f"{_FILES}/<e>/<run>/artifacts/{path}", b"x")
        for path in ("../../../x", "%2e%2e/x", "%252e%252e/x", "b%00c", "a%5cb")
    ),
    *(
        Step(f"delete {path}", "DELETE", f"{_FILES}/<e>/<run>/artifacts/{path}")
        for path in ("a.txt", "nothing", "../../x")
    ),
    get("artifacts/list", "in the end", run_id="<run>"),
]
TALES = {"datasets": DATASETS, "flows of models": MODELS, "files": FILES}
