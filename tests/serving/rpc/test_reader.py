"""Bytes are cut into the same frames wherever the network cuts them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.rpc import frame
from argosy.serving.rpc.frame import MAX_FRAME, PREFACE, Broken, Code, Kind
from argosy.serving.rpc.reader import Reader

HEAD = frame.frame(Kind.HEADERS, 0, 3, b"he")
CONTINUED = frame.frame(Kind.CONTINUATION, 0, 3, b"a")
LAST = frame.frame(Kind.CONTINUATION, frame.END_HEADERS, 3, b"d")


@given(
    st.lists(st.tuples(st.sampled_from([Kind.DATA, Kind.PING, Kind.SETTINGS]), st.binary(max_size=300)), max_size=6),
    st.lists(st.integers(0, 2_000), max_size=9),
)
def test_cuts_of_the_network_do_not_matter(frames: list[tuple[Kind, bytes]], cuts: list[int]) -> None:
    data = PREFACE + b"".join(frame.frame(kind, 1, 7, payload) for kind, payload in frames) + HEAD + CONTINUED + LAST
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    reader = Reader()
    found = [each for a, b in pairwise(ends) for each in reader.feed(data[a:b])]
    assert found == [*((kind, 1, 7, payload) for kind, payload in frames), (Kind.HEADERS, 0, 3, b"head")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\r\n", Code.PROTOCOL_ERROR),
        (PREFACE[:-1] + b"!", Code.PROTOCOL_ERROR),
        (PREFACE + (MAX_FRAME + 1).to_bytes(3, "big") + bytes(6), Code.FRAME_SIZE_ERROR),
        (PREFACE + LAST, Code.PROTOCOL_ERROR),
        (PREFACE + HEAD + frame.frame(Kind.DATA, 0, 3), Code.PROTOCOL_ERROR),
        (PREFACE + HEAD + frame.frame(Kind.CONTINUATION, 0, 5), Code.PROTOCOL_ERROR),
        (PREFACE + HEAD + 2 * frame.frame(Kind.CONTINUATION, 0, 3, bytes(MAX_FRAME)), Code.ENHANCE_YOUR_CALM),
        (PREFACE + frame.frame(Kind.HEADERS, frame.PADDED, 3), Code.FRAME_SIZE_ERROR),
    ],
    ids=["http/1", "preface", "size", "no head", "interrupted", "other stream", "endless head", "no padding"],
)
def test_what_is_no_frame_breaks_the_connection(data: bytes, code: Code) -> None:
    with pytest.raises(Broken) as broken:
        Reader().feed(data)
    assert broken.value.code == code


@given(st.binary(max_size=500))
def test_any_bytes_are_frames_or_break_the_connection(data: bytes) -> None:
    reader = Reader()
    try:
        found = reader.feed(PREFACE + data)
    except Broken:
        return
    assert sum(9 + len(payload) for *_, payload in found) <= len(data)
