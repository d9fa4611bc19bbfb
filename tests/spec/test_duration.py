"""Durations: their algebra, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import DeclarationError
from argosy.spec.duration import canonical, parse, show, took

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
spelt = st.tuples(st.integers(1, 5000), st.sampled_from(sorted(UNITS)))


@given(spelt)
def test_parse_counts_in_its_unit(duration: tuple[int, str]) -> None:
    count, unit = duration
    assert parse(f"{count}{unit}") == timedelta(milliseconds=count * UNITS[unit])
    assert parse(f" {count} {unit} ") == parse(f"{count}{unit}")


@given(spelt, spelt)
def test_one_spelling_for_one_duration(one: tuple[int, str], other: tuple[int, str]) -> None:
    first, second = (f"{count}{unit}" for count, unit in (one, other))
    assert parse(canonical(first)) == parse(first)
    assert canonical(canonical(first)) == canonical(first)
    assert (canonical(first) == canonical(second)) == (parse(first) == parse(second))


@pytest.mark.parametrize(
    ("text", "same"), [("24h", "1d"), ("2w", "14d"), ("90s", "90s"), ("120s", "2m"), ("1000ms", "1s"), ("36h", "36h")]
)
def test_canonical(text: str, same: str) -> None:
    assert canonical(text) == same


@pytest.mark.parametrize(
    "text", ["", "6", "h", "0h", "-1h", "1.5h", "1h30m", "6 hours", "101y", "40000d", "9" * 5000 + "d", "٣h", None, 6]
)
def test_refused(text: object) -> None:
    with pytest.raises(DeclarationError, match=r"^ttl is .* must be a duration such as .*6h") as caught:
        parse(text, "ttl")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(days=3, hours=4, minutes=5), "3d 4h"),
        (timedelta(days=3, minutes=5), "3d 5m"),
        (timedelta(seconds=61), "1m 1s"),
        (timedelta(milliseconds=5), "0s"),
        (timedelta(seconds=-5), "0s"),
    ],
)
def test_show(span: timedelta, text: str) -> None:
    assert show(span) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0421, "0.0421 s"), (59.4, "59.4 s"), (200.4, "3 min 20 s"), (18_720, "5 h 12 min")]
)
def test_took(seconds: float, text: str) -> None:
    assert took(seconds) == text
