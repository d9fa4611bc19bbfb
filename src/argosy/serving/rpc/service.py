"""The methods of the Open Inference Protocol's gRPC service: each is a request of HTTP in other words.

So a call meets the same guard, limits and counters as a request, and its rows the same check.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from google.protobuf.json_format import ParseDict

from argosy.errors import InputError, UnknownError
from argosy.serving.app import App, excused
from argosy.serving.request import Call, Reply, Request
from argosy.serving.router import TIMEOUT
from argosy.serving.rpc.frame import Head
from argosy.serving.rpc.infer import KIND, LAYOUTS, InferRequest, decoded
from argosy.serving.rpc.layout import Read
from argosy.serving.rpc.message import SERVICE, message
from argosy.serving.rpc.status import Outcome, Status, of_http

_STREAM = f"/{SERVICE}/ModelStreamInfer".encode()
_ALL_STATISTICS = "/v2/models/stats"
_SERVING, _NOT_SERVING = 1, 2
_OPEN_LIMIT = 1024
_Streamed = message("ModelStreamInferResponse")
_UNITS = {b"H": 3_600_000, b"M": 60_000, b"S": 1_000, b"m": 1, b"u": 1e-3, b"n": 1e-6}
_UNSAID = (b"accept-encoding", b"content-encoding")


class Asked(msgspec.Struct, frozen=True):
    """The request that a call is; its body is the message unless it has one of its own."""

    method: str
    path: str
    body: bytes | None = None


class Method(msgspec.Struct, frozen=True):
    """How a call is asked as a request of HTTP, and how what that tells is told; `open` to whoever asks."""

    kind: Any
    ask: Callable[[Any], Asked]
    tell: Callable[[Any], Any]
    open: bool = False


class Service:
    """Answers the calls of a wire by an application. For its event loop alone."""

    def __init__(self, app: App) -> None:
        self._app = app

    def limit(self, head: Head) -> int:
        """Bytes of a message of a call, at most: few where nobody knows who asks."""
        return _OPEN_LIMIT if _METHODS[head[b":path"]].open else self._app.body_limit

    def many(self, head: Head) -> bool:
        """Whether a call is a stream of messages on both sides."""
        return head.get(b":path") == _STREAM

    def refusal(self, head: Head) -> Outcome | None:
        """Why a call is refused by its head alone: there is no such method, or it comes without a token."""
        path = head.get(b":path", b"")
        method = _METHODS.get(path)
        if method is None:
            text = f"there is no method {path[:80].decode('latin-1')}\n  next: call one of {SERVICE}"
            return Outcome(status=Status.UNIMPLEMENTED, text=text)
        if method.open:
            return None
        try:
            self._app.admit(head.get(b"authorization", b""), "GET")
        except Exception as error:
            return _failed(excused(error))
        return None

    def knows(self, head: Head) -> bool:
        """Whether a call that is not refused is that of somebody who is known: it asks for what needs a token."""
        return not _METHODS[head[b":path"]].open

    def answer(self, head: Head, message: bytes) -> Outcome | Awaitable[Outcome]:
        """What comes of one message; on a stream a failure is a message, too."""
        path = head[b":path"]
        method = _METHODS[path]
        began = time.perf_counter()
        try:
            read = LAYOUTS.find(message) if method.kind is InferRequest else None
            if read is None:
                read = decoded(method.kind, message)
            asked = Asked("POST", read.path) if isinstance(read, Read) else method.ask(read)
            call = self._begun(head, asked, message, began)
            call.request.read = read
        except Exception as error:
            return _wrapped(path, _failed(excused(error)))
        found = self._app.answer(call)
        if isinstance(found, Reply):
            return _wrapped(path, _told(method, found))
        return _later(path, method, found)

    def _begun(self, head: Head, asked: Asked, message: bytes, began: float) -> Call:
        headers = {**head, b"host": head.get(b":authority", b""), b"content-type": KIND}
        for name in _UNSAID:
            headers.pop(name, None)
        if b"grpc-timeout" in head:
            headers[TIMEOUT] = _milliseconds(head[b"grpc-timeout"])
        request = Request(asked.method, asked.path, headers, body=message if asked.body is None else asked.body)
        call = Call(request, began)
        try:
            call.errand = self._app.begin(request)
        except Exception as error:
            call.refusal = excused(error)
        return call


async def _later(path: bytes, method: Method, found: Awaitable[Reply]) -> Outcome:
    return _wrapped(path, _told(method, await found))


def _told(method: Method, reply: Reply) -> Outcome:
    if reply.kind == KIND:
        return Outcome(reply.body, fields=reply.headers)
    said = msgspec.json.decode(reply.body)
    if reply.status >= 400 and "ready" not in said:
        return _failed(reply)
    try:
        return Outcome(method.tell(said).SerializeToString(), fields=reply.headers)
    except Exception as error:  # a defect of ours must not leave a call without an end
        return _failed(excused(error))


def _failed(reply: Reply) -> Outcome:
    error = msgspec.json.decode(reply.body)["error"]
    return Outcome(status=of_http(reply.status), text=error, fields=reply.headers)


def _wrapped(path: bytes, outcome: Outcome) -> Outcome:
    """As it is, or as a message of a stream."""
    if path != _STREAM:
        return outcome
    if outcome.message is None:
        return Outcome(_Streamed(error_message=outcome.text).SerializeToString())
    streamed = _Streamed()
    streamed.infer_response.MergeFromString(outcome.message)
    return Outcome(streamed.SerializeToString())


def _milliseconds(timeout: bytes) -> bytes:
    """The time that a call has, as a request says it; at least one millisecond."""
    number, unit = timeout[:-1], _UNITS.get(timeout[-1:])
    if unit is None or not number.isdigit() or len(number) > 8:
        raise InputError(
            f"grpc-timeout is {timeout[:20].decode('latin-1')!r}",
            next="give up to 8 digits and one of H, M, S, m, u, n",
        )
    return b"%d" % max(1, int(number) * unit)


def _model(name: str, version: str, rest: str = "") -> str:
    for each in (name, version):
        if "/" in each:
            raise UnknownError(f"there is no fleet or version {each[:80]!r}", next="call RepositoryIndex")
    return f"/v2/models/{name}" + (f"/versions/{version}" if version else "") + rest


def _get(path: str) -> Callable[[Any], Asked]:
    return lambda asked: Asked("GET", path)


def _infer(asked: Any) -> Asked:
    return Asked("POST", _model(asked.model_name, asked.model_version, "/infer"))


def _loading(asked: Any, what: str) -> Asked:
    name = asked.model_name or asked.repository_name
    if "/" in name:
        raise UnknownError(f"there is no fleet {name[:80]!r}", next="call RepositoryIndex")
    given = {"parameters": dict.fromkeys(asked.parameters)}
    return Asked("POST", f"/v2/repository/models/{name}/{what}", msgspec.json.encode(given))


def _index(asked: Any) -> Asked:
    return Asked("POST", "/v2/repository/index", msgspec.json.encode({"ready": asked.ready}))


def _healthy(asked: Any) -> Asked:
    if asked.service not in ("", SERVICE):
        raise UnknownError(f"there is no service {asked.service[:80]!r} here", next=f"ask for {SERVICE}")
    return Asked("GET", "/v2/health/ready")


def _as(name: str) -> Callable[[Any], Any]:
    """Tells what was said as a message, which leaves out what it has no field for."""
    return lambda said: ParseDict(said, message(name)(), ignore_unknown_fields=True)


_METHODS = {
    f"/{path if '/' in path else f'{SERVICE}/{path}'}".encode(): method
    for path, method in {
        "ModelInfer": Method(InferRequest, _infer, _as("ModelInferResponse")),
        "ModelStreamInfer": Method(InferRequest, _infer, _as("ModelInferResponse")),
        "ServerLive": Method(
            message("ServerLiveRequest"), _get("/v2/health/live"), _as("ServerLiveResponse"), open=True
        ),
        "ServerReady": Method(
            message("ServerReadyRequest"), _get("/v2/health/ready"), _as("ServerReadyResponse"), open=True
        ),
        "grpc.health.v1.Health/Check": Method(
            message("HealthCheckRequest"),
            _healthy,
            lambda said: message("HealthCheckResponse")(status=_SERVING if said["ready"] else _NOT_SERVING),
            open=True,
        ),
        "ServerMetadata": Method(message("ServerMetadataRequest"), _get("/v2"), _as("ServerMetadataResponse")),
        "ModelReady": Method(
            message("ModelReadyRequest"),
            lambda asked: Asked("GET", _model(asked.name, asked.version, "/ready")),
            _as("ModelReadyResponse"),
        ),
        "ModelMetadata": Method(
            message("ModelMetadataRequest"),
            lambda asked: Asked("GET", _model(asked.name, asked.version)),
            _as("ModelMetadataResponse"),
        ),
        "ModelConfig": Method(
            message("ModelConfigRequest"),
            lambda asked: Asked("GET", _model(asked.name, asked.version, "/config")),
            lambda said: ParseDict({"config": said}, message("ModelConfigResponse")(), ignore_unknown_fields=True),
        ),
        "ModelStatistics": Method(
            message("ModelStatisticsRequest"),
            lambda asked: Asked("GET", _model(asked.name, asked.version, "/stats") if asked.name else _ALL_STATISTICS),
            _as("ModelStatisticsResponse"),
        ),
        "RepositoryIndex": Method(
            message("RepositoryIndexRequest"),
            _index,
            lambda said: message("RepositoryIndexResponse")(models=said),
        ),
        "RepositoryModelLoad": Method(
            message("RepositoryModelLoadRequest"),
            lambda asked: _loading(asked, "load"),
            lambda said: message("RepositoryModelLoadResponse")(model_name=said["name"], isLoaded=True),
        ),
        "RepositoryModelUnload": Method(
            message("RepositoryModelUnloadRequest"),
            lambda asked: _loading(asked, "unload"),
            _as("RepositoryModelUnloadResponse"),
        ),
    }.items()
}
