"""Requests that are no good: each is told what is wrong, and the server stays up."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.served import URL, Served, body, tensor

BAD: list[tuple[dict[str, Any], str]] = [
    (body(dest=None), "lacks the input 'dest'"),
    (body(colour=tensor("colour", "BYTES", ["red"])), "no input 'colour'"),
    (body(distance=tensor("distance", "BYTES", ["far"])), "'distance' has datatype 'BYTES', wanted"),
    (body(distance=tensor("distance", "FP64", ["far"])), "'distance' holds 'far' \\(str\\) in row 0"),
    (body(distance=tensor("distance", "FP64", [True])), "'distance' holds 'True'"),
    (body(distance=tensor("distance", "INT8", [300])), "wanted INT8"),
    (body(distance=tensor("distance", "FP64", [1.0], [1, 2])), "has shape \\[1, 2\\]"),
    (body(distance=tensor("distance", "FP64", [1.0, 2.0])), "has 2 rows"),
    (body(distance=tensor("distance", "FP64", [1.0, 2.0], [1])), "holds 2 values"),
    (body(distance=tensor("distance", "FP64", [], [0])), "has shape \\[0\\]|has 0 rows"),
    (body(carrier=tensor("carrier", "BYTES", [None])), "no value for the key column 'carrier'"),
    (body(departure=tensor("departure", "BYTES", ["2013-04-01 15:30"])), "wanted a time with its offset"),
    (body(departure=tensor("departure", "BYTES", ["soon"])), "wanted a time with its offset"),
    (body() | {"parameters": {"at": "yesterday"}}, "`at` holds 'yesterday'"),
    (body() | {"parameters": {"at": ["2013-03-01T00:00:00Z"] * 2}}, "2 times for 1 rows"),
    (body() | {"outputs": [{"name": "label"}]}, "no output 'label'"),
    ({"inputs": []}, "no inputs"),
    ({"rows": 1}, "not the JSON of a request"),
]


@pytest.mark.parametrize(("bad", "message"), BAD, ids=[message for _, message in BAD])
def test_a_bad_request_is_told_what_is_wrong(served: Served, bad: dict[str, Any], message: str) -> None:
    answer = served.post(bad)
    assert answer.status_code == 400 and re.search(message, answer.json()["error"]), answer.text
    assert served.post(body()).status_code == 200


@pytest.mark.parametrize("content", [b"", b"{", b'{"inputs": [NaN]}', b"\xff\xfe", b"[" * 50_000, b'{"inputs": 1e999}'])
def test_malformed_json_is_refused(served: Served, content: bytes) -> None:
    answer = served.run(lambda c: c.post(URL, content=content))
    assert answer.status_code == 400 and "error" in answer.json()


def test_a_number_beyond_float64_is_refused(served: Served) -> None:
    content = msgspec.json.encode(body()).replace(b"0.25", b"1" + b"0" * 400)
    answer = served.run(lambda c: c.post(URL, content=content))
    assert answer.status_code == 400, answer.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": JSON | st.sampled_from(["distance", "dest", "departure", "origin"]),
        "shape": JSON | st.lists(st.integers(-2, 2**70), max_size=3),
        "datatype": JSON | st.sampled_from(["FP64", "BF16", "BYTES", "BOOL", "UINT64"]),
        "data": JSON,
        "parameters": st.dictionaries(st.sampled_from(["binary_data_size", "columns", "shared_memory_region"]), JSON),
    },
)


def test_an_empty_body_is_told_to_be_empty(served: Served) -> None:
    for url in (URL, "/predict/late-arrival"):
        answer = served.run(lambda client, url=url: client.post(url))
        assert answer.status_code == 400 and answer.json()["error"].startswith("the body is empty\n  next: send JSON")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.integers(0, 5), fields=FIELDS, more=st.dictionaries(st.sampled_from(["id", "parameters", "outputs"]), JSON)
)
def test_no_request_makes_it_fail(served: Served, place: int, fields: dict[str, Any], more: dict[str, Any]) -> None:
    request = body() | more
    request["inputs"][place].update(fields)
    assert served.post(request).status_code in (200, 400, 404)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=JSON, more=st.dictionaries(st.sampled_from(["id", "at", "explain", "other"]), JSON))
def test_no_records_make_it_fail(served: Served, records: Any, more: dict[str, Any]) -> None:
    row = {each["name"]: each["data"][0] for each in body()["inputs"]}
    for rows in (records, [row | records if isinstance(records, dict) else row]):
        answer = served.post({"records": rows} | more, "/predict/late-arrival")
        assert answer.status_code in (200, 400, 404), answer.text
