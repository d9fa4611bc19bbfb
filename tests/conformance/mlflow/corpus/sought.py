"""Searches of runs: every comparator over every kind of key, orders with what is missing or no number, pages."""

from __future__ import annotations

from tests.conformance.mlflow.spoil import LIST, NAMED, TEXT, WHOLE, each, spoilt
from tests.conformance.mlflow.step import Tale, get, pairs, post

_AT = 1_700_000_000_000
_RUNS = {
    "one": ({"auc": 0.5, "loss": 3, "odd": "NaN"}, {"depth": "1", "Kind": "tree"}, {"team": "red"}, "FINISHED"),
    "two": ({"auc": 0.7, "loss": 2, "odd": "Infinity"}, {"depth": "10", "Kind": "Tree"}, {"team": "Blue"}, "FAILED"),
    "three": ({"auc": 0.7, "odd": "-Infinity"}, {"depth": "2"}, {"team": "r_d", "note": ""}, "RUNNING"),
    "Four": ({"loss": "NaN", "odd": 1}, {"Kind": "a%b"}, {}, "KILLED"),
    "five": ({}, {}, {"team": "red", "a b": "x y"}, "SCHEDULED"),
}
"""Metrics, parameters, tags and the status of each run."""
_COMPARATORS = (">", ">=", "<", "<=", "=", "!=")
_TEXTS = ("=", "!=", "LIKE", "ILIKE")
_ORDERS = (
    ["metrics.auc DESC"], ["metrics.auc ASC"], ["metrics.auc"], ["metrics.odd"], ["metrics.odd DESC"],
    ["metrics.loss"], ["metrics.loss DESC"],
    ["params.depth"], ["params.depth DESC"], ["params.Kind", "metrics.auc DESC"], ["tags.team"], ["tags.team DESC"],
    ["attributes.start_time"],
    ["start_time DESC"], ["attribute.run_name"], ["run_name DESC"], ["status"], ["end_time DESC"], ["created"],
    ["Created DESC"], ["metrics.nothing"],
    ["tags.`a b`"], ["user_id", "run_name"], ["run_id", "nothing"], ["nothing.x"], ["metrics.auc SIDEWAYS"], [""],
    ["metrics.auc ASC DESC"],
    ["metrics"], ["metrics.auc, run_name"], ["dataset.name"],
)  # fmt: skip
_WRONG = (
    "metrics.auc", "metrics.auc >", "> 1", "metrics.auc > 'x'", "metrics.auc > x", "params.depth > 1",
    "params.depth = 1", "params.depth = one",
    "tags.team > 'x'", "nothing.x = 1", "nothing = 'x'", "metrics.auc > 0.1 OR metrics.auc < 1", "(metrics.auc > 0.1)",
    "metrics.auc IN (1)",
    "status > 'x'", "start_time LIKE '1'", "start_time > 'x'", "run_name IN ('one')", "run_id IN 'x'", "run_id IN ()",
    "run_id IN ('x', 1)",
    "metrics.auc > 0.1 AND", "AND metrics.auc > 0.1", "metrics.auc > 0.1 metrics.loss > 1", "metrics.auc >> 1",
    "metrics.auc == 1", "metrics.`auc > 1",
    "params.depth = '1", "params.depth = '1''2'", "tags.team LIKE red", "tags.team IS", "tags.team IS red",
    "metrics.auc IS NULL", "status IS NULL",
    "start_time = 1.5", "experiment_id = '1'", "lifecycle_stage = 'active'", "params.depth = '1'; DROP TABLE runs",
    "metrics.auc > 1e", "metrics.auc = NaN",
    "metrics.auc = 'NaN'", "params.x NOT LIKE 'x'", "NOT params.x = 'x'", ".x = 'x'", "a.b.c = 'x'", "-- x", "/* x */",
    "metrics.auc > 1 -- x",
)  # fmt: skip
_RIGHT = (
    *(f"metrics.auc {sign} 0.7" for sign in _COMPARATORS), *(f"metric.odd {sign} 1" for sign in _COMPARATORS),
    *(f"metrics.loss {sign} 2.5" for sign in _COMPARATORS),
    *(f"params.Kind {sign} 'tree'" for sign in _TEXTS), *(f"parameter.Kind {sign} 'T%'" for sign in _TEXTS),
    *(f"tags.team {sign} 'r_d'" for sign in _TEXTS),
    *(f"run_name {sign} 'four'" for sign in _TEXTS), *(f"status {sign} 'FINISHED'" for sign in _TEXTS),
    *(f"user_id {sign} 'somebody'" for sign in _TEXTS),
    *(f"start_time {sign} {_AT + 2}" for sign in _COMPARATORS),
    *(f"end_time {sign} {_AT + 12}" for sign in _COMPARATORS),
    *(f"run_id {sign}" for sign in ("= '<one>'", "!= '<one>'", "IN ('<one>', '<two>')", "NOT IN ('<one>', '<two>')",
            "LIKE '%'")),
    "params.Kind LIKE 'a%b'", "params.Kind LIKE 'a\\%b'", "params.Kind IS NULL", "params.Kind IS NOT NULL",
    "tags.team IS NULL", "tags.team is not null", "tags.note = ''",
    "tags.`a b` = 'x y'", 'tags."a b" = "x y"', "tag.team = 'red' and params.depth = '1'",
    "metrics.auc > 0.1 AND metrics.loss > 0 AND status = 'FINISHED'",
    "attributes.status = 'finished'", "attr.run_name = 'one'", "run.status = 'FAILED'", "`run name` = 'one'",
    "run_name = 'one'", "Run ID = 'x'", "created > 1",
    "artifact_uri LIKE '%artifacts'", "tags.mlflow.runName = 'one'", "metrics.auc > -1e-3", "metrics.auc>0.6",
    "  metrics.auc   >   0.6  ", "metrics.auc\n>\n0.6", "",
)  # fmt: skip


