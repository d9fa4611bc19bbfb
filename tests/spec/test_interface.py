from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date
from typing import Annotated, Any

import pytest

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec import interface
from argosy.spec.interface import Given, Input


def _plain(a: int, b: str = "x", *, c: float = 1.0) -> bool:
    return bool(a and b and c)


def _several() -> tuple[Annotated[int, "one"], str, Annotated[list[int], "three"]]:
    return 1, "", []


def _any(x, y=None):  # type: ignore[no-untyped-def]
    return x, y


def test_what_a_function_takes_and_gives() -> None:
    found = interface.of(_plain, "step plain")
    assert list(found.inputs) == ["a", "b", "c"]
    assert found.inputs["a"] == Input("a", int, interface.MISSING)
    assert (found.positional, found.several, found.outputs) == (("a", "b"), False, (Given("", bool),))
    assert [each.name for each in interface.of(_several, "step several").outputs] == ["one", "1", "three"]
    loose = interface.of(_any, "step any")
    assert [each.annotation for each in loose.inputs.values()] == [Any, Any] and loose.outputs[0].annotation is Any


def test_the_digest_tells_annotations_apart() -> None:
    def one(x: int) -> int:
        return x

    def same(x: int) -> int:
        return x + 1

    def other(x: ag.Table) -> int:
        return x.height

    def named(y: int) -> int:
        return y

    digests = [interface.of(each, "it").digest for each in (one, same, other, named)]
    assert digests[0] == digests[1] and len(set(digests)) == 3


@pytest.mark.parametrize(
    ("args", "named", "words"),
    [
        ((), {}, "step plain lacks its argument 'a'"),
        ((1, "x", 2.0), {}, "number of arguments is 3; it must be at most 2 without a name"),
        ((1,), {"a": 2}, "argument is 'a'; it must be given once"),
        ((1,), {"d": 2}, "argument is 'd'; it must be one of a, b, c"),
    ],
)
def test_arguments_that_do_not_fit_are_named(args: tuple[Any, ...], named: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        interface.of(_plain, "step plain").bind("step plain", args, named)
    assert words in caught.value.message


def test_what_cannot_be_called_by_name_is_refused() -> None:
    def many(*rows: int) -> None: ...
    def more(**rows: int) -> None: ...
    def unread(x: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
    def twice() -> tuple[Annotated[int, "a"], Annotated[int, "a"]]: ...
    async def awaited() -> int: ...
    async def streamed() -> AsyncIterator[int]:
        yield 1

    def yielded() -> Iterator[int]:
        yield 1

    for function, words in (
        (many, r"\*rows"), (more, r"\*\*rows"), (unread, "Nowhere"), (twice, "named once"),
        (awaited, "step it is async"), (streamed, "step it is async"), (yielded, "step it yields"),
    ):  # fmt: skip
        with pytest.raises(DeclarationError, match=words):
            interface.of(function, "step it")


@pytest.mark.parametrize(
    ("annotation", "given", "wanted"),
    [
        (float, 3, 3.0),
        (date, "2013-01-01", date(2013, 1, 1)),
        (list[int], [1, 2], [1, 2]),
        (int | None, None, None),
        (Any, {"a": [1]}, {"a": [1]}),
    ],
)
def test_a_constant_becomes_what_is_asked_for(annotation: Any, given: Any, wanted: Any) -> None:
    assert interface.constant("step it", Input("x", annotation, interface.MISSING), given) == wanted


@pytest.mark.parametrize(
    ("annotation", "given", "words"),
    [
        (int, "six", "step it's argument x is 'six'; it must be int"),
        (list[str], [1], r"argument x is \[1\]; it must be list\[str\]"),
        (Any, object(), "argument x is 'object'; it must be a plain value"),
        (ag.Table, 3, "argument x is 3; it must be Table"),
    ],
)
def test_a_constant_of_another_type_is_refused(annotation: Any, given: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        interface.constant("step it", Input("x", annotation, interface.MISSING), given)


def test_kinds_of_annotations() -> None:
    lists = (list[int], list, tuple[int, ...], Sequence[str], Annotated[list[int], "n"], list[int] | None, set[int])
    assert all(map(interface.is_list, lists))
    assert not any(map(interface.is_list, (int, str, bytes, dict[str, int], tuple[int, str], Any, ag.Table)))
    assert interface.item(list[Annotated[int, "n"]]) == Annotated[int, "n"] and interface.item(list) is Any
    assert interface.is_path(pathlib.Path) and interface.is_path(pathlib.Path | None) and not interface.is_path(str)
    assert [interface.show(each) for each in (int, list[int], Any)] == ["int", "list[int]", "Any"]
