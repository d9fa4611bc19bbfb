"""Frames and heads: what is written is read, and what is none is refused."""

from __future__ import annotations

import pytest
from hpack import Decoder, Encoder
from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.rpc import frame
from argosy.serving.rpc.frame import Broken, Code, Heads, Kind

FIELDS = st.lists(st.tuples(st.binary(min_size=1, max_size=200), st.binary(max_size=20_000)), max_size=5)
HEADS = st.dictionaries(st.sampled_from([b":path", b"a", b"b"]), st.binary(max_size=9), max_size=3)


@given(FIELDS)
def test_literals_are_what_a_decoder_of_heads_reads(fields: list[tuple[bytes, bytes]]) -> None:
    found = Decoder(1 << 20).decode(frame.literals(fields), raw=True)
    assert [(bytes(name), bytes(value)) for name, value in found] == fields


@given(
    st.lists(st.dictionaries(st.sampled_from([b":path", b"a", b"b"]), st.binary(max_size=9), max_size=3), max_size=9)
)
def test_heads_are_read_as_written_though_those_of_indices_are_remembered(heads: list[dict[bytes, bytes]]) -> None:
    encoder, reader = Encoder(), Heads()
    for each in heads:
        for _ in range(2):
            assert reader.read(encoder.encode(list(each.items()))) == each


@pytest.mark.parametrize(
    "block",
    [b"\xff\x80\x80", b"\xbf", b"\x00\x05ab", frame.literals([(b"a", b"b" * frame.HEAD_LIMIT)]), b"\x3f\xe1\xff\x03"],
    ids=["endless number", "no such index", "cut", "too large", "table too large"],
)
def test_a_head_that_is_none_breaks_the_connection(block: bytes) -> None:
    with pytest.raises(Broken) as broken:
        Heads().read(block)
    assert broken.value.code == Code.COMPRESSION_ERROR


def test_settings_are_read_as_written() -> None:
    values = {frame.INITIAL_WINDOW: 70_000, frame.FRAME_SIZE: 1 << 20}
    written = frame.settings(values)
    assert written[:9] == b"\0\0\x0c\x04\0\0\0\0\0" and dict(frame.read_settings(written[9:])) == values
    with pytest.raises(Broken):
        frame.read_settings(b"\0" * 7)


@given(st.binary(max_size=99), st.integers(0, 99))
def test_padding_and_priority_are_left_out(payload: bytes, padding: int) -> None:
    padded = bytes([padding]) + b"\0\0\0\0\0" + payload + b"\0" * padding
    assert frame.stripped(frame.PADDED | frame.PRIORITY, padded) == payload
    with pytest.raises(Broken):
        frame.stripped(frame.PADDED, bytes([len(payload) + 1]) + payload)
    assert frame.frame(Kind.DATA, 1, 5, payload)[9:] == payload
