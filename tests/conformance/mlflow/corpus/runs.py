"""Runs: begun, changed, tagged, deleted and restored; what they log of parameters and tags."""

from __future__ import annotations

import json

from tests.conformance.mlflow.spoil import ID, LIST, NAMED, TEXT, WHOLE, each, long, spoilt
from tests.conformance.mlflow.step import Step, Tale, get, pairs, post

_RUN = {"run": "run.info.run_id"}
_AT = 1_700_000_000_000
_KEYS = (
    "a b", "a.b", "a-b", "a_b", "a/b", "a:b", "a?b", "a*b", "été", "../x", "a/../b", "/a", "a//b", ".", "a'b", "a\nb",
    " a",
)  # fmt: skip
_MODEL = {
    "artifact_path": "model", "flavors": {"python_function": {"x": "y"}}, "utc_time_created": "2026-01-01 00:00:00",
    "run_id": "<run>", "more": 1,
}  # fmt: skip


def begun(name: str) -> Tale:
    """An experiment and a run of that name in it."""
    return [
        post("experiments/create", "experiment", {"e": "experiment_id"}, name=name),
        post("runs/create", "run", _RUN, experiment_id="<e>", run_name=name, start_time=_AT),
    ]


LIFE: Tale = [
    *begun("runs"),
    get("runs/get", "as made", run_id="<run>"),
    get("runs/get", "read by its old name", run_uuid="<run>"),
    post(
        "runs/create", "without a name", {"other": "run.info.run_id", "title": "run.info.run_name"}, experiment_id="<e>"
    ),
    get("runs/get", "without a name, read", run_id="<other>"),
    post(
        "runs/create",
        "named by a tag",
        experiment_id="<e>",
        start_time=_AT,
        tags=[{"key": "mlflow.runName", "value": "t"}],
    ),
    post(
        "runs/create", "named twice", experiment_id="<e>", run_name="a", tags=[{"key": "mlflow.runName", "value": "b"}]
    ),
    post(
        "runs/create",
        "named twice alike",
        experiment_id="<e>",
        start_time=_AT,
        run_name="a",
        tags=[{"key": "mlflow.runName", "value": "a"}],
    ),
    post(
        "runs/create",
        "of somebody",
        experiment_id="<e>",
        start_time=_AT,
        run_name="a",
        user_id="bob",
        tags=pairs(x="1", y="2"),
    ),
    post(
        "runs/create",
        "a tag twice",
        experiment_id="<e>",
        start_time=_AT,
        run_name="a",
        tags=[*pairs(x="1"), *pairs(x="2")],
    ),
    post("runs/create", "without an experiment", run_name="a", start_time=_AT),
    *(
        post("runs/update", f"status {status!r}", run_id="<run>", status=status, end_time=_AT + 5)
        for status in ("RUNNING", "SCHEDULED", "FAILED", "KILLED", "FINISHED", 1, 3, "finished", "", None)
    ),
    post("runs/update", "renamed", run_id="<run>", run_name="second"),
    post("runs/update", "by its old name", run_uuid="<run>", run_name="third"),
    post("runs/update", "an empty name", run_id="<run>", run_name=""),
    get("runs/get", "changed, read", run_id="<run>"),
    post("runs/set-tag", "renamed by a tag", run_id="<run>", key="mlflow.runName", value="by tag"),
    get("runs/get", "renamed by a tag, read", run_id="<run>"),
    post("runs/set-tag", "user by a tag", run_id="<run>", key="mlflow.user", value="eve"),
    get("runs/get", "user by a tag, read", run_id="<run>"),
    post("runs/delete-tag", "the name's tag", run_id="<run>", key="mlflow.runName"),
    get("runs/get", "without the name's tag, read", run_id="<run>"),
    post("runs/log-parameter", "a parameter", run_id="<run>", key="p", value="1"),
    post("runs/log-parameter", "the same again", run_id="<run>", key="p", value="1"),
    post("runs/log-parameter", "another value", run_id="<run>", key="p", value="2"),
    post("runs/log-parameter", "an empty value", run_id="<run>", key="empty", value=""),
    post("runs/log-parameter", "no value", run_id="<run>", key="none"),
    post("runs/set-tag", "a tag", run_id="<run>", key="t", value="1"),
    post("runs/set-tag", "a tag again", run_id="<run>", key="t", value="2"),
    post("runs/set-tag", "an empty tag", run_id="<run>", key="empty", value=""),
    get("runs/get", "logged, read", run_id="<run>"),
    post("runs/delete-tag", "no tag", run_id="<run>", key="t"),
    post("runs/delete-tag", "no tag, again", run_id="<run>", key="t"),
    post("runs/delete", "deleted", run_id="<run>"),
    post("runs/delete", "deleted twice", run_id="<run>"),
    get("runs/get", "deleted, read", run_id="<run>"),
    post("runs/update", "deleted, changed", run_id="<run>", status="RUNNING"),
    post("runs/set-tag", "deleted, tagged", run_id="<run>", key="t", value="1"),
    post("runs/delete-tag", "deleted, untagged", run_id="<run>", key="empty"),
    post("runs/log-parameter", "deleted, a parameter", run_id="<run>", key="q", value="1"),
    post("runs/log-metric", "deleted, a metric", run_id="<run>", key="m", value=1, timestamp=1),
    post("runs/log-batch", "deleted, a batch", run_id="<run>", tags=pairs(a="1")),
    post("runs/log-batch", "deleted, an empty batch", run_id="<run>"),
    post("runs/log-inputs", "deleted, inputs", run_id="<run>", datasets=[]),
    post("runs/log-model", "deleted, a model", run_id="<run>", model_json=json.dumps(_MODEL)),
    get("metrics/get-history", "deleted, history", run_id="<run>", metric_key="m"),
    get("artifacts/list", "deleted, artifacts", run_id="<run>"),
    post("runs/restore", "restored", run_id="<run>"),
    post("runs/restore", "restored twice", run_id="<run>"),
    get("runs/get", "restored, read", run_id="<run>"),
]
SPOILT: Tale = [
    *begun("runs spoilt"),
    *spoilt(
        "POST",
        "runs/create",
        {"experiment_id": "<e>", "user_id": "u", "run_name": "r", "start_time": _AT, "tags": pairs(k="v")},
        {
            "experiment_id": {**ID, "negative": "-1", "a word": "abc", "unknown": "987654", "empty": ""},
            "user_id": {**TEXT, "of 256 characters": "u" * 256},
            "run_name": {"a list": ["x"], "a number": 31, **long(250, "r")},
            "start_time": WHOLE,
            "tags": LIST,
            "tags.0.key": {**TEXT, **long(250, "k")},
            "tags.0.value": {**TEXT, **long(8000, "v")},
        },
    ),
    *spoilt("GET", "runs/get", {"run_id": "<run>"}, {"run_id": ID}),
    *spoilt(
        "POST",
        "runs/update",
        {"run_id": "<run>", "status": "RUNNING", "end_time": _AT, "run_name": "x"},
        {
            "run_id": ID,
            "status": NAMED,
            "end_time": WHOLE,
            "run_name": {**TEXT, **long(250, "r")},
        },
    ),
    *spoilt(
        "POST",
        "runs/set-tag",
        {"run_id": "<run>", "key": "k", "value": "v"},
        {
            "run_id": ID,
            "key": {**TEXT, **long(250)},
            "value": {**TEXT, **long(8000)},
        },
    ),
    *spoilt("POST", "runs/delete-tag", {"run_id": "<run>", "key": "k"}, {"run_id": ID, "key": TEXT}),
    *spoilt(
        "POST",
        "runs/log-parameter",
        {"run_id": "<run>", "key": "k<n>", "value": "v"},
        {
            "run_id": ID,
            "key": {**TEXT, **long(250)},
            "value": {**TEXT, **long(6000)},
        },
    ),
    *each("POST", "runs/log-parameter", {"run_id": "<run>", "value": "v"}, "key", _KEYS),
    *each("POST", "runs/set-tag", {"run_id": "<run>", "value": "v"}, "key", _KEYS),
    *spoilt("POST", "runs/delete", {"run_id": "<run>"}, {"run_id": ID}),
    *spoilt("POST", "runs/restore", {"run_id": "<run>"}, {"run_id": ID}),
]
BATCHES: Tale = [
    *begun("batches"),
    post(
        "runs/log-batch",
        "all",
        run_id="<run>",
        params=pairs(p="1"),
        tags=pairs(t="1"),
        metrics=[{"key": "m", "value": 1, "timestamp": 2, "step": 3}],
    ),
    post("runs/log-batch", "by its old name", run_uuid="<run>", tags=pairs(u="1")),
    post("runs/log-batch", "nothing", run_id="<run>"),
    *(
        post(
            "runs/log-batch",
            f"{count} {kind}",
            run_id="<run>",
            **{kind: [{"key": f"{kind}{n}", **more} for n in range(count)]},
        )
        for kind, counts, more in (
            ("metrics", (1000, 1001), {"value": 1, "timestamp": 1}),
            ("params", (100, 101), {"value": "x"}),
            ("tags", (100, 101), {"value": "x"}),
        )
        for count in counts
    ),
    post(
        "runs/log-batch",
        "1001 in all",
        run_id="<run>",
        params=[{"key": f"q{n}", "value": "x"} for n in range(100)],
        tags=[{"key": f"q{n}", "value": "x"} for n in range(100)],
        metrics=[{"key": f"q{n}", "value": 1, "timestamp": 1} for n in range(801)],
    ),
    post("runs/log-batch", "a parameter twice", run_id="<run>", params=[*pairs(d="1"), *pairs(d="1")]),
    post(
        "runs/log-batch",
        "a parameter anew",
        run_id="<run>",
        params=pairs(p="2", fresh="1"),
        tags=pairs(never="1"),
        metrics=[],
    ),
    post("runs/log-batch", "a tag twice", run_id="<run>", tags=[*pairs(d="1"), *pairs(d="2")]),
    post(
        "runs/log-batch",
        "one bad name",
        run_id="<run>",
        params=[{"key": "good", "value": "1"}, {"key": "b?d", "value": "1"}],
    ),
    post(
        "runs/log-batch",
        "one bad metric",
        run_id="<run>",
        metrics=[{"key": "g", "value": 1, "timestamp": 1}, {"key": "h", "value": "x", "timestamp": 1}],
    ),
    post(
        "runs/log-batch",
        "a model's metric",
        run_id="<run>",
        metrics=[{"key": "g", "value": 1, "timestamp": 1, "model_id": "m-0"}],
    ),
    *spoilt(
        "POST",
        "runs/log-batch",
        {
            "run_id": "<run>",
            "metrics": [{"key": "m<n>", "value": 1.5, "timestamp": 2, "step": 3}],
            "params": pairs(**{"p<n>": "v"}),
            "tags": pairs(**{"t<n>": "v"}),
        },
        {
            "run_id": ID,
            "metrics": LIST,
            "params": LIST,
            "tags": LIST,
            "metrics.0.key": {**TEXT, **long(250, "m")},
            "metrics.0.value": {"absent": None, "a word": "x"},
            "metrics.0.timestamp": WHOLE,
            "metrics.0.step": WHOLE,
            "params.0.key": {**TEXT, **long(250, "p"), "odd": "a?b"},
            "params.0.value": {**TEXT, **long(6000)},
            "tags.0.key": {**TEXT, **long(250, "t"), "odd": "a?b"},
            "tags.0.value": {**TEXT, **long(8000)},
        },
    ),
]
MODELS: Tale = [
    *begun("log-model"),
    post("runs/log-model", "a model", run_id="<run>", model_json=json.dumps(_MODEL)),
    post("runs/log-model", "a second", run_id="<run>", model_json=json.dumps({**_MODEL, "artifact_path": "other"})),
    get("runs/get", "told of", run_id="<run>"),
    *spoilt(
        "POST",
        "runs/log-model",
        {"run_id": "<run>", "model_json": json.dumps(_MODEL)},
        {
            "run_id": ID,
            "model_json": {**TEXT, "no JSON": "{", "a text": '"x"', "a list in it": "[]", "an empty one": "{}"},
        },
    ),
    *(
        post(
            "runs/log-model",
            f"without {name}",
            run_id="<run>",
            model_json=json.dumps({k: v for k, v in _MODEL.items() if k != name}),
        )
        for name in _MODEL
    ),
]
GOOD = b'{"run_id": "<run>", "key": "k", "value": "v"}'
BODIES: Tale = [
    *begun("bodies"),
    *(
        Step(f"{path}: {name}", "POST", path, body)
        for path in ("runs/set-tag", "runs/log-batch", "runs/search", "experiments/create")
        for name, body in {
            "nothing": b"",
            "no JSON": b"{",
            "words": b"hello",
            "a list": b"[]",
            "a number": b"3",
            "null": b"null",
            "a text": b'"x"',
            "unknown fields": b'{"nothing": 1, "runId": null}',
            "bytes": b"\xff\xfe",
            "deep": b"[" * 5000,
            "NaN": b'{"key": NaN}',
        }.items()
    ),
    Step("encoded twice", "POST", "runs/set-tag", json.dumps(GOOD.decode()).encode()),
    Step("a field twice", "POST", "runs/set-tag", GOOD.replace(b'"v"', b'"v", "value": "w"')),
    Step("with a field that is unknown", "POST", "runs/set-tag", GOOD.replace(b'"v"', b'"v", "nothing": {"a": []}')),
    Step("with fields in camels", "POST", "runs/set-tag", GOOD.replace(b"run_id", b"runId")),
    Step("both names of a run", "POST", "runs/set-tag", GOOD.replace(b'"run_id"', b'"run_uuid": "<run>", "run_id"')),
    Step(
        "both names of a run, one empty", "POST", "runs/set-tag", GOOD.replace(b'"run_id"', b'"run_id": "", "run_uuid"')
    ),
    Step("a query beside the body", "POST", "runs/set-tag?run_id=x", GOOD),
    Step("an unknown path", "POST", "runs/nothing", {}),
    Step("another method", "DELETE", "runs/create", {}),
    Step("below nothing", "GET", "/api/2.0/mlflow/", {}),
]
TALES = {"runs": LIFE, "runs spoilt": SPOILT, "batches": BATCHES, "runs' models": MODELS, "bodies": BODIES}
