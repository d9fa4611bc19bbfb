"""What an order takes, and which of a pipeline's parameters somebody else may choose."""

from __future__ import annotations

import pytest

from argosy.errors import DeclarationError, UsageError
from argosy.pipelines.export.order import SHARDS, Entry, Order
from tests.pipelines.export.night import asked, nightly


def test_parameters_are_offered_by_type_with_their_defaults() -> None:
    assert Order(pipeline=nightly).entries() == [
        Entry("flights", "string", "flights"), Entry("depth", "integer", "6"), Entry("rate", "number", "0.5"),
        Entry("fast", "boolean", "true"), Entry("note", "string", ""),
    ]  # fmt: skip
    assert [each.value for each in Order(pipeline=nightly).entries()] == ["flights", 6, 0.5, True, ""]


def test_a_default_that_no_text_gives_is_not_offered() -> None:
    assert Order(pipeline=asked).entries() == [
        Entry("depth", "integer", None), Entry("where", "string", None), Entry("seed", "string", "none"),
        Entry("names", "string", '["a","b"]'),
    ]  # fmt: skip


def test_what_is_given_is_what_is_offered() -> None:
    found = Order(pipeline=asked, given={"depth": "8", "seed": "3", "more": "x"}).entries()
    assert {each.name: each.value for each in found} == {
        "depth": 8, "where": None, "seed": 3, "names": '["a","b"]', "more": "x",
    }  # fmt: skip


def test_every_text_that_is_offered_reads_back_as_the_default() -> None:
    given = {each.name: each.text for each in Order(pipeline=nightly).entries()}
    assert nightly.arguments(given) == nightly.arguments({})


@pytest.mark.parametrize("given", [{"deep": "8"}, {"depth": "deep"}, {"where": "2025-01-01"}])
def test_what_a_run_would_not_take_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(DeclarationError, match="pipeline asked"):
        Order(pipeline=asked, given=given)


@pytest.mark.parametrize("shards", [0, -1, SHARDS + 1])
def test_shards_are_limited(shards: int) -> None:
    with pytest.raises(UsageError, match=f"--shards is {shards}; it must be between 1 and {SHARDS}"):
        Order(pipeline=nightly, shards=shards)


def test_a_command_line_holds_no_nul() -> None:
    with pytest.raises(UsageError, match="NUL"):
        Order(pipeline=nightly, given={"note": "a\0b"})
