"""The ASGI application of the inference server: no framework between the socket and the score."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Any

import msgspec

from argosy.errors import ArgosyError, CapacityError, InputError, UnknownError
from argosy.serving import protocol
from argosy.serving.cache import ModelCache
from argosy.serving.measure import Measures
from argosy.serving.protocol import Answer, Batch, encode_json
from argosy.serving.recorder import Recorder
from argosy.serving.routing import Endpoint, Routing
from argosy.serving.score import Scorer

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]
Response = tuple[int, bytes, bytes]
Work = Callable[[Headers, Receive], Awaitable[Response]]

_LOG = logging.getLogger("argosy.serving")
_JSON, _TEXT = b"application/json", b"text/plain; version=0.0.4"
_OPEN = frozenset({"/v2/health/live", "/v2/health/ready"})
_INLINE_ROWS = 64


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


class Refused(ArgosyError):
    """A request that HTTP itself refuses: `status` says how."""

    def __init__(self, status: int, message: str, *, next: str = "") -> None:
        super().__init__(message, next=next)
        self.status = status


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
        self._scorer, self._cache, self._recorder = scorer, cache, recorder
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
        routes = [r for e in newer.endpoints.values() for r in (e.pooled, *e.routes.values())]
        self._cache.drop({ref.id for r in routes for ref in (r.champion, r.canary) if ref is not None})

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
        began = time.perf_counter()
        fleet = ""
        try:
            given: Headers = dict(scope["headers"])
            fleet, work = self._route(scope, given)
            status, kind, body = await work(given, receive)
        except ArgosyError as error:
            status, kind, body = error.status, _JSON, encode_json({"error": str(error)})
        except Exception:  # the last line: a defect of ours must not take the server down
            _LOG.exception("a request failed")
            status, kind, body = (
                500,
                _JSON,
                encode_json({"error": "the server failed on this request; its log says why"}),
            )
        self.measures.answered(fleet, status, time.perf_counter() - began)
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _route(self, scope: Scope, given: Headers) -> tuple[str, Work]:
        """The fleet named by the path ("" if none is) and what answers it. Whatever is not open needs the token."""
        path: str = scope["path"]
        self._check_host(given.get(b"host", b""))
        if path not in _OPEN and not compare_digest(given.get(b"authorization", b""), self._bearer):
            raise Refused(401, "this needs the server's token", next="send the header Authorization: Bearer TOKEN")
        method, parts = scope["method"], path.split("/")[1:]
        if method == "POST":
            return self._post(parts)
        if method == "GET":
            return self._get(parts)
        raise Refused(405, f"{method} is not answered here", next="use GET or POST")

    def _check_host(self, host: bytes) -> None:
        name = host.decode("latin-1").lower()
        if name.rpartition(":")[0] in self._settings.hosts or name in self._settings.hosts:
            return
        raise Refused(421, f"the Host {name[:80]!r} is not served here", next=f"use {self._settings.hosts[0]}")

    def _post(self, parts: list[str]) -> tuple[str, Work]:
        match parts:
            case ["v2", "models", fleet, "infer"]:
                endpoint = self.routing.endpoint(fleet)
                return endpoint.fleet, lambda given, receive: self._infer(endpoint, given, receive)
            case ["predict", fleet]:
                endpoint = self.routing.endpoint(fleet)
                return endpoint.fleet, lambda given, receive: self._predict(endpoint, given, receive)
            case ["v2", "repository", "index"]:
                return "", _constant(lambda: protocol.repository_index(self.routing))
            case ["v2", "repository", "models", fleet, "load"]:
                endpoint = self.routing.endpoint(fleet)
                return endpoint.fleet, lambda given, receive: self._load(endpoint)
            case ["v2", "repository", "models", fleet, "unload"]:
                endpoint = self.routing.endpoint(fleet)
                raise Refused(
                    409,
                    f"fleet {endpoint.fleet!r} is served because it is declared",
                    next="withdraw its declaration; idle models leave memory by themselves",
                )
            case ["argosy", "flush"]:
                return "", lambda given, receive: self._flush()
        raise UnknownError(f"there is no POST /{'/'.join(parts)[:80]}", next="POST /v2/models/FLEET/infer")

    def _get(self, parts: list[str]) -> tuple[str, Work]:
        match parts:
            case ["v2"] | ["v2", ""]:
                return "", _constant(lambda: protocol.server_metadata(self._settings.version))
            case ["v2", "health", "live"]:
                return "", _constant(lambda: {"live": True})
            case ["v2", "health", "ready"]:
                return "", self._ready
            case ["v2", "models", fleet]:
                endpoint = self.routing.endpoint(fleet)
                return endpoint.fleet, _constant(lambda: protocol.model_metadata(endpoint))
            case ["v2", "models", fleet, "ready"]:
                endpoint = self.routing.endpoint(fleet)
                ready = protocol.is_ready(endpoint)
                return endpoint.fleet, _constant(
                    lambda: {"name": endpoint.fleet, "ready": ready}, 200 if ready else 503
                )
            case ["metrics"]:
                return "", self._metrics
        raise UnknownError(f"there is no GET /{'/'.join(parts)[:80]}", next="GET /v2 names what is served")

    async def _ready(self, given: Headers, receive: Receive) -> Response:
        ready = self.routing.version >= 0 and not self._draining
        return 200 if ready else 503, _JSON, encode_json({"ready": ready})

    async def _metrics(self, given: Headers, receive: Receive) -> Response:
        return 200, _TEXT, self.measures.text(self._cache, self._recorder, self.routing.version).encode()

    async def _infer(self, endpoint: Endpoint, given: Headers, receive: Receive) -> Response:
        body = await self._body(given, receive)
        batch, wanted = protocol.parse_infer(body, endpoint)
        return 200, _JSON, protocol.infer_response(endpoint, await self._answer(batch), wanted)

    async def _predict(self, endpoint: Endpoint, given: Headers, receive: Receive) -> Response:
        body = await self._body(given, receive)
        return 200, _JSON, protocol.records_response(await self._answer(protocol.parse_records(body, endpoint)))

    async def _load(self, endpoint: Endpoint) -> Response:
        """Load every version that may answer for a fleet."""
        routes = [endpoint.pooled, *endpoint.routes.values()]
        refs = [ref for route in routes for ref in (route.champion, route.canary) if ref is not None]
        await asyncio.to_thread(lambda: [self._cache.get(ref) for ref in refs])
        return 200, _JSON, encode_json({"name": endpoint.fleet, "versions": len(refs)})

    async def _flush(self) -> Response:
        if self._recorder is None:
            raise CapacityError("this server records nothing", next="start it with a directory for predictions")
        return 200, _JSON, encode_json({"rows": await asyncio.to_thread(self._recorder.flush)})

    async def _answer(self, batch: Batch) -> Answer:
        plan = self._scorer.plan(batch)
        try:
            if not self._scorer.is_warm(plan):
                await asyncio.to_thread(self._scorer.warm, plan)
            small = batch.count <= _INLINE_ROWS
            answer = self._scorer.answer(plan) if small else await asyncio.to_thread(self._scorer.answer, plan)
        finally:
            for ref in plan.failed:
                self.measures.failures[ref.address] += 1
        if self._recorder is not None and self._recorder.durable:
            await asyncio.to_thread(self._recorder.flush)
        rows, fleet = self.measures.rows, batch.endpoint.fleet
        for reason in answer.routes:
            rows[fleet, reason] += 1
        return answer

    async def _body(self, given: Headers, receive: Receive) -> bytes:
        """The whole body; refused by its stated length before it is read, and by its real one while it is."""
        limit = self._settings.body_limit
        length, kind = given.get(b"content-length", b"0"), given.get(b"content-type", _JSON)
        if not length.isdigit() or int(length) > limit:
            raise _too_large(limit)
        if not kind.lower().startswith(_JSON):
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


def _constant(make: Callable[[], object], status: int = 200) -> Work:
    async def answer(given: Headers, receive: Receive) -> Response:
        return status, _JSON, encode_json(make())

    return answer


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the body is above the limit of {limit:,} bytes", next="send fewer rows in each request")
