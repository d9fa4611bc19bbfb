"""How a call ends: gRPC's codes, and those of HTTP that say the same."""

from __future__ import annotations

from enum import IntEnum

import msgspec

_LIMIT = 4_000


class Status(IntEnum):
    """A code of gRPC."""

    OK = 0
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


_OF_HTTP = {
    401: Status.UNAUTHENTICATED,
    403: Status.PERMISSION_DENIED,
    404: Status.NOT_FOUND,
    409: Status.FAILED_PRECONDITION,
    413: Status.RESOURCE_EXHAUSTED,
    429: Status.RESOURCE_EXHAUSTED,
    503: Status.UNAVAILABLE,
    504: Status.DEADLINE_EXCEEDED,
    507: Status.RESOURCE_EXHAUSTED,
}


def of_http(status: int) -> Status:
    """The code that says what a status of HTTP does."""
    if status < 400:
        return Status.OK
    return _OF_HTTP.get(status, Status.INVALID_ARGUMENT if status < 500 else Status.INTERNAL)


class Outcome(msgspec.Struct, frozen=True):
    """What came of one message: another one, or why there is none. `fields` stand beside the latter."""

    message: bytes | None = None
    status: Status = Status.OK
    text: str = ""
    fields: tuple[tuple[bytes, bytes], ...] = ()


def percent_encoded(text: str) -> bytes:
    """A status's text as gRPC writes it in a field of a head, shortened to what every client takes."""
    data = text.encode("utf-8", "replace")
    return b"".join([b"%c" % each if 32 <= each < 127 and each != 37 else b"%%%02X" % each for each in data])[:_LIMIT]
