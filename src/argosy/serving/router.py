"""Which part of the server answers which path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from argosy.errors import CapacityError, UnknownError
from argosy.serving import load
from argosy.serving.admission import Admission
from argosy.serving.batch import Answer, Batch
from argosy.serving.cache import ModelCache
from argosy.serving.door import infer, metadata, records
from argosy.serving.limits import Limits
from argosy.serving.measure import Measures
from argosy.serving.meter import Meter
from argosy.serving.readiness import Readiness
from argosy.serving.recorder import Recorder
from argosy.serving.request import Errand, Refused, Reply, Request, told
from argosy.serving.routing import Endpoint, Routing
from argosy.serving.score import Plan, Scorer

_TEXT = b"text/plain; version=0.0.4"
_INLINE_ROWS = 64
TIMEOUT, COST = b"argosy-timeout-ms", b"argosy-cost-ms"
"""Headers: the time that a request has, and what it cost, which a reply says where the request has the header, too."""
Render = Callable[[Answer], Reply]


class Router:
    """Finds the errand of a request; what it needs for that stands behind it."""

    def __init__(
        self, scorer: Scorer, cache: ModelCache, recorder: Recorder | None, measures: Measures, version: str,
        limits: Limits, admission: Admission, meter: Meter,
    ) -> None:  # fmt: skip
        self._scorer, self._cache, self._recorder = scorer, cache, recorder
        self._measures, self._version = measures, version
        self._limits, self._admission, self._meter = limits, admission, meter
        self._durable = recorder is not None and recorder.durable

    def find(self, request: Request, routing: Routing, readiness: Callable[[], Readiness]) -> Errand:
        """The errand of a method and a path, over the picture of now.

        Raises UnknownError for a path or a fleet that is not there, Refused where HTTP says why not.
        """
        parts = request.path.split("/")[1:]
        if request.method == "POST":
            return self._post(parts, routing)
        if request.method == "GET":
            return self._get(parts, routing, readiness)
        raise Refused(405, f"{request.method} is not answered here", next="use GET or POST")

    def answer(self, batch: Batch, render: Render, request: Request) -> Reply | Awaitable[Reply]:
        """Score a batch: at once if it is small and all its versions are warm, else on a thread, if one is to be had.

        What it cost is on the account of the caller.
        """
        began = time.perf_counter()
        plan = self._scorer.plan(batch)
        if batch.count > _INLINE_ROWS or batch.explain or not self._scorer.is_warm(plan) or self._durable:
            return self._later(plan, render, request)
        try:
            answer = self._scorer.answer(plan)
        finally:
            self._measures.failed(plan.failed)
        self._measures.counted(batch.endpoint.fleet, answer.routes)
        return self._charged(render(answer), plan, request, time.perf_counter() - began)

    async def _later(self, plan: Plan, render: Render, request: Request) -> Reply:
        def work() -> tuple[Answer, float]:
            began = time.thread_time()
            return self._scorer.answer(plan), time.thread_time() - began

        seconds = self._limits.seconds(request.headers.get(TIMEOUT))
        try:
            answer, took = await self._admission.run(work, seconds)
        finally:
            self._measures.failed(plan.failed)
        if self._recorder is not None and self._durable:
            await asyncio.to_thread(self._recorder.flush)
        self._measures.counted(plan.batch.endpoint.fleet, answer.routes)
        return self._charged(render(answer), plan, request, took)

    def _charged(self, reply: Reply, plan: Plan, request: Request, seconds: float) -> Reply:
        """The reply, which says what it cost where that is asked."""
        self._meter.charge(request.caller, plan.batch.endpoint.fleet, plan.batch.count, seconds)
        if COST not in request.headers:
            return reply
        return msgspec.structs.replace(reply, headers=(*reply.headers, (COST, b"%.3f" % (seconds * 1000))))

    def _post(self, parts: list[str], routing: Routing) -> Errand:
        match parts:
            case ["v2", "models", fleet, "infer"]:
                endpoint = routing.endpoint(fleet)
                return Errand(endpoint.fleet, lambda request: self._infer(endpoint, request), reads=True)
            case ["predict", fleet]:
                endpoint = routing.endpoint(fleet)
                return Errand(endpoint.fleet, lambda request: self._predict(endpoint, request), reads=True)
            case ["v2", "repository", "index"]:
                return Errand("", lambda request: told(metadata.repository_index(routing)))
            case ["v2", "repository", "models", fleet, "load"]:
                endpoint = routing.endpoint(fleet)
                return Errand(endpoint.fleet, lambda request: self._load(endpoint))
            case ["v2", "repository", "models", fleet, "unload"]:
                endpoint = routing.endpoint(fleet)
                raise Refused(
                    409,
                    f"fleet {endpoint.fleet!r} is served because it is declared",
                    next="withdraw its declaration; idle models leave memory by themselves",
                )
            case ["argosy", "flush"]:
                return Errand("", lambda request: self._flush())
        raise UnknownError(f"there is no POST /{'/'.join(parts)[:80]}", next="POST /v2/models/FLEET/infer")

    def _get(self, parts: list[str], routing: Routing, readiness: Callable[[], Readiness]) -> Errand:
        match parts:
            case ["v2"] | ["v2", ""]:
                return Errand("", lambda request: told(metadata.server_metadata(self._version)))
            case ["v2", "health", "live"]:
                return Errand("", lambda request: told({"live": True}))
            case ["v2", "health", "ready"]:
                found = readiness()
                return Errand("", lambda request: told(found.told(), 200 if found.ready else 503))
            case ["v2", "models", fleet]:
                endpoint = routing.endpoint(fleet)
                return Errand(endpoint.fleet, lambda request: told(metadata.model_metadata(endpoint)))
            case ["v2", "models", fleet, "ready"]:
                endpoint = routing.endpoint(fleet)
                able = metadata.is_ready(endpoint)
                said = {"name": endpoint.fleet, "ready": able}
                return Errand(endpoint.fleet, lambda request: told(said, 200 if able else 503))
            case ["metrics"]:
                return Errand("", lambda request: self._metrics(routing.version, readiness()))
        raise UnknownError(f"there is no GET /{'/'.join(parts)[:80]}", next="GET /v2 names what is served")

    def _infer(self, endpoint: Endpoint, request: Request) -> Reply | Awaitable[Reply]:
        batch, wanted = infer.parse(request.body, endpoint)
        return self.answer(batch, lambda answer: Reply(200, infer.response(endpoint, answer, wanted)), request)

    def _predict(self, endpoint: Endpoint, request: Request) -> Reply | Awaitable[Reply]:
        batch = records.parse(request.body, endpoint, request.query)
        return self.answer(batch, lambda answer: Reply(200, records.response(answer)), request)

    async def _load(self, endpoint: Endpoint) -> Reply:
        """Load every version that may answer for a fleet."""
        refs = endpoint.versions
        await asyncio.to_thread(lambda: [self._cache.get(ref) for ref in refs])
        return told({"name": endpoint.fleet, "versions": len(refs)})

    async def _flush(self) -> Reply:
        if self._recorder is None:
            raise CapacityError("this server records nothing", next="start it with a directory for predictions")
        if self._scorer.shadows is not None:
            await asyncio.to_thread(self._scorer.shadows.flush)
        return told({"rows": await asyncio.to_thread(self._recorder.flush)})

    def _metrics(self, version: int, readiness: Readiness) -> Reply:
        counters = self._measures.text(self._cache, self._recorder, version)
        counters += self._scorer.shadows.text() if self._scorer.shadows is not None else ""
        return Reply(200, (counters + load.text(self._admission, self._meter, readiness)).encode(), _TEXT)
