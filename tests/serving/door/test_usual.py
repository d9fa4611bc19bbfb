"""What a decoder made for a fleet reads is what the general check makes of the same request."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import InputError
from argosy.serving.door import infer, usual
from argosy.serving.routing import Endpoint, Input

INPUTS = (
    Input("key", "BYTES"),
    Input("place", "INT64"),
    Input("x", "FP64"),
    Input("y", "FP64"),
    Input("open", "BOOL", required=False),
    Input("at", "TIME", required=False),
)
ENDPOINT = Endpoint("late", "binary", ("key", "place"), INPUTS)
TYPES = {"BOOL": "BOOL", "INT64": "INT64", "FP64": "FP64", "BYTES": "BYTES", "TIME": "BYTES"}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "BOOL": st.booleans(),
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "FP64": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
    "BYTES": st.text(max_size=5),
    "TIME": st.datetimes().map(lambda at: at.isoformat() + "Z"),
}
ODD = st.sampled_from([None, True, 1, 2**63, 2**64, -1, 0.5, 1e300, "", "soon", "2013-04-01", [1.0], {}])


def tensor(each: Input, data: list[Any]) -> dict[str, Any]:
    return {"name": each.name, "shape": [len(data)], "datatype": TYPES[each.datatype], "data": data}


@st.composite
def tensors(draw: st.DrawFn, odd: bool) -> list[dict[str, Any]]:
    """The tensors of some rows; where they are `odd`, something about one of them may be."""
    count = draw(st.integers(1, 3))
    found = [
        tensor(each, draw(st.lists(VALUES[each.datatype], min_size=count, max_size=count)))
        for each in draw(st.permutations(INPUTS))
        if each.required or draw(st.booleans())
    ]
    if odd:
        one = draw(st.sampled_from(found))
        match draw(st.integers(0, 6)):
            case 0:
                one["data"][draw(st.integers(0, count - 1))] = draw(ODD)
            case 1:
                one["shape"] = draw(st.sampled_from([[count, 1], [count + 1], [0], [], [1], [-1], [1, 2]]))
            case 2:
                one["datatype"] = draw(
                    st.sampled_from(["FP64", "FP32", "BF16", "INT8", "INT64", "UINT64", "BYTES", "Q"])
                )
            case 3:
                one["name"] = draw(st.sampled_from(["key", "x", "open", "matrix"]))
            case 4:
                found.remove(one)
            case 5:
                one["parameters"] = draw(st.sampled_from([None, {}, {"columns": ["x"]}, 3]))
            case 6:
                one["data"].append(draw(ODD))
    return found


def judged(read: Any) -> Any:
    try:
        return read()
    except InputError as error:
        return str(error)


@given(
    tensors(odd=True),
    st.sampled_from([{}, {"id": "a", "parameters": {"at": "event"}}, {"outputs": [{"name": "route"}]}]),
)
def test_whatever_is_asked_is_judged_as_by_the_general_check(asked: list[dict[str, Any]], more: dict[str, Any]) -> None:
    body = msgspec.json.encode({"inputs": asked} | more)
    assert judged(lambda: infer.parse(body, ENDPOINT)) == judged(lambda: infer.read(infer.head(body), ENDPOINT))


@given(tensors(odd=False))
def test_rows_whose_tensors_are_of_the_types_of_their_columns_need_no_general_check(
    asked: list[dict[str, Any]],
) -> None:
    found = usual.read(msgspec.json.encode({"inputs": asked}), ENDPOINT)
    assert found is not None and found[2] == asked[0]["shape"][0]
    kinds = {each.name: {type(value) for value in found[1].get(each.name, [])} for each in INPUTS}
    assert kinds["x"] == kinds["y"] == {float} and kinds["place"] == {int} and kinds["key"] == {str}


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": [{"name": "key", "name": "at", "shape": [1], "datatype": "BYTES", "data": ["a"]}]}',
        b'{"inputs": []}',
        b'{"inputs": [{"shape": [1]',
        b'{"inputs": [{"name": "key", "shape": [1], "datatype": "BYTES", "data": ["\xff"]}]}',
        b'{"inputs": ' + b"[" * 20_000,
    ],
)
def test_what_is_not_read_is_left_to_the_general_check(body: bytes) -> None:
    assert usual.read(body, ENDPOINT) is None
    with pytest.raises(InputError):
        infer.parse(body, ENDPOINT)
