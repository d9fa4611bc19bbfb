"""The ASGI application of the inference server: no framework between the socket and the score."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Any

import msgspec

from argosy.errors import ArgosyError, InputError
from argosy.serving.cache import ModelCache
from argosy.serving.measure import Measures
from argosy.serving.recorder import Recorder
from argosy.serving.request import JSON, Errand, Headers, Refused, Reply, Request, told
from argosy.serving.router import Router
from argosy.serving.routing import Routing
from argosy.serving.score import Scorer

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_LOG = logging.getLogger("argosy.serving")
_OPEN = frozenset({"/v2/health/live", "/v2/health/ready"})


class Settings(msgspec.Struct, frozen=True):
    """How the application guards itself.

    `hosts` are the names (without port) that a request's Host may carry: others are refused, so that
    a page in a browser cannot reach the server under a name of its own (DNS rebinding).
    """

    token: str
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    body_limit: int = 32 * 1024 * 1024
    poll_seconds: float = 0.5
    version: str = "0"

    def __post_init__(self) -> None:
        if len(self.token) < 16:
            raise InputError("the token is shorter than 16 characters", next="use secrets.token_urlsafe(32)")


class App:
    """Answers requests from the latest routing picture; `source` gives a newer one, or None.

    A picture is swapped between two steps of the event loop: a request keeps the one it began with.
    """

    def __init__(
        self,
        settings: Settings,
        source: Callable[[], Routing | None],
        scorer: Scorer,
        cache: ModelCache,
        recorder: Recorder | None = None,
    ) -> None:
        self.routing = Routing(-1, {})
        self.measures = Measures()
        self._settings, self._source = settings, source
        self._cache, self._recorder = cache, recorder
        self._router = Router(scorer, cache, recorder, self.measures, settings.version)
        self._bearer = b"Bearer " + settings.token.encode()
        self._poller: asyncio.Task[None] | None = None
        self._draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def refresh(self) -> None:
        """Take the newest picture of the source, if there is one; models that no route names are dropped."""
        newer = await asyncio.to_thread(self._source)
        if newer is None or newer.version <= self.routing.version:
            return
        self.routing = newer
        self._cache.drop({ref.id for each in newer.endpoints.values() for ref in each.versions})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self._refresh_safely()
                self._poller = asyncio.create_task(self._poll())
                await send({"type": "lifespan.startup.complete"})
            else:
                self._draining = True
                if self._poller is not None:
                    self._poller.cancel()
                if self._recorder is not None:
                    await asyncio.to_thread(self._recorder.close)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._settings.poll_seconds)
            await self._refresh_safely()

    async def _refresh_safely(self) -> None:
        """Keep the last picture while the store cannot be read: answering goes on."""
        try:
            await self.refresh()
        except Exception as error:  # whatever the store raises must not end the poller
            _LOG.error("the routing picture is not refreshed: %s", error)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, errand = time.perf_counter(), None
        request = Request(scope["method"], scope["path"], dict(scope["headers"]), scope["query_string"])
        try:
            errand = self.begin(request)
            if errand.reads:
                request.body = await self._body(request.headers, receive)
            found = errand.work(request)
            reply = found if isinstance(found, Reply) else await found
        except Exception as error:
            reply = excused(error)
        self.measures.answered(errand.fleet if errand else "", reply.status, time.perf_counter() - began)
        headers = [(b"content-type", reply.kind), (b"content-length", b"%d" % len(reply.body)), *reply.headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    def begin(self, request: Request) -> Errand:
        """What a request is about, once it may ask; its body need not have been read. Raises ArgosyError.

        Whatever is not open needs the token.
        """
        self._check_host(request.headers.get(b"host", b""))
        if request.path not in _OPEN and not compare_digest(request.headers.get(b"authorization", b""), self._bearer):
            raise Refused(401, "this needs the server's token", next="send the header Authorization: Bearer TOKEN")
        return self._router.find(request, self.routing, ready=self.routing.version >= 0 and not self._draining)

    def _check_host(self, host: bytes) -> None:
        name = host.decode("latin-1").lower()
        if name.rpartition(":")[0] in self._settings.hosts or name in self._settings.hosts:
            return
        raise Refused(421, f"the Host {name[:80]!r} is not served here", next=f"use {self._settings.hosts[0]}")

    async def _body(self, given: Headers, receive: Receive) -> bytes:
        """The whole body; refused by its stated length before it is read, and by its real one while it is."""
        limit = self._settings.body_limit
        length, kind = given.get(b"content-length", b"0"), given.get(b"content-type", JSON)
        if not length.isdigit() or int(length) > limit:
            raise _too_large(limit)
        if not kind.lower().startswith(JSON):
            raise Refused(415, f"the body is {kind[:60].decode('latin-1')!r}", next="send application/json")
        if given.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Refused(415, "the body is compressed", next="send it as it is")
        if b"inference-header-content-length" in given:
            raise Refused(415, "the body holds binary tensors", next="send JSON (binary_data=False)")
        message = await receive()
        body: bytes = message.get("body", b"")
        if not message.get("more_body") and len(body) <= limit:
            return body
        parts, size = [body], len(body)
        while message.get("more_body"):
            if size > limit:
                raise _too_large(limit)
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the client left before its request was whole")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        return b"".join(parts)


def excused(error: Exception) -> Reply:
    """What a client is told where its request has failed."""
    if isinstance(error, Refused) and error.status == 401:
        return msgspec.structs.replace(told({"error": str(error)}, 401), headers=((b"www-authenticate", b"Bearer"),))
    if isinstance(error, ArgosyError):
        return told({"error": str(error)}, error.status)
    _LOG.error("a request failed", exc_info=error)  # a defect of ours must not take the server down
    return told({"error": "the server failed on this request; its log says why"}, 500)


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the body is above the limit of {limit:,} bytes", next="send fewer rows in each request")
