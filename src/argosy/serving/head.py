"""Heads of HTTP requests: one as it comes, and those that came before."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import httptools
import msgspec

from argosy.serving.request import Headers, Request

HEAD_LIMIT = 64 * 1024
"""Bytes of a head, at most."""
BETWEEN = len(b": " + b"\r\n")
"""Those of a header that are neither of its name nor of its value."""
_END = b"\r\n\r\n"
_LONG, _REMEMBERED = 2 * 1024, 1_000
_OTHERS = (b"transfer-encoding", b"expect", b"upgrade")
"""Headers of requests that are more than a head and so many bytes of a body."""


class Draft:
    """The target and the headers of a request that is read, as far as they are there, and how many bytes they have.

    What comes once they have above `HEAD_LIMIT` is counted and not kept.
    """

    def __init__(self) -> None:
        self.url, self.headers = b"", Headers()
        self.size, self.whole = 0, False

    def begin(self) -> None:
        """Another request begins."""
        self.url, self.headers = b"", {}
        self.size, self.whole = 0, False

    def add_url(self, url: bytes) -> None:
        """Its target, or more of it."""
        self.size += len(url)
        if self.size <= HEAD_LIMIT:
            self.url += url

    def add_header(self, name: bytes, value: bytes) -> None:
        """One of its headers; one that comes twice is a list, and what follows a body is not heeded."""
        if self.whole:
            return
        self.size += len(name) + len(value) + BETWEEN
        if self.size <= HEAD_LIMIT:
            name = name.lower()
            known = self.headers.setdefault(name, value)
            if known is not value:
                self.headers[name] = b"%b, %b" % (known, value)

    def end(self, method: str) -> Request:
        """The request that it is, now that it is whole."""
        self.whole = True
        path, _, query = self.url.partition(b"?")
        return Request(method, _path(path), self.headers, query)


class Known(msgspec.Struct, frozen=True):
    """What a head says, of a request whose body has so many bytes. Nobody may change the headers."""

    path: str
    query: bytes
    headers: Headers
    length: int


class Heads:
    """Heads of POST requests that clients sent before: whoever asks again and again sends the same one.

    A head that was read means the same when its bytes come again: they need not be parsed, which costs several times as
    much as to find them here. Those are kept that say all of where a request ends, at `limit` bytes of a body at most,
    and leave the connection open.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: dict[bytes, Known] = {}

    def find(self, data: bytes) -> Request | None:
        """The request that these bytes are, all of them and no more, if its head is known."""
        end = data.find(_END) + len(_END)
        known = self._known.get(data[:end])
        if known is None or len(data) - end != known.length:
            return None
        return Request("POST", known.path, known.headers, known.query, data[end:])

    def keep(self, data: bytes, request: Request) -> None:
        """Remember the head that these bytes begin with, as that of a request that leaves its connection open."""
        head, size = data[: data.find(_END) + len(_END)], request.headers.get(b"content-length", b"")
        if len(head) > _LONG or head.count(b"\n") != head.count(b"\r\n") or not head.startswith(b"POST /"):
            return
        if not size.isdigit() or int(size) > self._limit or any(name in request.headers for name in _OTHERS):
            return
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[head] = Known(request.path, request.query, request.headers, int(size))


def _path(target: bytes) -> str:
    """The path that a request's target names, "" for a target that is none; "*" and a proxy's name one as well."""
    if target[:1] != b"/":
        try:
            target = (httptools.parse_url(target).path or b"/") if b"://" in target else b"/"
        except httptools.HttpParserInvalidURLError:
            return ""
    if b"%" in target:
        target = unquote_to_bytes(target)
    return target.decode("utf-8", "replace")
