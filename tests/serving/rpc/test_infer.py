"""Tensors as protobuf: typed and raw are the same rows."""

from __future__ import annotations

import struct

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import InputError
from argosy.serving.batch import Answer
from argosy.serving.door.raw import packed, unpacked
from argosy.serving.routing import Endpoint, Input
from argosy.serving.rpc.infer import InferRequest, InferResponse, parse, reply

ENDPOINT = Endpoint(
    fleet="f",
    task="binary",
    by=(),
    inputs=(
        Input("n", "FP64", False), Input("i", "INT64", False), Input("b", "BOOL", False), Input("t", "BYTES", False)
    ),
)  # fmt: skip
INTEGERS = {"INT8": "int", "INT16": "int", "INT32": "int", "INT64": "int64", "UINT8": "uint", "UINT64": "uint64"}


def asked(name: str, datatype: str, field: str, values: list[object]) -> bytes:
    request = InferRequest(model_name="f")
    tensor = request.inputs.add(name=name, datatype=datatype, shape=[len(values)])
    getattr(tensor.contents, field).extend(values)
    return bytes(request.SerializeToString())


def raw(name: str, datatype: str, rows: int, data: bytes) -> bytes:
    request = InferRequest(model_name="f", raw_input_contents=[data])
    request.inputs.add(name=name, datatype=datatype, shape=[rows])
    return bytes(request.SerializeToString())


@given(st.lists(st.floats(allow_infinity=False), min_size=1, max_size=9))
def test_numbers_are_the_same_typed_and_raw_and_not_a_number_is_none(values: list[float]) -> None:
    typed, _ = parse(asked("n", "FP64", "fp64_contents", list(values)), ENDPOINT)
    wire, wanted = parse(raw("n", "FP64", len(values), np.array(values).tobytes()), ENDPOINT)
    assert typed.columns == wire.columns == {"n": [None if value != value else value for value in values]}
    assert wanted is not None and "prediction" in wanted.binary


@pytest.mark.parametrize("datatype", INTEGERS)
def test_integers_are_held_to_their_type(datatype: str) -> None:
    field = f"{INTEGERS[datatype]}_contents"
    batch, _ = parse(asked("i", datatype, field, [0, 127]), ENDPOINT)
    assert batch.columns == {"i": [0, 127]}
    if datatype in ("INT8", "UINT8", "INT16"):
        with pytest.raises(InputError, match=datatype):
            parse(asked("i", datatype, field, [70_000]), ENDPOINT)


def test_texts_and_truths_come_typed_and_raw() -> None:
    length = struct.pack("<I", 2)
    for data in (asked("t", "BYTES", "bytes_contents", ["é".encode()]), raw("t", "BYTES", 1, length + "é".encode())):
        assert parse(data, ENDPOINT)[0].columns == {"t": ["é"]}
    for data in (asked("b", "BOOL", "bool_contents", [True]), raw("b", "BOOL", 1, b"\1")):
        assert parse(data, ENDPOINT)[0].columns == {"b": [True]}


def test_a_type_without_a_field_must_come_raw() -> None:
    with pytest.raises(InputError, match="raw_input_contents"):
        parse(asked("n", "FP16", "fp32_contents", [1.0]), ENDPOINT)
    assert parse(raw("n", "FP16", 1, np.array([0.5], "<f2").tobytes()), ENDPOINT)[0].columns == {"n": [0.5]}


def test_parameters_say_when_and_which_outputs() -> None:
    request = InferRequest.FromString(asked("n", "FP64", "fp64_contents", [1.0]))
    request.parameters["at"].string_param = "2013-04-01T12:00:00Z"
    request.parameters["empty"].SetInParent()
    request.outputs.add(name="route")
    batch, wanted = parse(request.SerializeToString(), ENDPOINT)
    assert str(batch.at) == "2013-04-01 12:00:00+00:00"
    assert wanted is not None and wanted.names == {"route"} and not wanted.binary


@given(
    st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5), st.booleans()),
        min_size=1,
        max_size=5,
    )
)
def test_answers_are_the_same_typed_and_raw(rows: list[tuple[float, str, bool]]) -> None:
    predictions, versions, stale = map(list, zip(*rows, strict=True))
    answer = Answer("a", predictions, versions, ["own"] * len(rows), stale)
    _, wanted = parse(raw("n", "FP64", 1, bytes(8)), ENDPOINT)
    typed = InferResponse.FromString(reply(ENDPOINT, answer, None).body)
    wire = InferResponse.FromString(reply(ENDPOINT, answer, wanted).body)
    for place, output in enumerate(typed.outputs):
        field = {"FP64": "fp64", "BYTES": "bytes", "BOOL": "bool"}[output.datatype] + "_contents"
        told = [each.decode() if isinstance(each, bytes) else each for each in getattr(output.contents, field)]
        assert unpacked(output.name, output.datatype, wire.raw_output_contents[place]) == told
        assert packed(output.datatype, told) == wire.raw_output_contents[place]
        assert output.shape == wire.outputs[place].shape == [len(rows)] and not wire.outputs[place].HasField("contents")


def test_quantiles_are_numbers_and_not_a_number_where_there_is_none() -> None:
    quantiles: dict[str, list[float | None]] = {"q10": [0.25, None], "q50": [0.5, None]}
    answer = Answer("a", [0.5, 0.75], ["v", "w"], ["own"] * 2, quantiles=quantiles)
    spread = msgspec.structs.replace(ENDPOINT, quantiles=(0.1, 0.5))
    request = InferRequest.FromString(raw("n", "FP64", 1, bytes(8)))
    request.outputs.add(name="q10")
    _, wanted = parse(bytes(request.SerializeToString()), spread)
    [found] = InferResponse.FromString(reply(spread, answer, wanted).body).outputs
    assert (found.name, found.datatype, found.shape) == ("q10", "FP64", [2])
    told = {each.name: each for each in InferResponse.FromString(reply(spread, answer, None).body).outputs}
    first, second = told["q10"].contents.fp64_contents
    assert first == 0.25 and np.isnan(second) and list(told)[:5] == ["prediction", "version", "route", "q10", "q50"]
    with pytest.raises(InputError, match="q10"):
        parse(bytes(request.SerializeToString()), ENDPOINT)
