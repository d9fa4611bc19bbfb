"""Paths of artifacts: names below a root, and never a way out of it."""

from __future__ import annotations

import posixpath
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import UsageError
from argosy.store.tracking import place

TRICKS = (
    "..", "../x", "a/../b", "a/..", "./a", "a/.", "/etc/passwd", "//a", "a//b", "a/", "a\\b", "..\\x", "a\0b", "a\nb",
    "%2e%2e/x", "%2E%2E%2Fx", "%252e%252e/x", "%25252e%25252e/x", "a/%2e%2e/b", "a%2fb", "a%5cb", "a%00b", "%252f",
    "a\ufffd",
    "..;/x", "..;a=b/x", "a/..;/b", "%2e%2e;/x", ";/x", "C:\\x", "a/" * 70 + "b", "x" * 1501,
)  # fmt: skip


@pytest.mark.parametrize("text", TRICKS)
def test_ways_out_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Invalid path"):
        place.path(text)


@pytest.mark.parametrize(
    "text", ["", "a", "a b/c.txt", "7/x/artifacts/model/MLmodel", "ü/漢.png", "a;b", "a#b", "a:b", "100%", "~"]
)
def test_names_are_taken_as_they_are(text: str) -> None:
    assert place.path(text) == text


@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from(["..", "%2e%2e", "%252e", "/", "\\"])), max_size=6))
def test_what_is_taken_stays_below_whatever_reads_it(parts: list[str]) -> None:
    text = "/".join(parts)
    try:
        found = place.path(text)
    except UsageError:
        return
    for _ in range(4):
        below = posixpath.normpath(posixpath.join("/top", found))
        assert below == "/top" or below.startswith("/top/")
        assert "\\" not in found and "\0" not in found
        found = unquote(found)


@given(st.text(min_size=1, max_size=10))
def test_quoting_makes_no_name_a_way_out(text: str) -> None:
    for hidden in (f"../{text}", quote(f"../{text}", safe=""), quote(quote("../", safe=""), safe="") + text):
        with pytest.raises(UsageError):
            place.path(hidden)
