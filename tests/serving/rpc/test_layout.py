"""Messages that are like one that came before hold what the general way reads in them, or are left to it."""

from __future__ import annotations

from math import isfinite
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from argosy.serving.door.raw import packed
from argosy.serving.routing import Endpoint, Input
from argosy.serving.rpc.infer import InferRequest, parse
from argosy.serving.rpc.layout import Layouts, Read
from argosy.spec.inputs import Inputs

PATH = "/v2/models/f/infer"
ENDPOINT = Endpoint(
    fleet="f", task="binary", by=("k",), row_key=None,
    inputs=(Input("k", "BYTES"), Input("x", "FP64"), Input("y", "FP64", False), Input("i", "INT64", False),
            Input("t", "TIME", False)),
    rules=Inputs(unknown="ignore"),
)  # fmt: skip
FIELDS = {"FP64": "fp64_contents", "FP32": "fp32_contents", "BYTES": "bytes_contents", "INT64": "int64_contents"}
FLOATS = st.floats(width=32, allow_infinity=False)


def message(tensors: dict[str, tuple[str, list[Any]]], *, raw: bool = False, id: str = "", model: str = "f") -> bytes:
    """A request with these tensors, by name their type and values."""
    request = InferRequest(model_name=model, id=id)
    for name, (datatype, values) in tensors.items():
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[len(values)])
        if raw:
            request.raw_input_contents.append(packed(datatype, values))
        else:
            coded = [each.encode() for each in values] if datatype == "BYTES" else values
            getattr(tensor.contents, FIELDS[datatype]).extend(coded)
    return bytes(request.SerializeToString())


def learned(body: bytes) -> Layouts:
    layouts = Layouts()
    layouts.learn(body, PATH, *parse(body, ENDPOINT))
    return layouts


def same(found: Read | None, body: bytes) -> bool:
    """Whether what was found is what the general way reads."""
    batch, wanted = parse(body, ENDPOINT)
    return found == Read(PATH, ENDPOINT.layout, batch.columns, batch.count, batch.id, wanted)


@given(st.data(), st.integers(1, 4), st.booleans(), st.sampled_from(["FP64", "FP32"]))
def test_what_is_found_is_what_any_message_of_its_kind_holds(
    data: st.DataObject, rows: int, raw: bool, other: str
) -> None:
    texts = st.lists(st.text(max_size=3), min_size=rows, max_size=rows)
    numbers = st.lists(FLOATS, min_size=rows, max_size=rows)
    keys = [data.draw(texts), data.draw(texts)]
    values = [[data.draw(numbers), data.draw(numbers)] for _ in keys]
    bodies = [
        message({"k": ("BYTES", k), "x": ("FP64", x), "y": ("FP64" if raw else other, y)}, raw=raw, id=id)
        for k, (x, y), id in zip(keys, values, ("one", "two"), strict=True)
    ]
    layouts, alike = learned(bodies[0]), [[len(key.encode()) for key in each] for each in keys]
    for body, (x, y), lengths in zip(bodies, values, alike, strict=True):
        found = layouts.find(body)
        assert (found is not None) == (lengths == alike[0] and isfinite(sum(x + y)))
        assert found is None or same(found, body)


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_message_of_other_values_is_found(raw: bool, rows: int) -> None:
    def body(key: str, value: float, id: str) -> bytes:
        return message({"x": ("FP64", [value] * rows), "k": ("BYTES", [key] * rows)}, raw=raw, id=id)

    layouts = learned(body("ab", 1.0, "first"))
    again = body("é", -7.5, "other")
    found = layouts.find(again)
    assert found is not None and same(found, again)
    assert (found.columns, found.id) == ({"x": [-7.5] * rows, "k": ["é"] * rows}, "other")
    assert found.batch(ENDPOINT).count == rows and (found.wanted is not None) == raw


def test_others_are_left_to_the_general_way() -> None:
    def body(key: str = "ab", value: float = 1.0, **more: Any) -> bytes:
        return message({"k": ("BYTES", [key]), "x": ("FP64", [value])}, **more)

    layouts = learned(body())
    assert layouts.find(body("cd")) is not None
    others = [body("abc"), body(model="g"), body(value=float("nan")), body(value=float("inf")), body(id="i"), b""]
    others += [body().replace(b"FP64", b"FP32"), body().replace(b"ab", b"\xff\xff"), bytes(len(body()))]
    assert [layouts.find(each) for each in others] == [None] * len(others)


@pytest.mark.parametrize(
    "tensors",
    [
        {"k": ("BYTES", ["a"]), "x": ("FP64", [1.0]), "i": ("INT64", [5])},
        {"k": ("BYTES", ["a"]), "x": ("INT64", [5])},
        {"k": ("BYTES", ["a"]), "x": ("FP64", [1.0]), "unknown": ("FP64", [1.0])},
        {"k": ("BYTES", ["a"]), "x": ("FP64", [1.0]), "t": ("BYTES", ["2013-04-01T12:00:00Z"])},
    ],
)
def test_of_messages_whose_values_have_no_place_nothing_is_learned(tensors: dict[str, tuple[str, list[Any]]]) -> None:
    body = message(tensors)
    layouts = learned(body)
    assert layouts.find(body) is None


def test_what_was_read_for_another_endpoint_does_not_fit() -> None:
    body = message({"k": ("BYTES", ["a"]), "x": ("FP64", [1.0])})
    found = learned(body).find(body)
    assert found is not None and found.fits(ENDPOINT)
    inputs = [structs.replace(each, required=True) if each.name == "y" else each for each in ENDPOINT.inputs]
    assert not found.fits(structs.replace(ENDPOINT, inputs=tuple(inputs)))
    assert not found.fits(structs.replace(ENDPOINT, inputs=ENDPOINT.inputs[:2]))


def test_who_never_says_the_same_is_no_longer_learned_from() -> None:
    bodies = [message({"k": ("BYTES", ["k" * n]), "x": ("FP64", [1.0])}) for n in range(200)]
    layouts = Layouts()
    for body in bodies:
        layouts.learn(body, PATH, *parse(body, ENDPOINT))
    known = [body for body in bodies if layouts.find(body) is not None]
    assert bodies[0] in known and bodies[-1] not in known
    for _ in range(10):
        layouts.find(bodies[0])
    layouts.learn(bodies[-1], PATH, *parse(bodies[-1], ENDPOINT))
    assert layouts.find(bodies[-1]) is not None
