"""A request and its answer, apart from the wire that brought it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from argosy.errors import ArgosyError
from argosy.serving.door.json import encode

JSON = b"application/json"
Headers = dict[bytes, bytes]


class Request(msgspec.Struct):
    """What a client asks; names of headers in lower case, `body` empty until it has been read.

    `caller` is the name of the token that it came with, once that was looked at; `read` what its body holds, where
    somebody had to read it before.
    """

    method: str
    path: str
    headers: Headers
    query: bytes = b""
    body: bytes = b""
    caller: str = ""
    read: Any = None


class Reply(msgspec.Struct, frozen=True):
    """What it is told: `kind` is the content type, `headers` what stands beside it and the length."""

    status: int
    body: bytes
    kind: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


Work = Callable[[Request], Reply | Awaitable[Reply]]
"""Answers a request whose body is there: at once, where that takes no more than the event loop can spare."""


class Errand(msgspec.Struct, frozen=True):
    """What a request is about: the fleet ("" where it names none), what answers it, and whether that reads a body.

    `kinds` are the content types of the bodies that it reads.
    """

    fleet: str
    work: Work
    reads: bool = False
    kinds: tuple[bytes, ...] = (JSON,)


class Call(msgspec.Struct):
    """A request under way: when it `began`, by a clock of durations, and what it is about, unless it is refused."""

    request: Request
    began: float
    errand: Errand | None = None
    refusal: Reply | None = None


class Refused(ArgosyError):
    """A request that HTTP itself refuses: `status` says how, and `headers` stand beside it in the reply."""

    def __init__(
        self, status: int, message: str, *, next: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:  # fmt: skip
        super().__init__(message, next=next)
        self.status, self.headers = status, headers


def told(value: object, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    """A reply of JSON."""
    return Reply(status, encode(value), headers=headers)
