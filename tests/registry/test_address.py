from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import InputError
from argosy.registry.address import Address, parse

values = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1), min_size=1, max_size=3)
numbers = st.none() | st.integers(1, 10**9)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("late-arrival/JFK/AA@7", Address("late-arrival", "JFK/AA", 7)),
        ("late-arrival/JFK/AA", Address("late-arrival", "JFK/AA")),
        ("late-arrival/*", Address("late-arrival", "*")),
        ("late-arrival@3", Address("late-arrival", "", 3)),
        ("late-arrival", Address("late-arrival")),
        ("fleet/a@b", Address("fleet", "a@b")),
    ],
)
def test_addresses_are_read_and_written(text: str, found: Address) -> None:
    assert parse(text) == found
    assert str(found) == text


@given(values, numbers)
def test_any_values_come_back(parts: list[str], number: int | None) -> None:
    address = Address.of("fleet", parts, number)
    assert address.values == tuple(parts)
    assert address.key.count("/") == len(parts) - 1
    ends_like_a_version = "@" in address.key and address.key.rpartition("@")[2].isdigit()
    if number is not None or not ends_like_a_version:
        assert parse(str(address)) == address


@pytest.mark.parametrize("text", ["", "/JFK", "fleet/", " fleet", "a@b/c"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not an address"):
        parse(text)


@pytest.mark.parametrize("text", ["fleet@0", "fleet/JFK@0"])
def test_versions_are_counted_from_one(text: str) -> None:
    with pytest.raises(InputError, match=f"'{text}' names no version: they are counted from 1"):
        parse(text)
