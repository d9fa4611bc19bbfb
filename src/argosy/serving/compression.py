"""Bodies that come compressed, and answers that go so."""

from __future__ import annotations

import zlib

import msgspec

from argosy.errors import InputError
from argosy.serving.request import Refused, Reply

LARGE = 64 * 1024
"""Bytes of an answer from which on it is compressed for a client that takes it so."""
_ZLIB, _GZIP, _RAW = 15, 31, -15
_KINDS = {b"gzip": (_GZIP,), b"x-gzip": (_GZIP,), b"deflate": (_ZLIB, _RAW)}


def unpacked(body: bytes, encoding: bytes, limit: int) -> bytes:
    """A body as it was before it was compressed as its Content-Encoding says.

    Raises Refused for other encodings and where it is above `limit` bytes, InputError for bytes that are none of it.
    """
    encoding = encoding.strip().lower()
    if encoding in (b"", b"identity"):
        return body
    if encoding not in _KINDS:
        raise Refused(415, f"the body is {encoding[:40].decode('latin-1')!r}", next="send it as it is, gzip or deflate")
    for bits in _KINDS[encoding]:
        stream = zlib.decompressobj(bits)
        try:
            found = stream.decompress(body, limit + 1)
        except zlib.error:
            continue
        if len(found) > limit:
            raise too_large(limit)
        if stream.eof and not stream.unused_data:
            return found
    raise InputError(f"the body is not one whole stream of {encoding.decode()}", next="compress it anew, or not at all")


def packed(reply: Reply, accepted: bytes) -> Reply:
    """An answer, compressed where it is large and its client accepts that."""
    if len(reply.body) < LARGE:
        return reply
    kinds = {
        name.strip(): quality for name, _, quality in (part.partition(b";") for part in accepted.lower().split(b","))
    }
    for name, bits in ((b"gzip", _GZIP), (b"deflate", _ZLIB)):
        if name in kinds and kinds[name].replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000"):
            stream = zlib.compressobj(1, zlib.DEFLATED, bits)
            body = stream.compress(reply.body) + stream.flush()
            headers = (*reply.headers, (b"content-encoding", name), (b"vary", b"accept-encoding"))
            return msgspec.structs.replace(reply, body=body, headers=headers)
    return reply


def too_large(limit: int) -> Refused:
    """What to tell of a body above the limit."""
    return Refused(413, f"the body is above the limit of {limit:,} bytes", next="send fewer rows in each request")
