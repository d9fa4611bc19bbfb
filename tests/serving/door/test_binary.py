"""Tensors behind the JSON of a request: the same answers as in JSON, in the form that is asked for."""

from __future__ import annotations

import json
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.serving.door.raw import packed, unpacked
from tests.serving.served import URL, Served, body, outputs

DTYPES = {"FP64": np.float64, "BYTES": None}


def binary(request: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """A request with all its tensors behind its JSON, and the headers that say so."""
    tensors, parts = [], []
    for each in request["inputs"]:
        parts.append(packed(each["datatype"], each["data"]))
        told = {name: value for name, value in each.items() if name != "data"}
        tensors.append(told | {"parameters": {"binary_data_size": len(parts[-1])}})
    head = msgspec.json.encode(request | {"inputs": tensors})
    headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
    return head + b"".join(parts), headers


def read(answer: httpx.Response) -> dict[str, list[Any]]:
    """The outputs of an answer that may have tensors behind its JSON."""
    assert answer.status_code == 200, answer.text
    at = int(answer.headers["Inference-Header-Content-Length"])
    found = {}
    for each in json.loads(answer.content[:at])["outputs"]:
        size = each.get("parameters", {}).get("binary_data_size")
        found[each["name"]] = each["data"] if size is None else unpacked(
            each["name"], each["datatype"], answer.content[at : at + size]
        )  # fmt: skip
        at += size or 0
    assert at == len(answer.content)
    return found


def test_tensors_as_bytes_are_answered_as_in_json(served: Served) -> None:
    request = body(3)
    wanted = outputs(served.post(request))
    content, headers = binary(request | {"parameters": {"binary_data_output": True}})
    assert read(served.run(lambda c: c.post(URL, content=content, headers=headers))) == wanted
    content, headers = binary(request)
    assert outputs(served.run(lambda c: c.post(URL, content=content, headers=headers))) == wanted


def test_each_output_has_the_form_that_is_asked_for(served: Served) -> None:
    asked = [{"name": "prediction", "parameters": {"binary_data": True}}, {"name": "route"}]
    answer = served.post(body() | {"outputs": asked})
    assert answer.headers["Content-Type"] == "application/octet-stream"
    found = read(answer)
    assert list(found) == ["prediction", "route"] and found["route"] == ["own"]
    assert found["prediction"] == outputs(served.post(body()))["prediction"]


@pytest.mark.parametrize(
    ("length", "sizes", "extra", "says"),
    [
        ("x", {}, b"", "Inference-Header-Content-Length says 'x'"),
        ("999999", {}, b"", "says '999999' and the body has"),
        (None, {"distance": 9}, b"", "is said to have 9 bytes|holds 9 bytes, no multiple of the 8"),
        (None, {"distance": "8"}, b"", "is said to have 8 bytes"),
        (None, {"flight": -1}, b"", "is said to have -1 bytes"),
        (None, {}, b"more", "4 bytes at the end of the body belong to no input"),
    ],
)
def test_what_does_not_add_up_is_named(
    served: Served, length: str | None, sizes: dict[str, Any], extra: bytes, says: str
) -> None:
    import re

    content, headers = binary(body())
    at = int(headers["Inference-Header-Content-Length"])
    request = json.loads(content[:at])
    for each in request["inputs"]:
        each["parameters"]["binary_data_size"] = sizes.get(each["name"], each["parameters"]["binary_data_size"])
    head = msgspec.json.encode(request)
    headers["Inference-Header-Content-Length"] = length or str(len(head))
    answer = served.run(lambda c: c.post(URL, content=head + content[at:] + extra, headers=headers))
    assert answer.status_code == 400 and re.search(says, answer.json()["error"]), answer.text


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_make_it_fail(served: Served, data: st.DataObject) -> None:
    content, headers = binary(body(2))
    altered = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, len(altered) - 1), max_size=6)):
        altered[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(altered)))
    whole = bytes(altered if data.draw(st.booleans()) else altered[:cut])
    if data.draw(st.booleans()):
        headers["Inference-Header-Content-Length"] = str(data.draw(st.integers(0, 2 * len(content))))
    answer = served.run(lambda c: c.post(URL, content=whole, headers=headers))
    assert answer.status_code in (200, 400, 404), answer.text
