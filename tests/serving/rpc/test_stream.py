"""Messages of a call are found wherever frames cut them."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.rpc.status import Outcome, Status
from argosy.serving.rpc.stream import Stream, Unfit


def written(*messages: bytes) -> bytes:
    return b"".join(b"\0" + len(each).to_bytes(4, "big") + each for each in messages)


def stream(*, many: bool = True) -> Stream:
    return Stream(1, {}, 100, 0.0, many=many)


@given(st.lists(st.binary(max_size=50), max_size=5), st.lists(st.integers(0, 300), max_size=9))
def test_frames_may_cut_messages_anywhere(messages: list[bytes], cuts: list[int]) -> None:
    data, found = written(*messages), stream()
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    taken: list[bytes] = []
    for a, b in pairwise(ends):
        found.take(data[a:b], 50)
        while (message := found.next(50)) is not None:
            taken.append(message)
    assert taken == messages and not found.partial


def test_a_message_above_the_limit_is_refused_before_it_has_come() -> None:
    stream().take(written(bytes(50)), 50)
    with pytest.raises(Unfit, match="above the limit of 50 bytes") as unfit:
        stream().take(written(bytes(51))[:5], 50)
    assert unfit.value.outcome.status == Status.RESOURCE_EXHAUSTED


def test_a_second_message_of_a_unary_call_is_refused() -> None:
    with pytest.raises(Unfit, match="one message"):
        stream(many=False).take(written(b"a", b"b"), 50)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_message_is_bounded_by_what_it_is(encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    found = Stream(1, {b"grpc-encoding": encoding.encode()}, 100, 0.0, many=True)
    found.take(b"\1" + written(pack(bytes(1_000)))[1:], 1_000)
    assert found.next(1_000) == bytes(1_000)
    for data, status in ((pack(bytes(1_001)), Status.RESOURCE_EXHAUSTED), (b"none", Status.INVALID_ARGUMENT)):
        found.take(b"\1" + written(data)[1:], 1_000)
        with pytest.raises(Unfit) as unfit:
            found.next(1_000)
        assert unfit.value.outcome.status == status


def test_what_waits_is_as_large_as_it_came() -> None:
    found = Stream(1, {b"grpc-encoding": b"gzip"}, 100, 0.0, many=True)
    tracemalloc.start()
    for _ in range(20):
        found.take(b"\1" + written(gzip.compress(bytes(1_000_000)))[1:], 1_000_000)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4_000_000 and found.next(1_000_000) == bytes(1_000_000)


def test_another_compression_is_refused() -> None:
    found = stream()
    found.take(b"\1" + written(b"a")[1:], 50)
    with pytest.raises(Unfit, match="gzip or deflate") as unfit:
        found.next(50)
    assert unfit.value.outcome.status == Status.UNIMPLEMENTED


def test_a_status_stands_in_the_trailers() -> None:
    found = stream()
    found.finish(Outcome(status=Status.NOT_FOUND, text="no é", fields=((b"retry-after", b"1"),)))
    assert found.trailers == b"\0\x0bgrpc-status\x015\0\x0bretry-after\x011\0\x0cgrpc-message\x09no %C3%A9"
    found.finish(Outcome(b"", fields=()))
    assert found.trailers == b"\0\x0bgrpc-status\x010"
