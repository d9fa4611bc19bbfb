"""Versions of registered models: where they come from, with all tricks; their stages, tags, searches, deletes."""

from __future__ import annotations

from tests.conformance.mlflow.corpus.runs import begun
from tests.conformance.mlflow.spoil import FLAG, LIST, TEXT, WHOLE, each, long, spoilt
from tests.conformance.mlflow.step import Step, Tale, get, pairs, post

_VERSION = {
    **TEXT,
    "a word": "x",
    "zero": "0",
    "negative": "-1",
    "unknown": "99",
    "a fraction": "1.0",
    "long": "9" * 30,
}
_SOURCES = (
    "s3://bucket/model", "gs://bucket/x", "dbfs:/x/y", "mlflow-artifacts:/<e>/<run>/artifacts/model",
    "mlflow-artifacts:/<e>/<other>/artifacts/model",
    "mlflow-artifacts:/<e>/<run>/artifacts", "mlflow-artifacts:/<e>/<run>/artifactsX",
    "mlflow-artifacts:/<e>/<run>/artifacts/../../x",
    "mlflow-artifacts:/<e>/<run>/artifacts/%2e%2e/%2e%2e/x", "mlflow-artifacts:/<e>/<run>/artifacts/%252e%252e/x",
    "mlflow-artifacts://host/<e>/<run>/artifacts/model",
    "runs:/<run>/model", "runs:/<other>/model", "runs:/<run>", "runs:/<run>/../x", "runs:/", "runs:/nothing/model",
    "runs://host/<run>/model",
    "file:///etc", "file:///etc/passwd", "file:/etc", "file://host/etc", "/etc/passwd", "etc/passwd", "../x", "./x",
    "~/x", "C:\\x", "\\\\host\\x", "FILE:///etc",
    "http://host/x", "https://host/x", "ftp://host/x", "http://host/mlartifacts/../x", "s3://bucket/../x",
    "s3://bucket/a/%2e%2e/x", "s3://bucket/a/..%2fx",
    "s3://bucket/a\x00b", "s3://bucket/a#/../b", "s3://bucket/a?x=/../b", "models:/m-0", "models:/<model>",
    "models:/sources/1", "models:/sources@champion",
    "models:/nothing/1", "models:/sources/99", "models:/", "dummy-source", "x" * 3000, " ", "://x",
    "mlflow-artifacts:/", "mlflow-artifacts:/<e>/models/<model>/artifacts",
)  # fmt: skip
_FILTERS = (
    "name = 'kept'", "name LIKE 'kep%'", "name ILIKE 'KEPT'", "name != 'kept' AND name LIKE 'kept%'",
    "name IN ('kept', 'kept too')", "name = 'kept' AND version_number > 2",
    "name = 'kept' AND version_number = 2", "name = 'kept' AND version_number != 2",
    "name = 'kept' AND version_number <= 2", "name = 'kept' AND run_id = '<run>'",
    "run_id IN ('<run>', '<run>')", "run_id = ''", "name = 'kept' AND source_path = 's3://bucket/2'",
    "source_path LIKE 's3://bucket/%' AND name = 'kept'",
    "name = 'kept' AND tags.n = '1'", "name = 'kept' AND tags.n != '1'", "name = 'kept' AND tags.n LIKE '%'",
    "tag.n = '1' AND name ILIKE 'Kept'",
    "name = 'kept' AND tags.`mlflow.prompt.is_prompt` != 'true'", "name > 'x'", "version_number > 'x'",
    "version_number LIKE '1'", "nothing = 'x'", "name = 'x' OR name = 'y'",
    "current_stage = 'None'", "run_id > 'x'", "source_path = 1", "name = kept", "name IN ()", "run_id IN ('a', 1)",
    "name", "aliases = 'x'", "version = '1'",
)  # fmt: skip
_ORDERS = (
    ["version_number"], ["version_number DESC"], ["name", "version_number DESC"],
    ["creation_timestamp", "version_number"],
    ["nothing"], ["run_id"], ["version_number SIDEWAYS"], ["source_path", "version_number"], [""],
)  # fmt: skip
SOURCES: Tale = [
    *begun("sources"),
    post("runs/create", "another", {"other": "run.info.run_id"}, experiment_id="<e>", run_name="another"),
    post(
        "logged-models",
        "a logged model",
        {"model": "model.info.model_id"},
        experiment_id="<e>",
        name="m",
        source_run_id="<run>",
    ),
    post("registered-models/create", "made", name="sources"),
    post("model-versions/create", "a first", name="sources", source="runs:/<run>/model", run_id="<run>"),
    post("registered-models/alias", "its alias", name="sources", alias="champion", version="1"),
    post("registered-models/create", "made apart", name="sources apart"),
    post("model-versions/create", "with backslashes", name="sources apart", source="s3://bucket/a\\..\\x"),
    *(
        Step(f"{named} {source!r:.80}", "POST", "model-versions/create", {"name": "sources", "source": source, **given})
        for named, given in {
            "of a run": {"run_id": "<run>"},
            "of nothing": {},
            "of a model": {"model_id": "<model>"},
            "of both": {"run_id": "<run>", "model_id": "<model>"},
        }.items()
        for source in _SOURCES
    ),
]
LIFE: Tale = [
    *begun("versions"),
    post("registered-models/create", "made", name="kept"),
    post("registered-models/create", "made too", name="kept too"),
    *(
        post(
            "model-versions/create",
            f"version {n}",
            name="kept",
            source=f"s3://bucket/{n}",
            run_id="<run>",
            description=f"d{n}",
            tags=pairs(n=str(n)),
        )
        for n in range(1, 5)
    ),
    post("model-versions/create", "of a run that is not", name="kept too", source="s3://bucket/x", run_id="f" * 32),
    post("model-versions/create", "of an unknown model", name="nothing", source="s3://bucket/x"),
    get("model-versions/get", "read", name="kept", version="1"),
    get("model-versions/get-download-uri", "where", name="kept", version="1"),
    Step("described", "PATCH", "model-versions/update", {"name": "kept", "version": "1", "description": "other"}),
    post("model-versions/set-tag", "tag", name="kept", version="1", key="t", value="1"),
    get("model-versions/get", "tagged", name="kept", version="1"),
    Step("no tag", "DELETE", "model-versions/delete-tag", {"name": "kept", "version": "1", "key": "t"}),
    Step("no tag, again", "DELETE", "model-versions/delete-tag", {"name": "kept", "version": "1", "key": "t"}),
    *(
        post(
            "model-versions/transition-stage",
            f"{n} to {stage!r}, archive {archive}",
            name="kept",
            version=str(n),
            stage=stage,
            archive_existing_versions=archive,
        )
        for n, stage, archive in (
            (1, "Staging", False),
            (2, "staging", True),
            (1, "Production", False),
            (3, "PRODUCTION", False),
            (4, "Production", True),
            (4, "production", True),
            (4, "Archived", False),
            (4, "None", False),
            (4, "none", True),
            (4, "Archived", True),
            (4, "Nonsense", False),
            (4, "", False),
        )
    ),
    post("model-versions/transition-stage", "archive not said", name="kept", version="1", stage="Staging"),
    get("registered-models/get", "the latest of each stage", name="kept"),
    *(
        get("registered-models/get-latest-versions", f"the latest at {stages}", name="kept", stages=stages)
        for stages in (["None"], ["Staging", "production"], ["Nonsense"])
    ),
    *each("GET", "model-versions/search", {"order_by": ["name", "version_number"]}, "filter", _FILTERS),
    *each("GET", "model-versions/search", {"filter": "name = 'kept'"}, "order_by", _ORDERS),
    *spoilt(
        "GET",
        "model-versions/search",
        {"filter": "name = 'kept'"},
        {
            "max_results": {**WHOLE, "most": 200_000, "more": 200_001},
            "page_token": {"empty": "", "nonsense": "nonsense"},
        },
    ),
    *(
        get(
            "model-versions/search",
            f"pages of {most} by {order}",
            paged=True,
            filter="name = 'kept'",
            max_results=most,
            order_by=order,
        )
        for most in (1, 3, 4)
        for order in (["version_number"], ["version_number DESC"])
    ),
    Step("deleted", "DELETE", "model-versions/delete", {"name": "kept", "version": "4"}),
    Step("deleted again", "DELETE", "model-versions/delete", {"name": "kept", "version": "4"}),
    get("model-versions/get", "deleted, read", name="kept", version="4"),
    post("model-versions/set-tag", "deleted, tagged", name="kept", version="4", key="t", value="1"),
    post("model-versions/transition-stage", "deleted, moved", name="kept", version="4", stage="Staging"),
    post("model-versions/create", "after the last is deleted", name="kept", source="s3://bucket/5"),
    post("registered-models/rename", "renamed", name="kept", new_name="kept well"),
    get("model-versions/search", "renamed, found", filter="name = 'kept well'", order_by=["version_number"]),
]
SPOILT: Tale = [
    *begun("versions spoilt"),
    post("registered-models/create", "made", name="spoilt version"),
    *spoilt(
        "POST",
        "model-versions/create",
        {
            "name": "spoilt version",
            "source": "s3://bucket/x",
            "run_id": "<run>",
            "description": "d",
            "tags": pairs(k="v"),
        },
        {
            "tags.0.value": long(100_000),
            "tags.0.key": {**TEXT, **long(250)},
            "name": {**TEXT, "bad": "a/b"},
            "source": TEXT,
            "run_id": TEXT,
            "model_id": {"empty": "", "unknown": "m-0", "a number": 31},
            "description": {**TEXT, **long(5000)},
            "tags": LIST,
        },
    ),
    *(
        step
        for path in ("model-versions/get", "model-versions/get-download-uri")
        for step in spoilt("GET", path, {"name": "spoilt version", "version": "1"}, {"name": TEXT, "version": _VERSION})
    ),
    *spoilt(
        "PATCH",
        "model-versions/update",
        {"name": "spoilt version", "version": "1", "description": "x"},
        {"name": TEXT, "version": _VERSION, "description": TEXT},
    ),
    *spoilt(
        "POST",
        "model-versions/transition-stage",
        {"name": "spoilt version", "version": "1", "stage": "Staging", "archive_existing_versions": False},
        {
            "name": TEXT,
            "version": _VERSION,
            "stage": TEXT,
            "archive_existing_versions": FLAG,
        },
    ),
    *spoilt(
        "POST",
        "model-versions/set-tag",
        {"name": "spoilt version", "version": "1", "key": "k", "value": "v"},
        {
            "name": TEXT,
            "version": _VERSION,
            "key": {**TEXT, **long(250), "odd": "a?b"},
            "value": TEXT,
        },
    ),
    *spoilt(
        "DELETE",
        "model-versions/delete-tag",
        {"name": "spoilt version", "version": "1", "key": "k"},
        {"name": TEXT, "version": _VERSION, "key": TEXT},
    ),
    *spoilt(
        "DELETE",
        "model-versions/delete",
        {"name": "spoilt version", "version": "1"},
        {"name": TEXT, "version": _VERSION},
    ),
]
TALES = {"versions' sources": SOURCES, "versions": LIFE, "versions spoilt": SPOILT}
