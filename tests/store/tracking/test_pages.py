"""Tokens of pages: what a list gave is read again, what it cannot have given is refused."""

from __future__ import annotations

import base64
import math
from typing import Any

import pytest

from argosy.errors import UsageError
from argosy.store.tracking import pages


def test_a_page_begins_after_so_many() -> None:
    assert pages.start(pages.token(10**9)) == 10**9 and pages.start(None) == pages.start("") == 0


@pytest.mark.parametrize("text", ["", "-1", "x", "1000000001", "9" * 5000, "٣"])
def test_what_no_list_gave_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="was not given by this list"):
        pages.start(base64.urlsafe_b64encode(text.encode()).decode() or "=")


@pytest.mark.parametrize(
    "row", [(0, 0.5, 7, "a"), (0, math.inf, 7, "a"), (2, None, 7, "é"), (-(2**63), None, None, "")]
)
def test_a_row_is_read_again(row: tuple[Any, ...]) -> None:
    assert pages.row(pages.mark(row), [False, False, False, True]) == row


@pytest.mark.parametrize(
    "row",
    [
        (), (1,), (1, 2, 3), ("a", "b"), (1, 2), (None, "a"), (1, None), (0.5, "a"), (math.nan, "a"), (1, "\0"),
        (2**63, "a"), (True, "a"), (1, b"a"),
    ],
)  # fmt: skip
def test_a_row_that_no_search_gave_is_refused(row: tuple[Any, ...]) -> None:
    with pytest.raises(UsageError, match="was not given by this search"):
        pages.row(pages.mark(row), [False, True])
