"""Quantities: the noun follows the number."""

from __future__ import annotations

import pytest

from argosy.spec.quantity import plural


@pytest.mark.parametrize(
    ("amount", "one", "many", "said"),
    [
        (0, "row", None, "0 rows"), (1, "row", None, "1 row"), (1234, "row", None, "1,234 rows"),
        (1, "canary", "canaries", "1 canary"), (2, "canary", "canaries", "2 canaries"),
    ],
)  # fmt: skip
def test_the_noun_follows_the_number(amount: int, one: str, many: str | None, said: str) -> None:
    assert plural(amount, one, many) == said
