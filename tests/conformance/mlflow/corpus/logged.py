"""Logged models: made, finished, tagged, measured, searched, deleted."""

from __future__ import annotations

from typing import Any

from tests.conformance.mlflow.corpus.runs import begun
from tests.conformance.mlflow.spoil import ID, LIST, NAMED, TEXT, WHOLE, each, long, spoilt
from tests.conformance.mlflow.step import Step, Tale, get, pairs, post

_MODEL = {"model": "model.info.model_id"}
_NAMES = ("a b", "a-b", "été", "a/b", "a:b", "a.b", "a%b", 'a"b', "a'b", "a@b", "\t", "x" * 500, "y" * 501)
_STATUSES = (
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_UPLOAD_FAILED",
    "LOGGED_MODEL_STATUS_UNSPECIFIED",
    1,
    2,
    3,
    0,
)
_FILTERS = (
    "name = 'm1'", "name != 'm1'", "name LIKE 'm%'", "name ILIKE 'M%'", "model_type = 'tree'", "status = 'READY'",
    "status = 'LOGGED_MODEL_READY'", "model_id = '<m1>'",
    "source_run_id = '<run>'", "creation_time > 1", "creation_timestamp > 1", "last_updated_timestamp > 1",
    "params.depth = '1'", "params.depth != '1'", "params.depth LIKE '%'",
    "tags.team = 'red'", "tags.team ILIKE 'RED'", "metrics.auc > 0.6", "metrics.auc >= 0.5", "metrics.auc < 0.6",
    "metrics.auc = 0.5", "metrics.auc != 0.5",
    "name IN ('m1', 'm2')", "name NOT IN ('m1')", "attributes.name = 'm1'", "name = 'm1' AND params.depth = '1'",
    "nothing = 'x'", "name > 'x'", "metrics.auc > 'x'",
    "params.depth > 1", "name = 'x' OR name = 'y'", "name", "creation_time LIKE 'x'", "tags.team IS NULL",
    "(name = 'm1')", "name = m1",
)  # fmt: skip
_ORDERS: tuple[list[dict[str, Any]], ...] = (
    [{"field_name": "name"}], [{"field_name": "name", "ascending": False}], [{"field_name": "metrics.auc"}],
    [{"field_name": "metrics.auc", "ascending": False}],
    [{"field_name": "metrics.auc", "dataset_name": "rows", "dataset_digest": "d"}],
    [{"field_name": "creation_time"}, {"field_name": "name"}],
    [{"field_name": "creation_timestamp", "ascending": False}, {"field_name": "name", "ascending": False}],
    [{"field_name": "model_type"}, {"field_name": "name"}], [{"field_name": "nothing"}],
    [{"field_name": "params.depth"}], [{}], [{"field_name": ""}],
    [{"field_name": "name", "dataset_name": "rows"}], [{"field_name": "metrics.auc", "dataset_digest": "d"}],
)  # fmt: skip
LIFE: Tale = [
    *begun("logged"),
    post(
        "logged-models",
        "made",
        _MODEL,
        experiment_id="<e>",
        name="m",
        model_type="tree",
        source_run_id="<run>",
        params=pairs(p="1"),
        tags=pairs(t="1"),
    ),
    post("logged-models", "made alike", experiment_id="<e>", name="m"),
    post(
        "logged-models",
        "without a name",
        {"nameless": "model.info.model_id", "title": "model.info.name"},
        experiment_id="<e>",
    ),
    get("logged-models/<model>", "read"),
    get("logged-models/m-0", "unknown"),
    *(
        Step(f"status {status!r}", "PATCH", "logged-models/<model>", {"model_id": "<model>", "status": status})
        for status in _STATUSES
    ),
    Step(
        "status without the model in the body",
        "PATCH",
        "logged-models/<model>",
        {"status": "LOGGED_MODEL_STATUS_UNSPECIFIED"},
    ),
    Step("status of an unknown one", "PATCH", "logged-models/m-0", {"model_id": "m-0", "status": "LOGGED_MODEL_READY"}),
    Step("tags", "PATCH", "logged-models/<model>/tags", {"tags": pairs(t="2", u="1")}),
    Step("no tags", "PATCH", "logged-models/<model>/tags", {"tags": []}),
    Step("tags of an unknown one", "PATCH", "logged-models/m-0/tags", {"tags": pairs(t="2")}),
    Step("tag deleted", "DELETE", "logged-models/<model>/tags/u"),
    Step("tag deleted again", "DELETE", "logged-models/<model>/tags/u"),
    Step("tag of an unknown one deleted", "DELETE", "logged-models/m-0/tags/u"),
    post("logged-models/<model>/params", "parameters", model_id="<model>", params=pairs(q="1")),
    post("logged-models/<model>/params", "parameters again", model_id="<model>", params=pairs(q="1")),
    post("logged-models/<model>/params", "other parameters", model_id="<model>", params=pairs(q="2")),
    post("logged-models/m-0/params", "parameters of an unknown one", model_id="m-0", params=pairs(q="2")),
    post(
        "runs/log-metric",
        "a metric",
        run_id="<run>",
        key="auc",
        value=0.5,
        timestamp=1,
        step=2,
        model_id="<model>",
        dataset_name="rows",
        dataset_digest="d",
    ),
    get("logged-models/<model>", "read with all"),
    get("logged-models/<model>/artifacts/directories", "files"),
    Step("a file", "PUT", "/api/2.0/mlflow-artifacts/artifacts/<e>/models/<model>/artifacts/data/x.txt", b"x"),
    *(
        get("logged-models/<model>/artifacts/directories", f"files below {path!r}", artifact_directory_path=path)
        for path in ("", "data", "nothing", "..", "/etc", "data/../..")
    ),
    get("logged-models/m-0/artifacts/directories", "files of an unknown one"),
    *spoilt(
        "POST",
        "logged-models",
        {
            "experiment_id": "<e>",
            "name": "n",
            "model_type": "t",
            "source_run_id": "<run>",
            "params": pairs(k="v"),
            "tags": pairs(k="v"),
        },
        {
            "experiment_id": {**ID, "a word": "abc", "unknown": "987654"},
            "name": {"a number": 31, "a list": ["x"]},
            "model_type": {**TEXT, **long(500)},
            "source_run_id": ID,
            "params": LIST,
            "params.0.key": {**TEXT, **long(250)},
            "params.0.value": {**TEXT, **long(6000)},
            "tags": LIST,
            "tags.0.key": {**TEXT, **long(250)},
            "tags.0.value": {**TEXT, **long(8000)},
        },
    ),
    *each("POST", "logged-models", {"experiment_id": "<e>"}, "name", _NAMES),
    *spoilt(
        "PATCH", "logged-models/<model>", {"model_id": "<model>", "status": "LOGGED_MODEL_READY"}, {"status": NAMED}
    ),
    post("logged-models", "another", {"other": "model.info.model_id"}, experiment_id="<e>", name="other"),
    *spoilt(
        "PATCH",
        "logged-models/<other>/tags",
        {"tags": pairs(k="v")},
        {"tags": LIST, "tags.0.key": {**TEXT, **long(250)}, "tags.0.value": {**TEXT, **long(8000)}},
    ),
    *spoilt(
        "POST",
        "logged-models/<other>/params",
        {"model_id": "<other>", "params": pairs(**{"k<n>": "v"})},
        {"params": LIST, "params.0.key": {**TEXT, **long(250)}, "params.0.value": {**TEXT, **long(6000)}},
    ),
    Step("ready", "PATCH", "logged-models/<model>", {"model_id": "<model>", "status": "LOGGED_MODEL_READY"}),
    Step("deleted", "DELETE", "logged-models/<model>"),
    Step("deleted again", "DELETE", "logged-models/<model>"),
    Step("an unknown one deleted", "DELETE", "logged-models/m-0"),
    get("logged-models/<model>", "deleted, read"),
    get("logged-models/<model>", "deleted, read nevertheless", allow_deleted="true"),
    Step("deleted, tagged", "PATCH", "logged-models/<model>/tags", {"tags": pairs(t="2")}),
    post("runs/log-metric", "deleted, a metric", run_id="<run>", key="auc", value=0.5, timestamp=1, model_id="<model>"),
]
FOUND: Tale = [
    *begun("logged found"),
    *(
        post(
            "logged-models",
            f"made {n}",
            {f"m{n}": "model.info.model_id"},
            experiment_id="<e>",
            name=f"m{n}",
            model_type=("tree", "line")[n % 2],
            source_run_id="<run>",
            params=pairs(depth=str(n)),
            tags=pairs(team=("red", "blue")[n % 2]) if n < 3 else [],
        )
        for n in range(5)
    ),
    *(
        post(
            "runs/log-metric",
            f"measured {n}",
            run_id="<run>",
            key="auc",
            value=value,
            timestamp=1,
            step=1,
            model_id=f"<m{n}>",
            **data,
        )
        for n, value, data in (
            (0, 0.5, {}),
            (1, 0.7, {"dataset_name": "rows", "dataset_digest": "d"}),
            (2, 0.6, {}),
            (3, 0.4, {}),
        )
    ),
    Step("one ready", "PATCH", "logged-models/<m1>", {"model_id": "<m1>", "status": "LOGGED_MODEL_READY"}),
    *each(
        "POST",
        "logged-models/search",
        {"experiment_ids": ["<e>"], "order_by": [{"field_name": "name"}]},
        "filter",
        _FILTERS,
    ),
    *each("POST", "logged-models/search", {"experiment_ids": ["<e>"]}, "order_by", _ORDERS),
    *each(
        "POST",
        "logged-models/search",
        {"experiment_ids": ["<e>"], "filter": "metrics.auc > 0", "order_by": [{"field_name": "name"}]},
        "datasets",
        [
            [{"dataset_name": "rows"}],
            [{"dataset_name": "rows", "dataset_digest": "d"}],
            [{"dataset_name": "rows", "dataset_digest": "e"}],
            [{}],
            [{"dataset_digest": "d"}],
        ],
    ),
    *spoilt(
        "POST",
        "logged-models/search",
        {"experiment_ids": ["<e>"], "order_by": [{"field_name": "name"}]},
        {
            "experiment_ids": {**LIST, "unknown": ["987654"], "of a word": ["abc"]},
            "filter": TEXT,
            "max_results": {**WHOLE, "many": 100_000},
            "page_token": TEXT,
            "datasets": LIST,
            "order_by": {"a word": "x", "of a number": [1]},
        },
    ),
    *(
        post(
            "logged-models/search",
            f"pages of {most}",
            paged=True,
            experiment_ids=["<e>"],
            max_results=most,
            order_by=[{"field_name": "name"}],
        )
        for most in (1, 2, 5)
    ),
]
ODD: Tale = [
    *begun("logged odd"),
    post("logged-models", "made", _MODEL, experiment_id="<e>", name="m"),
    post(
        "runs/log-metric",
        "a metric that is no number",
        run_id="<run>",
        key="odd",
        value="NaN",
        timestamp=1,
        step=2,
        model_id="<model>",
    ),
    get("logged-models/<model>", "read"),
]
TALES = {"logged models": LIFE, "logged models' odd metrics": ODD, "logged models found": FOUND}
