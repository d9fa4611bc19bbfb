"""MLflow's scoring protocol: rows in each of its forms get the predictions that they get in records."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.errors import UnknownError
from argosy.serving.door.invocations import only
from argosy.serving.routing import Endpoint, Routing
from tests.serving.served import Served

URL = "/invocations/late-arrival"
NAMES = ("flight", "origin", "carrier", "departure", "distance", "dest")
LINES = [["f0", "JFK", "AA", "2013-04-01T15:30:00Z", 0.25, "LAX"], ["f1", "LGA", "UA", "2013-04-01T15:30:00Z", 3, None]]
RECORDS = [dict(zip(NAMES, line, strict=True)) for line in LINES]
SPLIT = {"columns": list(NAMES), "index": [0, 1], "data": LINES}
NAMED = {name: [line[i] for line in LINES] for i, name in enumerate(NAMES)}


def invoke(served: Served, content: Any, url: str = URL, kind: str = "application/json") -> httpx.Response:
    data = content if isinstance(content, bytes | str) else json.dumps(content)
    answer: httpx.Response = served.run(lambda c: c.post(url, content=data, headers={"Content-Type": kind}))
    return answer


@pytest.mark.parametrize(
    "rows",
    [{"dataframe_split": SPLIT}, {"dataframe_records": RECORDS}, {"instances": RECORDS}, {"inputs": NAMED}],
    ids=lambda rows: next(iter(rows)),
)
def test_each_form_gets_the_predictions_of_its_records(served: Served, rows: dict[str, Any]) -> None:
    told = served.post(RECORDS, "/predict/late-arrival").json()["predictions"]
    answer = invoke(served, rows)
    assert answer.json() == {"predictions": [each["prediction"] for each in told]}, answer.text
    for url in ("/invocations", "/endpoints/late-arrival/invocations"):
        assert invoke(served, rows, url).json() == answer.json()
    params = {"outputs": ["version", "prediction"], "id": "r7", "at": "event"}
    [first, _] = invoke(served, rows | {"params": params}).json()["predictions"]
    assert first == {"prediction": told[0]["prediction"], "version": "late-arrival/JFK/AA@1"}


def test_a_table_of_texts_is_read_in_the_types_of_the_inputs(served: Served) -> None:
    lines = [",".join(NAMES), *(",".join("" if each is None else str(each) for each in line) for line in LINES)]
    told = invoke(served, {"dataframe_records": RECORDS}).json()
    for text in ("\n".join(lines), "\r\n".join(lines) + "\r\n", "\ufeff" + "\n".join(lines)):
        assert invoke(served, text.encode(), kind="text/csv; charset=utf-8").json() == told


def test_what_a_data_frame_makes_of_a_missing_number_is_missing(served: Served) -> None:
    rows = {"columns": list(NAMES), "data": [[*LINES[0][:4], float("nan"), "LAX"]]}
    null = {"columns": list(NAMES), "data": [[*LINES[0][:4], None, "LAX"]]}
    answer = invoke(served, {"dataframe_split": rows})
    assert answer.status_code == 200 and answer.json() == invoke(served, {"dataframe_split": null}).json()


REFUSED: list[tuple[Any, str]] = [
    ("{", "the body is no JSON"),
    ("", "the body is empty"),
    ("[" * 50_000 + "NaN", "the body is no JSON"),
    ([1], "rows in no form, or in several"),
    ({"instances": RECORDS, "inputs": NAMED}, "rows in no form, or in several"),
    ({"instances": RECORDS, "signature_name": "x"}, "the body holds 'signature_name'"),
    ({"instances": RECORDS, "params": {"temperature": 1}}, "no parameter 'temperature'"),
    ({"instances": RECORDS, "params": {"outputs": ["label"]}}, "params.outputs is"),
    ({"instances": 7}, "`instances` does not hold rows"),
    ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "is no list of 1 values"),
    ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "names a column twice"),
    ({"dataframe_records": [{"a": 1}, {"b": 1}]}, "record 1 has other columns"),
    ({"dataframe_records": []}, "does not hold rows"),
    ({"inputs": {"a": [1], "b": [1, 2]}}, "has 2 rows, the first one 1"),
    ({"inputs": [[1.0, 2.0]]}, "has 2 columns, which are not one for each of: distance"),
    ({"inputs": NAMED | {"distance": [float("inf"), 1]}}, "holds Infinity|no JSON"),
    ('{"inputs": {"a": [NaN, 1e999]}}', "the body is no JSON"),
    ({"inputs": NAMED | {"colour": ["red", "blue"]}}, "no input 'colour'"),
]


@pytest.mark.parametrize(("rows", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_is_not_taken_is_named(served: Served, rows: Any, says: str) -> None:
    import re

    answer = invoke(served, rows)
    assert answer.status_code == 400 and re.search(says, answer.json()["error"]), answer.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "0 rows"),
        (b"\xff", "no CSV"),
        (b'a,b\n"1', "no CSV"),
        (b"a,b\n1,2\n1\n", "row 1 has 1 fields, the head 2"),
        (",".join(NAMES).encode() + b"\nf,JFK,AA,soon,1,LAX", "wanted a time with its offset"),
        (",".join(NAMES).encode() + b"\nf,JFK,AA,2013-04-01T15:30:00Z,inf,LAX", "holds 'inf'"),
    ],
)
def test_a_table_that_is_none_is_named(served: Served, text: bytes, says: str) -> None:
    import re

    answer = invoke(served, text, kind="text/csv")
    assert answer.status_code == 400 and re.search(says, answer.json()["error"]), answer.text


def test_empty_lines_of_a_table_take_no_memory(served: Served) -> None:
    tracemalloc.start()
    answer = invoke(served, b"\n" * 90_000, kind="text/csv")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 400 and most < 3_000_000


def test_where_no_fleet_is_named_there_must_be_one_only() -> None:
    late, early = (Endpoint(name, "binary", (), ()) for name in ("late", "early"))
    assert only(Routing(1, {"late": late})) is late
    with pytest.raises(UnknownError, match="here are: early, late"):
        only(Routing(1, {"late": late, "early": early}))


def test_mlflow_asks_whether_it_is_there_and_what_it_is(served: Served) -> None:
    async def talk(client: httpx.AsyncClient) -> list[httpx.Response]:
        version = await client.get("/version")
        del client.headers["Authorization"]
        return [version, await client.get("/ping"), await client.get("/version")]

    version, ping, closed = served.run(talk)
    assert (version.status_code, ping.status_code, closed.status_code) == (200, 200, 401)
    assert version.text and version.headers["Content-Type"].startswith("text/plain")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([*NAMES, "columns", "data"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*NAMES, "columns", "data"]), inner),
    max_leaves=12,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.sampled_from(["dataframe_split", "dataframe_records", "instances", "inputs", "params"]), rows=JSON)
def test_no_rows_make_it_fail(served: Served, form: str, rows: Any) -> None:
    assert invoke(served, {"inputs": NAMED, form: rows} if form == "params" else {form: rows}).status_code in (200, 400)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary() | st.text(',\n"f0JFK', max_size=60).map(str.encode))
def test_no_table_makes_it_fail(served: Served, text: bytes) -> None:
    assert invoke(served, text, kind="text/csv").status_code == 400
