"""Compressed bodies: as what they were before, within the limit, or refused."""

from __future__ import annotations

import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import ArgosyError, InputError
from argosy.serving.compression import LARGE, packed, unpacked
from argosy.serving.request import Refused, Reply
from tests.serving.served import URL, Served, body, outputs

LIMIT = 100_000


@given(st.binary())
def test_what_was_compressed_comes_back(data: bytes) -> None:
    raw = zlib.compressobj(wbits=-15)
    assert unpacked(gzip.compress(data), b"GZIP", LIMIT) == data
    assert unpacked(zlib.compress(data), b"deflate", LIMIT) == data
    assert unpacked(raw.compress(data) + raw.flush(), b"deflate", LIMIT) == data
    assert unpacked(data, b"identity", LIMIT) == data


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate"])
def test_a_bomb_is_refused_by_what_it_would_become(encoding: bytes) -> None:
    bomb = (gzip.compress if encoding == b"gzip" else zlib.compress)(b"\0" * 50_000_000)
    with pytest.raises(Refused, match="above the limit of 100,000 bytes") as told:
        unpacked(bomb, encoding, LIMIT)
    assert told.value.status == 413


@pytest.mark.parametrize("data", [b"", b"plain", gzip.compress(b"a")[:-1], gzip.compress(b"a") + b"more"])
def test_what_is_no_whole_stream_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="not one whole stream of gzip"):
        unpacked(data, b"gzip", LIMIT)


def test_other_encodings_are_refused() -> None:
    with pytest.raises(Refused, match="'br'"):
        unpacked(b"", b"br", LIMIT)


@given(st.binary(), st.sampled_from([b"gzip", b"deflate"]))
def test_any_bytes_are_read_or_refused(data: bytes, encoding: bytes) -> None:
    with contextlib.suppress(ArgosyError):
        unpacked(data, encoding, LIMIT)


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        (b"gzip, deflate", b"gzip"),
        (b"deflate;q=0.5", b"deflate"),
        (b"gzip;q=0, deflate", b"deflate"),
        (b"br, identity", None),
        (b"", None),
    ],
)
def test_large_answers_go_as_their_client_accepts_them(accepted: bytes, sent: bytes | None) -> None:
    large = Reply(200, b"x" * LARGE)
    found = dict(packed(large, accepted).headers).get(b"content-encoding")
    assert found == sent and packed(Reply(200, b"small"), accepted).headers == ()
    if sent:
        assert unpacked(packed(large, accepted).body, sent, LARGE) == large.body


def test_a_server_reads_compressed_requests_and_compresses_large_answers(served: Served) -> None:
    import msgspec

    request = body(1_500)
    request["inputs"][0]["data"] = [f"f{i}" for i in range(1_500)]
    content = gzip.compress(msgspec.json.encode(request))
    headers = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
    answer = served.run(lambda c: c.post(URL, content=content, headers=headers))
    assert answer.headers["Content-Encoding"] == "gzip" and len(outputs(answer)["route"]) == 1_500
