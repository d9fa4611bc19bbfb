"""Batches as one, and the answer to it as one for each: nothing that an answer may tell is lost on the way."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.batch import Answer, Batch
from argosy.serving.explanation import Explanation
from argosy.serving.routing import Endpoint
from argosy.serving.stream.merge import split


def whole(count: int) -> Answer:
    """An answer to so many rows that has all that there may be, each value told from the others."""
    words, numbers = [str(row) for row in range(count)], [float(row) for row in range(count)]
    why = Explanation({"x": words}, np.arange(count, dtype=float).reshape(-1, 1), numbers, ["value"] * count)
    return Answer(
        "id", numbers, words, words, [bool(row % 2) for row in range(count)], why, words, list(numbers),
        {"q10": list(numbers), "q90": list(numbers)},
    )  # fmt: skip


def flat(answer: Answer) -> dict[str, list[Any]]:
    """Every field that has a value a row, as lists."""
    plain = {field: getattr(answer, field) for field in Answer.__struct_fields__ if field != "id"}
    found = {field: value for field, value in plain.items() if isinstance(value, list)}
    assert answer.quantiles is not None and answer.explanation is not None
    return found | dict(answer.quantiles) | {"why": answer.explanation.told()}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_every_batch_has_its_own_rows_of_all_that_was_answered(counts: list[int]) -> None:
    answer = whole(sum(counts))
    assert all(getattr(answer, field) is not None for field in Answer.__struct_fields__)
    batches = [Batch(Endpoint("f", "binary", (), ()), {}, count, f"m{place}") for place, count in enumerate(counts)]
    parts = list(split(answer, batches))
    assert [each.id for each in parts] == [each.id for each in batches]
    assert [len(each.predictions) for each in parts] == counts
    found = [flat(each) for each in parts]
    assert {name: [value for each in found for value in each[name]] for name in found[0]} == flat(answer)


@given(st.integers(1, 4))
def test_what_an_answer_does_not_have_no_part_has(count: int) -> None:
    answer = Answer("id", [0.5] * count, ["v"] * count, ["own"] * count)
    (part,) = split(answer, [Batch(Endpoint("f", "binary", (), ()), {}, count)])
    assert msgspec.structs.asdict(part) == msgspec.structs.asdict(answer)
