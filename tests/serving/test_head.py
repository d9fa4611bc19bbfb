"""Heads that came before mean what they meant, and only where they are whole and say where a request ends."""

from __future__ import annotations

import pytest

from argosy.serving.head import HEAD_LIMIT, Draft, Heads
from argosy.serving.request import Request

LIMIT = 1_000
HEAD = b"POST /v2/a?b HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\n"


def kept(data: bytes, **headers: str) -> Heads:
    found = Heads(LIMIT)
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    found.keep(data, Request("POST", "/v2/a", given, b"b"))
    return found


def test_a_head_that_comes_again_makes_the_same_request_with_another_body() -> None:
    heads = kept(HEAD + b"abc", host="here", content_length="3")
    request = heads.find(HEAD + b"xyz")
    assert request == Request("POST", "/v2/a", {b"host": b"here", b"content-length": b"3"}, b"b", b"xyz")
    for other in (HEAD + b"xy", HEAD + b"xyzP", HEAD, HEAD.replace(b"here", b"Here") + b"xyz", b"", HEAD[:-4]):
        assert heads.find(other) is None


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (HEAD, {"content_length": "3", "transfer_encoding": "chunked"}),
        (HEAD, {"content_length": "3", "expect": "100-continue"}),
        (HEAD, {"content_length": "3", "upgrade": "h2c"}),
        (HEAD, {"content_length": str(LIMIT + 1)}),
        (HEAD, {"content_length": "3, 3"}),
        (HEAD, {}),
        (HEAD.replace(b"here\r\n", b"here\n"), {"content_length": "3"}),
        (b"\r\n\r\n" + HEAD, {"content_length": "3"}),
        (HEAD.replace(b"POST", b"HEAD"), {"content_length": "3"}),
        (HEAD.replace(b"here", b"h" * 3_000), {"content_length": "3"}),
        (HEAD[:-2], {"content_length": "3"}),
    ],
)
def test_others_are_left_to_the_parser(data: bytes, headers: dict[str, str]) -> None:
    heads = kept(data + b"abc", **headers)
    for body in (b"abc", b"", b"x" * (LIMIT + 1)):
        assert heads.find(data + body) is None


def test_a_draft_is_the_request_that_was_told_and_what_comes_later_is_not_heeded() -> None:
    draft = Draft()
    for turn in (b"1", b"2"):
        draft.begin()
        draft.add_url(b"/a%20")
        draft.add_url(b"b?c=" + turn)
        draft.add_header(b"X-Y", b"z")
        draft.add_header(b"x-y", turn)
        request = draft.end("POST")
        draft.add_header(b"late", b"z")
        assert request == Request("POST", "/a b", {b"x-y": b"z, " + turn}, b"c=" + turn)


def test_a_draft_counts_what_is_above_the_limit_and_does_not_keep_it() -> None:
    draft = Draft()
    draft.begin()
    draft.add_url(b"/a")
    for _ in range(HEAD_LIMIT // 8):
        draft.add_header(b"x", b"abc")
    draft.add_header(b"y", b"")
    draft.add_url(b"b")
    assert draft.size > HEAD_LIMIT and draft.end("POST").path == "/a"
    assert len(draft.headers[b"x"]) < HEAD_LIMIT and b"y" not in draft.headers
    draft.begin()
    assert draft.size == 0
