"""Traces of requests, from the socket to the model, as OpenTelemetry's own SDK makes and sends them.

It reads the environment as all its users do: where to send (`OTEL_EXPORTER_OTLP_ENDPOINT`), how the service is called
(`OTEL_SERVICE_NAME`), which requests are traced (`OTEL_TRACES_SAMPLER`). Nothing here is imported where it is off.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Mapping
from typing import Any

from argosy.errors import MissingExtraError
from argosy.serving.app import App
from argosy.serving.batch import Answer, Columns
from argosy.serving.derive import Lost
from argosy.serving.plan import Plan
from argosy.serving.prediction import Given
from argosy.serving.request import Call, Reply, Request
from argosy.serving.rpc.frame import Head
from argosy.serving.rpc.service import Service
from argosy.serving.rpc.status import Outcome, Status
from argosy.serving.score import Scorer
from argosy.serving.spread import Spread
from argosy.serving.wire import Application

try:
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, use_span
    from opentelemetry.trace import Status as Said
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    raise MissingExtraError("traces need OpenTelemetry's SDK", next="pip install 'argosy[otel]'") from None

_NAME = "argosy.serving"
_FAILED = 500
_CONTEXT = ("traceparent", "tracestate")
_PROPAGATOR = TraceContextTextMapPropagator()
_FAULTS = frozenset({Status.DEADLINE_EXCEEDED, Status.UNIMPLEMENTED, Status.INTERNAL, Status.UNAVAILABLE})
"""What OpenTelemetry calls an error of the server: others are the client's."""


class Traces:
    """Makes and sends the spans of one process; `close` sends what is left."""

    def __init__(self, version: str) -> None:
        named = os.environ.get("OTEL_SERVICE_NAME") or "argosy-inference"
        own = Resource.create({"service.version": version, "service.name": named})
        self._provider = TracerProvider(resource=own)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(_NAME, version)

    def scorer(self, *parts: Any) -> Scorer:
        """A scorer of these parts whose steps are spans of the request that they are for."""
        return _Scorer(self._tracer, *parts)

    def application(self, app: App) -> Application:
        """An application each of whose requests is a span: a child of the client's, where it names one."""
        return _Application(app, self._tracer)

    def service(self, app: App) -> Service:
        """The methods of gRPC over an application, each of whose messages is a span: a child of the client's, too."""
        return _Service(app, self._tracer)

    def close(self) -> None:
        """Send what is left; it blocks until that was tried."""
        self._provider.shutdown()


class _Scorer(Scorer):
    def __init__(self, tracer: Tracer, *parts: Any) -> None:
        super().__init__(*parts)
        self._tracer = tracer

    def answer(self, plan: Plan) -> Answer:
        with self._tracer.start_as_current_span("score") as span:
            span.set_attribute("argosy.fleet", plan.batch.endpoint.fleet)
            span.set_attribute("argosy.rows", plan.batch.count)
            found = super().answer(plan)
            span.set_attribute("argosy.request_id", found.id)
            span.set_attribute("argosy.versions", sorted(set(found.versions)))
            return found

    def _features(self, plan: Plan) -> tuple[Columns, Mapping[str, Lost], list[bool] | None]:
        with self._tracer.start_as_current_span("features"):
            return super()._features(plan)

    def _predict(self, plan: Plan, given: Given, spread: Spread | None) -> list[float]:
        with self._tracer.start_as_current_span("predict"):
            return super()._predict(plan, given, spread)

    def _record(self, plan: Plan, *answered: Any) -> None:
        with self._tracer.start_as_current_span("record"):
            super()._record(plan, *answered)


class _Application:
    def __init__(self, app: App, tracer: Tracer) -> None:
        self._app, self._tracer = app, tracer

    @property
    def body_limit(self) -> int:
        return self._app.body_limit

    def open(self, request: Request) -> Call:
        return self._app.open(request)

    def overflow(self, call: Call) -> None:
        self._app.overflow(call)

    def drain(self) -> None:
        self._app.drain()

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        span = self._span(call)
        with use_span(span):
            found = self._app.answer(call)
        if isinstance(found, Reply):
            return _ended(span, found)
        return self._later(span, found)

    async def _later(self, span: Span, found: Awaitable[Reply]) -> Reply:
        with use_span(span):
            reply = await found
        return _ended(span, reply)

    def _span(self, call: Call) -> Span:
        request = call.request
        began = time.time_ns() - int((time.perf_counter() - call.began) * 1e9)
        fleet = call.errand.fleet if call.errand is not None else ""
        attributes = {"http.request.method": request.method, "url.path": request.path[:200], "argosy.fleet": fleet}
        if request.caller:
            attributes["argosy.caller"] = request.caller
        return self._tracer.start_span(
            f"{request.method} {fleet}".strip(), _context(request.headers), SpanKind.SERVER, attributes,
            start_time=began,
        )  # fmt: skip


class _Service(Service):
    """Spans are named as OpenTelemetry's conventions for RPC have it."""

    def __init__(self, app: App, tracer: Tracer) -> None:
        super().__init__(app)
        self._tracer = tracer

    def refusal(self, head: Head) -> Outcome | None:
        found = super().refusal(head)
        return found if found is None else _closed(self._span(head), found)

    def answer(self, head: Head, message: bytes) -> Outcome | Awaitable[Outcome]:
        span = self._span(head)
        with use_span(span):
            found = super().answer(head, message)
        if isinstance(found, Outcome):
            return _closed(span, found)
        return self._later(span, found)

    async def _later(self, span: Span, found: Awaitable[Outcome]) -> Outcome:
        with use_span(span):
            outcome = await found
        return _closed(span, outcome)

    def _span(self, head: Head) -> Span:
        path = head.get(b":path", b"")[1:200].decode("latin-1")
        service, _, method = path.rpartition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
        return self._tracer.start_span(path, _context(head), SpanKind.SERVER, attributes)


def _context(head: Mapping[Any, bytes]) -> Context:
    """The client's span, where a request's headers or a call's metadata name one."""
    return _PROPAGATOR.extract(
        {name: value.decode("latin-1") for name in _CONTEXT if (value := head.get(name.encode()))}
    )


def _closed(span: Span, outcome: Outcome) -> Outcome:
    span.set_attribute("rpc.grpc.status_code", int(outcome.status))
    if outcome.status in _FAULTS:
        span.set_status(Said(StatusCode.ERROR))
    span.end()
    return outcome


def _ended(span: Span, reply: Reply) -> Reply:
    span.set_attribute("http.response.status_code", reply.status)
    if reply.status >= _FAILED:
        span.set_status(Said(StatusCode.ERROR))
    span.end()
    return reply
