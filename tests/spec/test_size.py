from __future__ import annotations

import pytest

from argosy.errors import DeclarationError
from argosy.spec import size


@pytest.mark.parametrize(
    ("text", "wanted"), [("500MB", 500_000_000), ("2 GiB", 2**31), ("1.5KiB", 1536), ("7B", 7), ("1TB", 10**12)]
)
def test_a_size_is_a_number_and_a_unit(text: str, wanted: int) -> None:
    assert size.parse(text) == wanted


@pytest.mark.parametrize("text", ["", "2", "GiB", "-1MB", "0GB", "2 gib", "1e3MB", 5, None, "0.0001B"])
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(DeclarationError, match="it must be a size such as '500MB' or '2GiB'"):
        size.parse(text)


def test_sizes_are_shown_in_the_largest_unit_that_fits() -> None:
    assert [size.show(count) for count in (0, 1023, 1024, 3 * 2**29, 2**41)] == [
        "0 B", "1023 B", "1 KiB", "1.5 GiB", "2 TiB",
    ]  # fmt: skip
