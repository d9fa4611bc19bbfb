"""The document names what is answered, no more and no less, and the rows of each fleet as they are taken."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import httpx
import msgspec
import pytest

from argosy.serving import router
from argosy.serving.door.openapi import document
from argosy.serving.routing import Endpoint, Input, Routing
from argosy.spec.inputs import Inputs
from tests.serving.served import Served

ENDPOINT = Endpoint(
    "late", "binary", ("depot",), (Input("depot", "BYTES"), Input("x", "FP64"), Input("n", "INT64", False))
)


@pytest.fixture
def told(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = served.run(lambda client: client.get("/openapi.json")).json()
    return found


def test_whatever_it_names_is_answered_as_it_says(served: Served, told: dict[str, Any]) -> None:
    async def talk(client: httpx.AsyncClient) -> list[tuple[str, str, httpx.Response]]:
        asked = [(method, path) for path, held in told["paths"].items() for method in held if method != "parameters"]
        return [
            (path, method, await client.request(method, path.replace("{number}", "1"), content=b""))
            for method, path in asked
        ]

    answers = served.run(talk)
    assert len(answers) > 20
    for path, method, answer in answers:
        found = told["paths"][path][method]["responses"].get(str(answer.status_code))
        assert found, (method, path, answer.status_code, answer.text)
        assert answer.headers["content-type"].partition(";")[0] in found["content"], (method, path)
        assert "there is no GET" not in answer.text and "there is no POST" not in answer.text, answer.text


def test_whatever_is_answered_is_named(told: dict[str, Any]) -> None:
    """By the patterns of the router."""
    named = {(method, _shape(path)) for path, held in told["paths"].items() for method in held}
    for method, function in (("post", router.Router._post), ("get", router.Router._get)):
        for pattern in _patterns(function):
            assert (method, pattern) in named, (method, pattern)


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "*", path.replace("late-arrival", "*"))


def _patterns(function: Any) -> list[str]:
    """The paths that the cases of a function take, but for those that another one looks at further."""
    tree = ast.parse(inspect.cleandoc("\n" + inspect.getsource(function)))
    cases = [case for node in ast.walk(tree) if isinstance(node, ast.Match) for case in node.cases]
    parts = [
        [_part(each) for each in found.patterns]
        for case in cases
        for found in ast.walk(case.pattern)
        if isinstance(found, ast.MatchSequence)
    ]
    assert len(parts) > 5
    return ["/" + "/".join(each) for each in parts if "" not in each]


def _part(pattern: ast.pattern) -> str:
    if isinstance(pattern, ast.MatchValue):
        return str(ast.literal_eval(pattern.value))
    return "*" if isinstance(pattern, ast.MatchAs) else ""


def test_rows_are_told_as_the_fleet_takes_them() -> None:
    rows = document(Routing(1, {"late": ENDPOINT}), "1")["components"]["schemas"]["late.row"]
    assert rows["properties"]["depot"] == {"type": "string"} and rows["properties"]["x"] == {"type": ["number", "null"]}
    assert rows["required"] == ["depot", "x"] and rows["additionalProperties"] is False
    loose = msgspec.structs.replace(ENDPOINT, rules=Inputs(missing="impute", unknown="ignore"))
    rows = document(Routing(1, {"late": loose}), "1")["components"]["schemas"]["late.row"]
    assert rows["required"] == ["depot"] and rows["additionalProperties"] is True


def test_the_only_fleet_need_not_be_named_and_one_of_two_must_be() -> None:
    other = msgspec.structs.replace(ENDPOINT, fleet="early")
    assert "/invocations" in document(Routing(1, {"late": ENDPOINT}), "1")["paths"]
    paths = document(Routing(1, {"late": ENDPOINT, "early": other}), "1")["paths"]
    assert "/invocations" not in paths and {"/predict/late", "/predict/early"} <= paths.keys()
