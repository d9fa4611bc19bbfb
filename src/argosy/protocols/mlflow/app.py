"""The ASGI application of MLflow's protocol: endpoints by method and path, reads in threads, writes in batches."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import msgspec

from argosy.errors import ArgosyError
from argosy.protocols.mlflow import (
    artifacts,
    assessments,
    body,
    elders,
    experiments,
    info,
    inputs,
    logged,
    members,
    metrics,
    otlp,
    runs,
    traces,
    uploads,
)
from argosy.protocols.mlflow.endpoint import Endpoint
from argosy.protocols.mlflow.fault import INTERNAL, LIMITED, NO_ENDPOINT, Fault, told
from argosy.protocols.mlflow.lookout import Lookout
from argosy.store.batch import Batch
from argosy.store.store import Store
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.experiments import ensure_default

_LOG = logging.getLogger("argosy.protocols")
ENDPOINTS: list[Endpoint] = [
    *experiments.ENDPOINTS, *runs.ENDPOINTS, *metrics.ENDPOINTS, *inputs.ENDPOINTS, *artifacts.ENDPOINTS,
    *logged.ENDPOINTS, *members.ENDPOINTS, *info.ENDPOINTS,
    *traces.ENDPOINTS, *assessments.ENDPOINTS, *elders.ENDPOINTS,
]  # fmt: skip
"""Every endpoint that is answered with JSON; files have paths of their own."""
ROOTS = ("/api/2.0/mlflow/", "/api/3.0/mlflow/", "/api/2.0/mlflow-artifacts/", "/v1/traces")
OPEN: dict[str, bytes] = {"/health": b"OK", "/version": info.VERSION.encode()}
"""Paths that need no token, as MLflow's clients expect; they hold nothing of anybody."""
_TYPE = (b"content-type", b"application/json")
_READERS = 6
"""Threads that read; of their own, so that long searches keep nobody's token, file or page waiting."""
Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Any]
Receive = Callable[[], Any]


class Mlflow:
    """MLflow's protocol over a store. `batch` writes for it; times of what is written are from `now`.

    `clock` counts the seconds between looks at what Argosy does itself.
    """

    def __init__(
        self, store: Store, batch: Batch, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._batch, self._now = store, batch, now
        self._files = artifacts.Files(store, batch, now)
        self._parts = uploads.Parts(store, batch, now)
        self._spans = otlp.Spans(batch, now)
        self._lookout = Lookout(store, batch, now, clock)
        self._exact = {(each.method, each.path): each for each in ENDPOINTS if each.pattern is None}
        self._readers = ThreadPoolExecutor(_READERS, "argosy-reader")
        self._matched = [each for each in ENDPOINTS if each.pattern is not None]
        batch.submit(ensure_default).result()

    def takes(self, path: str) -> bool:
        """Whether a path is of this protocol."""
        return path in OPEN or path.startswith(ROOTS)

    def is_open(self, path: str) -> bool:
        """Whether a path needs no token."""
        return path in OPEN

    def limit(self, scope: Scope) -> int | None:
        """The bytes that a request's body may have; None for a file, which is streamed."""
        put = self._files.takes(scope["path"]) and scope["method"] == "PUT"
        if put or self._parts.is_part(scope):
            return None
        return body.SMALL if self.reads(scope) else body.LIMIT

    def reads(self, scope: Scope) -> bool:
        """Whether a request changes nothing."""
        if scope["method"] in ("GET", "HEAD"):
            return True
        found, _ = self._find(scope["method"], scope["path"])
        return found is not None and not found.writes

    def refusal(self, status: int, message: str, next: str) -> bytes:
        """The body of a refusal that comes from before this application."""
        if status == 401:
            next = "set MLFLOW_TRACKING_TOKEN to the token of this server"
        codes = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: NO_ENDPOINT, 429: LIMITED}
        return msgspec.json.encode({"error_code": codes.get(status, "BAD_REQUEST"), "message": f"{message} ({next})"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry; who asks is `scope["auth"]`."""
        path, method = scope["path"], scope["method"]
        if path in OPEN:
            await _answer(send, 200, OPEN[path], (b"content-type", b"text/plain"))
            return
        try:
            if self._files.takes(path):
                await self._files(scope, receive, send)
                return
            if self._parts.takes(path):
                await self._parts(scope, receive, send)
                return
            if self._spans.takes(path):
                await self._spans(scope, receive, send)
                return
            endpoint, segments = self._find(method, path)
            if endpoint is None:
                raise Fault(NO_ENDPOINT, f"No endpoint {method} {path[:200]}: this server does not answer it")
            given = await body.whole(receive, body.LIMIT if endpoint.writes else body.SMALL)
            status, answer = 200, await self._act(endpoint, segments, given, scope)
        except Exception as error:
            fault = _fault(error, method, path)
            status, answer = fault.status, fault.body()
        await _answer(send, status, answer, _TYPE)

    def _find(self, method: str, path: str) -> tuple[Endpoint | None, Mapping[str, str]]:
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, {}
        for each in self._matched:
            if each.method == method and each.pattern is not None and (found := each.pattern.fullmatch(path)):
                return each, found.groupdict()
        return None, {}

    async def _act(self, endpoint: Endpoint, segments: Mapping[str, str], body: bytes, scope: Scope) -> bytes:
        request = endpoint.read(body, scope.get("query_string", b""), segments)
        if endpoint.writes:
            hand = Hand(scope["auth"].name, self._now())
            found = await asyncio.wrap_future(self._batch.submit(lambda tx: endpoint.act(tx, hand, request)))
            return b"{}" if found is None else msgspec.json.encode(found)
        await self._lookout.look()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, endpoint, request)

    def _read(self, endpoint: Endpoint, request: Any) -> bytes:
        with self._store.read() as conn:
            return msgspec.json.encode(endpoint.act(conn, request))


async def _answer(send: Send, status: int, body: bytes, kind: tuple[bytes, bytes]) -> None:
    headers = [kind, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _fault(error: Exception, method: str, path: str) -> Fault:
    if isinstance(error, Fault):
        return error
    if isinstance(error, ArgosyError):
        return told(error)
    _LOG.error("%s %s failed", method, path, exc_info=error)
    return Fault(INTERNAL, "the server met something unforeseen; its log says what")
