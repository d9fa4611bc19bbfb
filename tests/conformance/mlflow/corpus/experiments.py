"""Experiments: made, found, renamed, tagged, deleted and restored."""

from __future__ import annotations

from tests.conformance.mlflow.spoil import ID, LIST, NAMED, TEXT, WHOLE, each, long, spoilt
from tests.conformance.mlflow.step import Step, Tale, get, pairs, post

_ID = {"e": "experiment_id"}
_OF = {**ID, "negative": "-1", "a word": "abc", "unknown": "987654", "a fraction": "1.0", "empty": ""}
_VIEWS = ("ACTIVE_ONLY", "DELETED_ONLY", "ALL", "1", "2", "3", "active_only", "NONE")


def _made(name: str) -> Step:
    return post("experiments/create", "made", _ID, name=name, tags=pairs(a="1"))


LIFE: Tale = [
    _made("life"),
    get("experiments/get", "as made", experiment_id="<e>"),
    get("experiments/get-by-name", "by name", experiment_name="life"),
    get("experiments/get-by-name", "by an unknown name", experiment_name="life of others"),
    get("experiments/get", "default", experiment_id="0"),
    post("experiments/create", "a name that is taken", name="life"),
    post("experiments/create", "elsewhere", {"far": "experiment_id"}, name="far", artifact_location="s3://bucket/x/"),
    get("experiments/get", "elsewhere, read", experiment_id="<far>"),
    post("experiments/set-experiment-tag", "tag", experiment_id="<e>", key="b", value="2"),
    post("experiments/set-experiment-tag", "tag again", experiment_id="<e>", key="b", value="3"),
    get("experiments/get", "tagged", experiment_id="<e>"),
    post("experiments/delete-experiment-tag", "no tag", experiment_id="<e>", key="b"),
    post("experiments/delete-experiment-tag", "no tag, again", experiment_id="<e>", key="b"),
    post("experiments/update", "renamed", experiment_id="<e>", new_name="second life"),
    post("experiments/update", "to its own name", experiment_id="<e>", new_name="second life"),
    post("experiments/update", "to a taken name", experiment_id="<e>", new_name="far"),
    get("experiments/get", "renamed, read", experiment_id="<e>"),
    get("experiments/get-by-name", "by its old name", experiment_name="life"),
    post("runs/create", "a run", {"run": "run.info.run_id"}, experiment_id="<e>", run_name="r"),
    post("experiments/delete", "deleted", experiment_id="<e>"),
    post("experiments/delete", "deleted twice", experiment_id="<e>"),
    get("experiments/get", "deleted, read", experiment_id="<e>"),
    get("experiments/get-by-name", "deleted, by name", experiment_name="second life"),
    post("experiments/set-experiment-tag", "deleted, tagged", experiment_id="<e>", key="b", value="3"),
    post("experiments/delete-experiment-tag", "deleted, untagged", experiment_id="<e>", key="a"),
    post("experiments/update", "deleted, renamed", experiment_id="<e>", new_name="third life"),
    post("runs/create", "deleted, a run", experiment_id="<e>"),
    get("runs/get", "a run of a deleted one", run_id="<run>"),
    post("runs/search", "runs of a deleted one", experiment_ids=["<e>"], run_view_type="ALL"),
    post("experiments/restore", "restored", experiment_id="<e>"),
    post("experiments/restore", "restored twice", experiment_id="<e>"),
    get("runs/get", "a run of a restored one", run_id="<run>"),
    post("experiments/restore", "restored, an unknown one", experiment_id="987654"),
    post("experiments/delete", "deleted, an unknown one", experiment_id="987654"),
]
SPOILT: Tale = [
    _made("spoilt"),
    *spoilt(
        "POST",
        "experiments/create",
        {"name": "spoilt <n>", "artifact_location": "s3://b/<n>", "tags": pairs(k="v")},
        {
            "name": {**TEXT, **long(500, "n"), "blank": "  ", "with a slash": "a/b", "of another script": "été ☃"},
            "artifact_location": {
                **TEXT,
                "no URI": "not a place",
                "with a fragment": "s3://b/x#y",
                "with a query": "s3://b/x?y=1",
                "that climbs": "s3://b/../x",
                "of a run": "runs:/x/y",
            },
            "tags": LIST,
            "tags.0.key": {**TEXT, **long(250, "k")},
            "tags.0.value": {**TEXT, **long(5000, "v")},
        },
    ),
    *spoilt("GET", "experiments/get", {"experiment_id": "<e>"}, {"experiment_id": _OF}),
    *spoilt("GET", "experiments/get-by-name", {"experiment_name": "spoilt"}, {"experiment_name": TEXT}),
    *spoilt(
        "POST",
        "experiments/update",
        {"experiment_id": "<e>", "new_name": "better <n>"},
        {
            "experiment_id": _OF,
            "new_name": {**TEXT, **long(500, "m"), "blank": "  "},
        },
    ),
    *spoilt(
        "POST",
        "experiments/set-experiment-tag",
        {"experiment_id": "<e>", "key": "k", "value": "v"},
        {
            "experiment_id": _OF,
            "key": {**TEXT, **long(250), "odd": "a?b", "a path": "../x"},
            "value": {**TEXT, **long(5000)},
        },
    ),
    *spoilt(
        "POST",
        "experiments/delete-experiment-tag",
        {"experiment_id": "<e>", "key": "k"},
        {
            "experiment_id": _OF,
            "key": TEXT,
        },
    ),
    *spoilt("POST", "experiments/delete", {"experiment_id": "<e>"}, {"experiment_id": _OF}),
    *spoilt("POST", "experiments/restore", {"experiment_id": "<e>"}, {"experiment_id": _OF}),
]
FREED: Tale = [
    _made("freed"),
    post("experiments/delete", "deleted", experiment_id="<e>"),
    post("experiments/create", "a deleted one's name", name="freed"),
    post("experiments/restore", "restored beside it", experiment_id="<e>"),
]
FOUND: Tale = [
    *(
        post(
            "experiments/create",
            name,
            {name: "experiment_id"},
            name=f"found {name}",
            tags=pairs(set="found", mark=name),
        )
        for name in ("Three", "fi_e", "four", "one", "two")
    ),
    post("experiments/delete", "four deleted", experiment_id="<four>"),
    *(
        Step(
            f"{method} view {view}",
            method,
            "experiments/search",
            {"max_results": 50, "view_type": view, "filter": "name LIKE 'found %'", "order_by": ["name"]},
        )
        for method in ("GET", "POST")
        for view in _VIEWS
    ),
    *each(
        "POST",
        "experiments/search",
        {"max_results": 50, "order_by": ["name"]},
        "filter",
        [
            f"tags.set = 'found' AND {clause}"
            for clause in (
                "name = 'found one'",
                "name != 'found one'",
                "name LIKE 'FOUND%'",
                "name ILIKE 'FOUND%'",
                "name LIKE '%_e'",
                "name LIKE '%fi\\_e'",
                "tags.mark = 'two'",
                "tags.mark != 'two'",
                "tags.`mark` LIKE 't%'",
                "tag.mark ILIKE 'T%'",
                "attribute.name = 'found two'",
                "creation_time > 1",
                "creation_time < 1",
                "last_update_time >= 1",
                "tags.mark IS NULL",
                "tags.mark IS NOT NULL",
                "tags.nothing IS NULL",
                "tags.nothing != 'x'",
                "experiment_id = '1'",
                "experiment_id IN ('1')",
            )
        ],
    ),
    *each(
        "POST",
        "experiments/search",
        {"max_results": 5},
        "filter",
        [
            "name",
            "name =",
            "name = one",
            "name = 'one' OR name = 'two'",
            "(name = 'one')",
            "nothing = 'x'",
            "params.x = '1'",
            "metrics.x > 1",
            "name > 'x'",
            "creation_time > 'x'",
            "name IN ('x')",
            "name = 'x'; DROP TABLE experiments",
            "tags.x > 1",
            "attr.name = 'x'",
            "name = 'x' AND",
            "AND",
            "' OR 1=1",
            'name = "found one"',
            "creation_time LIKE '1'",
            " ",
        ],
    ),
    *each(
        "POST",
        "experiments/search",
        {"max_results": 50, "filter": "name LIKE 'found %'"},
        "order_by",
        [
            ["name DESC"],
            ["name ASC"],
            ["name desc"],
            ["attribute.name"],
            ["experiment_id"],
            ["experiment_id DESC"],
            ["creation_time DESC", "name DESC"],
            ["last_update_time DESC", "name DESC"],
            ["nothing"],
            ["tags.mark"],
            ["name SIDEWAYS"],
            [""],
            ["name", "name"],
            ["name ASC DESC"],
        ],
    ),
    *spoilt(
        "POST",
        "experiments/search",
        {"max_results": 5, "filter": "name LIKE 'found %'"},
        {
            "max_results": {**WHOLE, "most": 50_000, "more": 50_001},
            "filter": TEXT,
            "order_by": LIST,
            "view_type": NAMED,
            "page_token": TEXT,
        },
    ),
    *spoilt(
        "GET",
        "experiments/search",
        {"max_results": 5, "filter": "name LIKE 'found %'"},
        {
            "max_results": {**WHOLE, "more": 50_001},
            "view_type": {**NAMED, "digits": "3"},
            "page_token": {"odd": "nonsense"},
        },
    ),
    *(
        Step(
            f"{method}, page by page",
            method,
            "experiments/search",
            {"max_results": 2, "filter": "name LIKE 'found %'", "order_by": ["name"], "view_type": "ALL"},
            paged=True,
        )
        for method in ("GET", "POST")
    ),
]
TALES = {"experiments": LIFE, "names freed": FREED, "experiments spoilt": SPOILT, "experiments found": FOUND}
