"""Limits as they are written, and those that cannot be meant."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.errors import InputError, UsageError
from argosy.serving.limits import Limits, parse_rows


def test_rows_a_second_are_by_name_and_by_a_star_for_all_others() -> None:
    limits = Limits(rows=parse_rows("shop=500, a=b=2.5,*=10000"))
    assert [limits.rate(name) for name in ("shop", "a=b", "ada")] == [500, 2.5, 10_000]
    assert Limits(rows=parse_rows("shop=500")).rate("ada") is None
    assert parse_rows("") == {}


def test_workers_give_a_caller_its_rows_together() -> None:
    part = Limits(queue=3, rows={"shop": 500, "*": 100}).part(4)
    assert (part.queue, part.rate("shop"), part.rate("ada")) == (3, 125, 25)


@pytest.mark.parametrize("text", ["shop", "=5", "shop=", "shop=0", "shop=-1", "shop=many", "shop=inf", "shop=nan"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="rows a second"):
        parse_rows(text)


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0},
        {"queue": -1},
        {"wait_seconds": 0},
        {"timeout_seconds": float("nan")},
        {"rows": {"shop": 0.0}},
    ],
)
def test_limits_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Limits(**wrong)
