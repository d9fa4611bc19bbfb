"""A call ends with the code that says what HTTP's status does."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.rpc.status import Status, of_http, percent_encoded


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, 0), (400, 3), (415, 3), (421, 3), (401, 16), (403, 7), (404, 5), (409, 9), (413, 8), (429, 8), (500, 13),
     (503, 14), (504, 4), (507, 8), (501, 13)],
)  # fmt: skip
def test_every_status_of_http_has_a_code(status: int, code: int) -> None:
    assert of_http(status) == Status(code)


@given(st.text(max_size=300))
def test_texts_travel_in_a_head(text: str) -> None:
    written = percent_encoded(text)
    assert all(32 <= byte < 127 for byte in written)
    assert unquote_to_bytes(written) == text.encode("utf-8", "replace")


def test_a_long_text_is_cut() -> None:
    assert len(percent_encoded("é" * 100_000)) == 4_000
