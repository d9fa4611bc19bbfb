"""Whatever is sent to whatever endpoint: the answer is JSON of MLflow's, and never an error of the server."""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from argosy.protocols.mlflow.app import ENDPOINTS
from argosy.protocols.mlflow.endpoint import Endpoint
from argosy.store import Store
from argosy.store.batch import Batch
from tests.protocols.mlflow.conftest import Asker

Values = st.SearchStrategy[Any]
GOOD = {
    "run_id": "<run>", "model_id": "<model>", "experiment_id": "0", "experiment_ids": ["0"], "name": "m", 
    "version": "1",
    "experiment_name": "Default", "key": "k", "value": 1, "timestamp": 1, "metric_key": "k", "run_ids": ["<run>"],
    "status": "FINISHED", "alias": "champion", "stage": "Staging", "digest": "d", "source": "s3://bucket/m",
    "source_type": "local", "dataset_name": "d", "field_name": "name", "new_name": "m", "max_results": 10,
}  # fmt: skip
"""What is right in many requests: `<run>` and `<model>` are the names of a run and of a logged model."""
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
"""All examples of a test are of one server, which must bear whatever the last ones left."""
MADE = ("<run>", "<model>", "0", "m", "1", "champion", "team", "auc", "Staging", "FINISHED", "3")
SEARCHED = (
    "name = 'm'",
    "metrics.auc > 1e999",
    "tags.`a b` LIKE '%'",
    "run_id IN ('<run>')",
    "name DESC",
    "metrics.auc",
    "AND",
)
ODD = (
    "",
    " ",
    "../x",
    "\0",
    "\ud800",
    "\U0001f600",
    "9" * 30,
    "NaN",
    "-1",
    "1e999",
    "x" * 300,
    "models:/m/1",
    "runs:/<run>/x",
    "%2e%2e/",
)
TEXTS: Values = st.sampled_from(MADE) | st.sampled_from(SEARCHED + ODD) | st.text(max_size=20)
NUMBERS: Values = st.integers(-2, 2) | st.integers(-(2**70), 2**70)
ANY: Values = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MADE), inner, max_size=3), max_leaves=5,
)  # fmt: skip
PLAIN: Mapping[Any, Values] = {str: TEXTS, int: NUMBERS, float: st.floats(), bool: st.booleans(), type(None): st.none()}


class Uploading(msgspec.Struct):
    """What is asked of uploads in parts."""

    path: str
    num_parts: int
    upload_id: str
    parts: list[dict[str, Any]]