def _made() -> Tale:
    steps = [
        post("experiments/create", "experiment", {"e": "experiment_id"}, name="sought"),
        post("experiments/create", "empty", {"none": "experiment_id"}, name="sought none"),
    ]
    for n, (name, (metrics, params, tags, status)) in enumerate(_RUNS.items()):
        steps += [
            post("runs/create", name, {name: "run.info.run_id"}, experiment_id="<e>", run_name=name,
                start_time=_AT + n, user_id="somebody"),
            post(
                "runs/log-batch", f"{name}, logged", run_id=f"<{name}>", params=pairs(**params), tags=pairs(**tags),
                metrics=[{"key": key, "value": value, "timestamp": 1, "step": 0} for key, value in metrics.items()],
            ),
        ]  # fmt: skip
        if status != "RUNNING":
            steps.append(
                post("runs/update", f"{name}, ended", run_id=f"<{name}>", status=status, end_time=_AT + 10 + n)
            )
    return steps


_GOOD = {"experiment_ids": ["<e>"], "order_by": ["start_time"]}
FOUND: Tale = [
    *_made(),
    *each("POST", "runs/search", _GOOD, "filter", _RIGHT),
    *each("POST", "runs/search", {"experiment_ids": ["<e>"]}, "filter", _WRONG),
    *each("POST", "runs/search", {"experiment_ids": ["<e>"]}, "order_by", _ORDERS),
    *spoilt(
        "POST",
        "runs/search",
        _GOOD,
        {
            "experiment_ids": {
                **LIST,
                "absent": [],
                "unknown": ["987654"],
                "of a word": ["abc"],
                "two": ["<e>", "<none>"],
                "without runs": ["<none>"],
                "twice": ["<e>", "<e>"],
            },
            "filter": TEXT,
            "run_view_type": NAMED,
            "max_results": {**WHOLE, "most": 50_000, "more": 50_001},
            "order_by": LIST,
            "page_token": TEXT,
        },
    ),
    *(
        post(
            "runs/search",
            f"pages of {most} by {order}",
            paged=True,
            experiment_ids=["<e>"],
            max_results=most,
            order_by=order,
        )
        for most in (1, 2, 5, 6)
        for order in (["metrics.auc DESC"], ["metrics.odd"], ["params.Kind"], ["start_time"], [])
    ),
    post("runs/delete", "one deleted", run_id="<two>"),
    *(
        post("runs/search", f"view {view}", experiment_ids=["<e>"], run_view_type=view)
        for view in ("ACTIVE_ONLY", "DELETED_ONLY", "ALL", 1, 2, 3)
    ),
    get("runs/search", "by GET", experiment_ids=["<e>"]),
]
TALES = {"runs found": FOUND}
