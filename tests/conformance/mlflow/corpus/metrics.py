"""Metrics: values that are numbers and some that are not, the latest of each, and their history by pages and steps."""

from __future__ import annotations

from tests.conformance.mlflow.corpus.runs import begun
from tests.conformance.mlflow.spoil import ID, REAL, TEXT, WHOLE, each, long, spoilt
from tests.conformance.mlflow.step import Step, Tale, get, post

_VALUES = (
    0, -0.0, 1, 1.5, -2.25e-300, 1e308, 2**53, 2**64, "NaN", "nan", "Infinity", "-Infinity", "inf", "1e3", " 1 ",
    "0x1", "", "1e999",
)  # fmt: skip
_ONE = {"run_id": "<run>", "key": "m", "value": 1, "timestamp": 5, "step": 1}
_NAMES = ("a b", "a.b", "a/b", "a:b", "a?b", "été", "../x", "/a", "a//b", ".", "a\nb")


def _points(key: str, *points: tuple[object, int, int]) -> Step:
    listed = [{"key": key, "value": value, "timestamp": at, "step": step} for value, at, step in points]
    return post("runs/log-batch", f"points of {key}", run_id="<run>", metrics=listed)


LOGGED: Tale = [
    *begun("metrics"),
    *(
        post("runs/log-metric", f"value {value!r}", run_id="<run>", key=f"v{n}", value=value, timestamp=1)
        for n, value in enumerate(_VALUES)
    ),
    *(
        post("runs/log-metric", f"step {step!r}", run_id="<run>", key="s", value=1, timestamp=1, step=step)
        for step in (0, -1, "7", -(2**63), 2**63 - 1, 2**63, 1.0)
    ),
    *(
        post("runs/log-metric", f"timestamp {at!r}", run_id="<run>", key="t", value=1, timestamp=at)
        for at in (0, -1, "7", 2**63 - 1, 2**63, 1.0)
    ),
    *each("POST", "runs/log-metric", _ONE, "key", _NAMES),
    _points("late", (1, 9, 1), (2, 5, 2), (3, 5, 2), (9, 1, 1), ("NaN", 5, 2)),
    _points("again", (1, 1, 1), (1, 1, 1), (1, 1, 1)),
    _points("back", (5, 5, 5), (4, 4, 4)),
    _points("no number", ("NaN", 1, 1), ("NaN", 1, 1), ("Infinity", 2, 2), ("-Infinity", 3, 3)),
    post("runs/log-metric", "a model's that is not", run_id="<run>", key="m", value=1, timestamp=1, model_id="m-0"),
    get("runs/get", "the latest of each", run_id="<run>"),
    *(
        get("metrics/get-history", f"history of {key}", run_id="<run>", metric_key=key)
        for key in ("late", "again", "back", "no number", "s", "nothing")
    ),
    *spoilt(
        "POST",
        "runs/log-metric",
        {**_ONE, "key": "k<n>"},
        {
            "run_id": ID,
            "key": {**TEXT, **long(250)},
            "value": REAL,
            "timestamp": WHOLE,
            "step": WHOLE,
            "model_id": {**TEXT, "unknown": "m-1"},
            "dataset_name": TEXT,
            "dataset_digest": TEXT,
        },
    ),
]
HISTORY: Tale = [
    *begun("history"),
    _points("loss", *((n / 10, 1000 + n, n) for n in range(20))),
    post("runs/create", "another", {"other": "run.info.run_id"}, experiment_id="<e>", run_name="another"),
    post("runs/log-metric", "another's", run_id="<other>", key="loss", value=7, timestamp=7, step=7),
    *(
        get("metrics/get-history", f"pages of {most}", paged=True, run_id="<run>", metric_key="loss", max_results=most)
        for most in (3, 7, 20, 25)
    ),
    get("metrics/get-history", "by its old name", run_uuid="<run>", metric_key="loss"),
    *spoilt(
        "GET",
        "metrics/get-history",
        {"run_id": "<run>", "metric_key": "loss"},
        {
            "run_id": ID,
            "metric_key": TEXT,
            "max_results": WHOLE,
            "page_token": {"empty": "", "nonsense": "nonsense"},
        },
    ),
    *(
        get(
            "metrics/get-history-bulk-interval",
            f"interval {name}",
            run_ids=["<run>", "<other>"],
            metric_key="loss",
            **query,
        )
        for name, query in {
            "of all": {},
            "of 5": {"max_results": 5},
            "of 1": {"max_results": 1},
            "of 2": {"max_results": 2},
            "of 2500": {"max_results": 2500},
            "of 2501": {"max_results": 2501},
            "from 3 to 8": {"start_step": 3, "end_step": 8},
            "from 3": {"start_step": 3},
            "to 3": {"end_step": 3},
            "from 8 to 3": {"start_step": 8, "end_step": 3},
            "3 from 3 to 18": {"start_step": 3, "end_step": 18, "max_results": 3},
            "beyond": {"start_step": 100, "end_step": 200},
            "from -5 to 5": {"start_step": -5, "end_step": 5},
            "of one step": {"start_step": 4, "end_step": 4},
        }.items()
    ),
    get("metrics/get-history-bulk-interval", "interval of many runs", run_ids=["<run>"] * 101, metric_key="loss"),
    *spoilt(
        "GET",
        "metrics/get-history-bulk-interval",
        {"run_ids": ["<run>"], "metric_key": "loss", "start_step": 1, "end_step": 9},
        {
            "run_ids": {**ID, "of none": []},
            "metric_key": TEXT,
            "start_step": WHOLE,
            "end_step": WHOLE,
            "max_results": WHOLE,
        },
    ),
]
TALES = {"metrics": LOGGED, "history": HISTORY}