def of(kind: Any) -> Values:
    """Values of a type of a request's field."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, within = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([of(each) for each in within if each is not type(None)])
    if origin is list:
        return st.lists(of(within[0]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return fields(kind, GOOD)
    return ANY


def mostly(usual: Values, odd: Values) -> Values:
    """The usual, and now and then the odd."""
    return st.integers(0, 7).flatmap(lambda chance: usual if chance else odd)


def fields(kind: type[msgspec.Struct], good: Mapping[str, Any]) -> Values:
    """Most fields of a request, most of them good ones or of their type."""
    hints = typing.get_type_hints(kind)
    known = {each.encode_name: hints[each.name] for each in msgspec.structs.fields(kind)}
    needed = {name: mostly(st.just(good[name]), of(hint)) for name, hint in known.items() if name in good}
    other = {name: mostly(of(hint), ANY) for name, hint in known.items() if name not in good}
    return st.fixed_dictionaries(needed, optional=other)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Endpoint, dict[str, Any], list[str]]:
    """An endpoint, what it is given, and texts for the fields in its path."""
    endpoint = draw(st.sampled_from(ENDPOINTS))
    removes = endpoint.method == "DELETE" or "/delete" in endpoint.path
    good = {} if removes and draw(st.integers(0, 9)) else GOOD  # what is gone is no good any more
    segments = [draw(mostly(st.just(good.get(name, "k")), TEXTS)) for name in re.findall(r"\{(\w+)\}", endpoint.path)]
    return endpoint, draw(fields(endpoint.request, good)), segments


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def asker(request: pytest.FixtureRequest, home: Path) -> Iterator[tuple[Asker, Callable[[str], str]]]:
    """A server on which there is one of each, and what gives a text their names."""
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Store.open(place, blobs=home / "blobs") as store:
        batch = Batch(store)
        ask = Asker(store, batch)
        run = ask.good("POST", "runs/create", {"experiment_id": "0", "run_name": "m"})["run"]["info"]["run_id"]
        model = ask.good("POST", "logged-models", {"experiment_id": "0", "name": "m"})["model"]["info"]["model_id"]
        ask.good("POST", "registered-models/create", {"name": "m"})
        ask.good("POST", "model-versions/create", {"name": "m", "source": "s3://bucket/m"})
        yield ask, lambda text: text.replace("<run>", run).replace("<model>", model)
        batch.close()


def _sound(status: int, told: Any) -> None:
    """Check that an answer is one that clients understand."""
    assert isinstance(told, dict), (status, told)
    if status != 200:
        assert 400 <= status < 500, (status, told)
        assert re.fullmatch("[A-Z_]+", told["error_code"]) and isinstance(told["message"], str)


@settings(SHARED, max_examples=300)
@given(requests())
def test_no_request_is_an_error_of_the_server(
    asker: tuple[Asker, Callable[[str], str]], request_: tuple[Endpoint, dict[str, Any], list[str]]
) -> None:
    ask, named = asker
    endpoint, given_, segments = request_
    path = re.sub(r"\{\w+\}", lambda _: _sendable(named(segments.pop(0))), endpoint.path)
    if endpoint.method == "GET":
        texts = {name: _texts(value, named) for name, value in given_.items()}
        _sound(*ask.send("GET", path, b"", texts))
    else:
        _sound(*ask.send(endpoint.method, path, named(json.dumps(given_)).encode(), {}))


@settings(SHARED, max_examples=100)
@given(
    st.sampled_from(ENDPOINTS), st.binary(max_size=30) | ANY.map(lambda found: json.dumps(json.dumps(found)).encode())
)
@example(ENDPOINTS[0], b"[" * 100_000)
@example(ENDPOINTS[0], b'{"name": ' * 100_000)
@example(ENDPOINTS[0], b'{"name": "\xff"}')
@example(ENDPOINTS[0], b'{"name": "\\ud800"}')
@example(ENDPOINTS[0], b'{"name": 1e999}')
@example(ENDPOINTS[0], b'{"name": ' + b"9" * 5000 + b"}")
def test_no_body_is_an_error_of_the_server(
    asker: tuple[Asker, Callable[[str], str]], endpoint: Endpoint, body: bytes
) -> None:
    _sound(*asker[0].send(endpoint.method, endpoint.path, body, {}))


@settings(SHARED, max_examples=50)
@given(st.sampled_from([each for each in ENDPOINTS if each.method == "GET"]), st.binary(max_size=30))
@example(ENDPOINTS[1], b"experiment_id=1&" * 20_000)
@example(ENDPOINTS[1], b"experiment_id=%ff%00")
def test_no_query_is_an_error_of_the_server(
    asker: tuple[Asker, Callable[[str], str]], endpoint: Endpoint, query: bytes
) -> None:
    _sound(*asker[0].send("GET", endpoint.path, b"", query))


@settings(SHARED, max_examples=100)
@given(
    st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"]),
    st.sampled_from(["artifacts", "mpu/create", "mpu/complete", "mpu/abort", "mpu/part", "presigned"]),
    TEXTS,
    st.binary(max_size=9)
    | fields(Uploading, {"path": "a/b", "num_parts": 2}).map(lambda told: json.dumps(told).encode()),
    st.sampled_from(
        ["", "bytes=0-", "bytes=-1", "bytes=9-3", "bytes=99999999999999999999999-", "bytes=x-y", "lines=1-2"]
    ),
)
def test_no_file_is_an_error_of_the_server(
    asker: tuple[Asker, Callable[[str], str]], method: str, of: str, path: str, body: bytes, span: str
) -> None:
    place = f"/api/2.0/mlflow-artifacts/{of}/{_sendable(path)}"
    status, told = asker[0].send(method, place, body, {}, {"range": span})
    assert status in (200, 206) or 400 <= status < 500, (status, told)
    assert status < 400 or "error_code" in told


def _texts(value: Any, named: Callable[[str], str]) -> Any:
    """A value as a query has it."""
    if isinstance(value, list):
        return [_texts(each, named) for each in value if not isinstance(each, list)]
    return _sendable(named(value if isinstance(value, str) else json.dumps(value)))


def _sendable(text: str) -> str:
    """A text as it comes through HTTP: halves of characters do not."""
    return text.encode("utf-8", "replace").decode()
