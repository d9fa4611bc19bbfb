"""Registered models: names, descriptions, tags, aliases, renames, deletes, searches."""

from __future__ import annotations

from tests.conformance.mlflow.spoil import LIST, TEXT, WHOLE, each, long, spoilt
from tests.conformance.mlflow.step import Step, Tale, get, pairs, post

_NAMES = (
    "with space", "été", "a/b", "a:b", "a.b", "..", ".", "a%b", "a@b", "'quoted'", "a\\b", "a?b", "a#b", " lead",
    "trail ", "\t", "a\nb", "A" * 256,
)  # fmt: skip
_ALIASES = (
    "champion", "Champion", "a-b", "a_b", "été", "latest", "Latest", "v1", "V23", "v", "v1a", "1", "a b", "a.b", "a/b",
    "a:b", "a@b", "", "x" * 255, "y" * 256,
)  # fmt: skip
_FILTERS = (
    "name = 'found-a'", "name != 'found-a' AND name LIKE 'found%'", "name LIKE 'found%'", "name ILIKE 'FOUND%'",
    "name LIKE 'FOUND%'", "name LIKE 'found-_'", "name IN ('found-a', 'found-b')",
    "tags.team = 'red' AND name LIKE 'found%'", "tags.team != 'red' AND name LIKE 'found%'", "tag.team = 'red'",
    "tags.`team` LIKE 'r%'", "tags.team ILIKE 'R%'",
    "name LIKE 'found%' AND tags.`mlflow.prompt.is_prompt` != 'true'", "tags.`mlflow.prompt.is_prompt` = 'true'",
    "name > 'x'", "name", "nothing = 'x'", "name = x", "name = 'x' OR name = 'y'", "params.x = 'y'", "version = 1",
    "name IN ()", "name IS NULL",
    "tags.team IS NULL", "attribute.name = 'found-a'", "creation_timestamp > 1", "name = 'found-a'; DROP TABLE x", "",
)  # fmt: skip
_ORDERS = (
    ["name"], ["name DESC"], ["name ASC"], ["creation_timestamp"], ["last_updated_timestamp DESC", "name DESC"],
    ["timestamp", "name"], ["nothing"], ["name SIDEWAYS"], ["tags.team"], [""],
)  # fmt: skip
LIFE: Tale = [
    post("registered-models/create", "made", name="life", description="d", tags=pairs(a="1")),
    post("registered-models/create", "made again", name="life"),
    post("registered-models/create", "in another case", name="Life"),
    get("registered-models/get", "read", name="life"),
    get("registered-models/get", "unknown", name="nothing"),
    Step("described", "PATCH", "registered-models/update", {"name": "life", "description": "other"}),
    Step("described by nothing", "PATCH", "registered-models/update", {"name": "life"}),
    post("registered-models/set-tag", "tag", name="life", key="b", value="2"),
    post("registered-models/set-tag", "tag again", name="life", key="b", value="3"),
    get("registered-models/get", "tagged", name="life"),
    Step("no tag", "DELETE", "registered-models/delete-tag", {"name": "life", "key": "b"}),
    Step("no tag, again", "DELETE", "registered-models/delete-tag", {"name": "life", "key": "b"}),
    post("registered-models/rename", "renamed", name="life", new_name="second life"),
    post("registered-models/rename", "to its own name", name="second life", new_name="second life"),
    post("registered-models/rename", "to a taken name", name="second life", new_name="Life"),
    post("registered-models/rename", "an unknown one", name="nothing", new_name="something"),
    get("registered-models/get", "by its old name", name="life"),
    post("model-versions/create", "a version", name="second life", source="s3://bucket/model"),
    post("model-versions/create", "a second", name="second life", source="s3://bucket/model"),
    post("registered-models/alias", "alias", name="second life", alias="champion", version="1"),
    post("registered-models/alias", "alias moved", name="second life", alias="champion", version="2"),
    post("registered-models/alias", "alias by a number", name="second life", alias="other", version=1),
    post("registered-models/alias", "of an unknown version", name="second life", alias="champion", version="9"),
    post("registered-models/alias", "of an unknown model", name="nothing", alias="champion", version="1"),
    get("registered-models/alias", "by alias", name="second life", alias="champion"),
    get("registered-models/alias", "by latest", name="second life", alias="latest"),
    get("registered-models/alias", "by an unknown alias", name="second life", alias="nothing"),
    get("registered-models/alias", "of an unknown model, read", name="nothing", alias="champion"),
    get("registered-models/get", "with versions", name="second life"),
    post("registered-models/rename", "renamed with versions", name="second life", new_name="third life"),
    get("registered-models/alias", "by alias, renamed", name="third life", alias="champion"),
    Step("version with an alias deleted", "DELETE", "model-versions/delete", {"name": "third life", "version": "2"}),
    get("registered-models/alias", "by alias, its version deleted", name="third life", alias="champion"),
    Step("alias deleted", "DELETE", "registered-models/alias", {"name": "third life", "alias": "other"}),
    Step("alias deleted again", "DELETE", "registered-models/alias", {"name": "third life", "alias": "other"}),
    Step(
        "alias of an unknown model deleted", "DELETE", "registered-models/alias", {"name": "nothing", "alias": "other"}
    ),
    get("registered-models/get", "in the end", name="third life"),
    Step("deleted", "DELETE", "registered-models/delete", {"name": "third life"}),
    Step("deleted again", "DELETE", "registered-models/delete", {"name": "third life"}),
    get("registered-models/get", "deleted, read", name="third life"),
    get("model-versions/get", "a version of a deleted one", name="third life", version="1"),
    post("registered-models/create", "made anew", name="third life"),
    post("model-versions/create", "a first version anew", name="third life", source="s3://bucket/model"),
]
SPOILT: Tale = [
    post("registered-models/create", "made", name="spoilt"),
    post("model-versions/create", "a version", name="spoilt", source="s3://bucket/model"),
    *each("POST", "registered-models/create", {}, "name", _NAMES),
    *each("POST", "registered-models/alias", {"name": "spoilt", "version": "1"}, "alias", _ALIASES),
    *each("GET", "registered-models/alias", {"name": "spoilt"}, "alias", _ALIASES),
    *each("DELETE", "registered-models/alias", {"name": "spoilt"}, "alias", _ALIASES),
    *spoilt(
        "POST",
        "registered-models/create",
        {"name": "spoilt <n>", "description": "d", "tags": pairs(k="v")},
        {
            "name": TEXT,
            "description": {**TEXT, **long(5000)},
            "tags": LIST,
            "tags.0.key": {**TEXT, **long(250), "odd": "a?b"},
            "tags.0.value": {**TEXT, **long(100_000)},
        },
    ),
    *spoilt("GET", "registered-models/get", {"name": "spoilt"}, {"name": TEXT}),
    *spoilt(
        "POST",
        "registered-models/rename",
        {"name": "spoilt", "new_name": "spoilt"},
        {"name": TEXT, "new_name": {**TEXT, "bad": "a/b"}},
    ),
    *spoilt(
        "PATCH", "registered-models/update", {"name": "spoilt", "description": "d"}, {"name": TEXT, "description": TEXT}
    ),
    *spoilt("DELETE", "registered-models/delete", {"name": "unknown"}, {"name": TEXT}),
    *spoilt(
        "POST",
        "registered-models/set-tag",
        {"name": "spoilt", "key": "k", "value": "v"},
        {"name": TEXT, "key": {**TEXT, **long(250), "odd": "a?b"}, "value": TEXT},
    ),
    *spoilt(
        "DELETE",
        "registered-models/delete-tag",
        {"name": "spoilt", "key": "k"},
        {"name": TEXT, "key": {**TEXT, "odd": "a?b"}},
    ),
    *spoilt(
        "POST",
        "registered-models/alias",
        {"name": "spoilt", "alias": "a", "version": "1"},
        {"name": TEXT, "alias": TEXT, "version": {**TEXT, "a word": "x", "zero": "0", "negative": "-1"}},
    ),
    *spoilt(
        "GET",
        "registered-models/get-latest-versions",
        {"name": "spoilt"},
        {"name": TEXT, "stages": {"of all": ["None", "staging"], "unknown": ["x"]}},
    ),
    *spoilt(
        "POST",
        "registered-models/get-latest-versions",
        {"name": "spoilt"},
        {"name": TEXT, "stages": {**LIST, "of all": ["None", "staging"], "unknown": ["x"]}},
    ),
]
FOUND: Tale = [
    *(
        post("registered-models/create", f"made {name}", name=f"found-{name}", tags=pairs(team=team))
        for name, team in (("C", "Red"), ("a", "red"), ("b", "blue"), ("d", "red"))
    ),
    post("registered-models/create", "made without a tag", name="found-e"),
    post(
        "registered-models/create",
        "a prompt",
        name="found-p",
        tags=[{"key": "mlflow.prompt.is_prompt", "value": "true"}],
    ),
    post("model-versions/create", "a version", name="found-p", source="s3://bucket/model"),
    *each("GET", "registered-models/search", {"max_results": 100, "order_by": ["name"]}, "filter", _FILTERS[:-1]),
    *each("GET", "registered-models/search", {"filter": "name LIKE 'found%'"}, "order_by", _ORDERS),
    *spoilt(
        "GET",
        "registered-models/search",
        {"filter": "name LIKE 'found%'"},
        {
            "max_results": {**WHOLE, "most": 1000, "more": 1001},
            "page_token": {"empty": "", "nonsense": "nonsense"},
        },
    ),
    *(
        get(
            "registered-models/search",
            f"pages of {most} by {order}",
            paged=True,
            filter="name LIKE 'found%'",
            max_results=most,
            order_by=order,
        )
        for most in (1, 2, 5)
        for order in (["name"], ["name DESC"], [])
    ),
]
TALES = {"registered models": LIFE, "registered models spoilt": SPOILT, "registered models found": FOUND}
