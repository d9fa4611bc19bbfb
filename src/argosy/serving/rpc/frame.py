"""Frames of HTTP/2 (RFC 9113) and the heads in them (RFC 7541), as much of both as a gRPC server needs."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from hpack import Decoder, HPACKError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_FRAME = 16 * 1024
"""Bytes of one frame, in both directions: what every peer takes."""
HEAD_LIMIT = 16 * 1024
"""Bytes of a head, before and after it is decoded."""
MAX_WINDOW = 2**31 - 1
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, FRAME_SIZE, HEAD_SIZE = range(1, 7)
Head = dict[bytes, bytes]
_SHORT, _REMEMBERED = 64, 64


class Kind(IntEnum):
    """What a frame is."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Code(IntEnum):
    """Why a stream or a connection ends."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    FLOW_CONTROL_ERROR = 3
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class Broken(Exception):
    """A peer that does not speak HTTP/2: its connection ends with `code`."""

    def __init__(self, code: Code) -> None:
        super().__init__(code.name)
        self.code = code


def frame(kind: Kind, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return b"%b%c%c%b%b" % (len(payload).to_bytes(3, "big"), kind, flags, stream.to_bytes(4, "big"), payload)


def settings(values: dict[int, int]) -> bytes:
    """A frame of settings."""
    payload = b"".join(name.to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in values.items())
    return frame(Kind.SETTINGS, 0, 0, payload)


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """Names and values of a frame of settings; raises Broken."""
    if len(payload) % 6:
        raise Broken(Code.FRAME_SIZE_ERROR)
    number = int.from_bytes
    return [
        (number(payload[at : at + 2], "big"), number(payload[at + 2 : at + 6], "big"))
        for at in range(0, len(payload), 6)
    ]


def stripped(flags: int, payload: bytes) -> bytes:
    """What a frame of data or of a head holds besides padding and priority; raises Broken."""
    start, end = 0, len(payload)
    if flags & PADDED:
        if not payload:
            raise Broken(Code.FRAME_SIZE_ERROR)
        start, end = 1, end - payload[0]
    if flags & PRIORITY:
        start += 5
    if start > end:
        raise Broken(Code.PROTOCOL_ERROR)
    return payload[start:end]


def literals(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Fields of a head as they are written without a table."""
    return b"".join([b"\x00%b%b%b%b" % (_length(name), name, _length(value), value) for name, value in fields])


def _length(text: bytes) -> bytes:
    size = len(text)
    if size < 127:
        return size.to_bytes(1, "big")
    found, size = bytearray([127]), size - 127
    while size >= 128:
        found.append(size & 127 | 128)
        size >>= 7
    found.append(size)
    return bytes(found)


class Heads:
    """The heads of one connection, in the order in which they came.

    A head of indices alone (all its bytes have the high bit) leaves the table as it is, and means the same for as long
    as that stays: it is decoded once. So are almost all of a client that calls again and again.
    """

    def __init__(self) -> None:
        self._decoder = Decoder(HEAD_LIMIT)
        self._known: dict[bytes, Head] = {}

    def read(self, block: bytes) -> Head:
        """Names and values, which nobody may change; raises Broken. A name that comes twice has its last value."""
        found = self._known.get(block)
        if found is not None:
            return found
        try:
            found = dict(self._decoder.decode(block, raw=True))
        except HPACKError as error:
            raise Broken(Code.COMPRESSION_ERROR) from error
        if not block or min(block) < 0x80:
            self._known.clear()
        elif len(block) <= _SHORT and len(self._known) < _REMEMBERED:
            self._known[block] = found
        return found
