"""Which part of the server answers which path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import msgspec

from argosy.errors import CapacityError, UnknownError
from argosy.serving import load
from argosy.serving.admission import Admission
from argosy.serving.batch import Answer, Batch
from argosy.serving.cache import ModelCache
from argosy.serving.compression import packed, unpacked
from argosy.serving.door import binary, invocations, metadata, openapi, predict, repository
from argosy.serving.door.statistics import statistics
from argosy.serving.limits import Limits
from argosy.serving.measure import Measures
from argosy.serving.meter import Meter
from argosy.serving.plan import Plan
from argosy.serving.readiness import Readiness
from argosy.serving.recorder import Recorder
from argosy.serving.request import Errand, Refused, Reply, Request, told
from argosy.serving.routing import Endpoint, Routing, VersionRef
from argosy.serving.score import Scorer
from argosy.serving.version import numbered

_TEXT = b"text/plain; version=0.0.4"
_PLAIN = b"text/plain; charset=utf-8"
_INLINE_ROWS, INLINE_BYTES = 64, 128 * 1024
TIMEOUT, COST = b"argosy-timeout-ms", b"argosy-cost-ms"
"""Headers: the time that a request has, and what it cost, which a reply says where the request has the header, too."""
Render = Callable[[Answer], Reply]
Ask = Callable[[Request, Endpoint], tuple[Batch, Render]]
"""Reads the rows of a request, and how their answer is told; raises ArgosyError."""


class Router:
    """Finds the errand of a request; what it needs for that stands behind it.

    Versions that answer from another process have threads of their own, `apart`: one that hangs takes none of others.
    """

    def __init__(
        self, scorer: Scorer, cache: ModelCache, recorder: Recorder | None, measures: Measures, version: str,
        limits: Limits, admission: Admission, apart: Admission, meter: Meter, body_limit: int,
    ) -> None:  # fmt: skip
        self._scorer, self._cache, self._recorder = scorer, cache, recorder
        self._measures, self._version = measures, version
        self._limits, self._admission, self._apart, self._meter = limits, admission, apart, meter
        self._body_limit = body_limit
        self._routing, self._errands = Routing(-1, {}), dict[str, Errand]()
        self._durable = recorder is not None and recorder.durable

    def find(self, request: Request, routing: Routing, readiness: Callable[[], Readiness]) -> Errand:
        """The errand of a method and a path, over the picture of now.

        Raises UnknownError for a path or a fleet that is not there, Refused where HTTP says why not.
        """
        if request.method == "POST":
            if routing is not self._routing:
                self._routing, self._errands = routing, {}
            found = self._errands.get(request.path)
            if found is None:
                found = self._errands[request.path] = self._post(request.path.split("/")[1:], routing)
            return found
        parts = request.path.split("/")[1:]
        if request.method == "GET":
            return self._get(parts, routing, readiness)
        raise Refused(405, f"{request.method} is not answered here", next="use GET or POST")

    def answer(self, batch: Batch, render: Render, request: Request) -> Reply | Awaitable[Reply]:
        """Score a batch: at once if it is small and its versions are warm, else on a thread, if one is to be had."""
        began = time.perf_counter()
        plan = self._scorer.plan(batch)
        if not self._scorer.is_warm(plan) or batch.count > _INLINE_ROWS or batch.explain or self._durable:
            admission = self._apart if plan.apart else self._admission
            return self._later(lambda: (plan, render), batch.endpoint.fleet, request, admission)
        try:
            answer = self._scorer.answer(plan)
        finally:
            seconds = time.perf_counter() - began
            self._settle(request.caller, batch.endpoint.fleet, plan, seconds)
        self._measures.counted(batch.endpoint.fleet, answer.routes)
        return _priced(render(answer), request, seconds)

    async def _later(
        self, planned: Callable[[], tuple[Plan, Render]], fleet: str, request: Request, admission: Admission
    ) -> Reply:
        """Plan, score and render on a thread, in one piece: what was read is not refused for the rest.

        What it cost is counted whether the caller still waits or not.
        """
        loop, settle = asyncio.get_running_loop(), partial(self._settle, request.caller, fleet)

        def work() -> tuple[Answer, Reply, float]:
            began, plan = time.thread_time(), None
            try:
                plan, render = planned()
                answer = self._scorer.answer(plan)
                reply = packed(render(answer), request.headers.get(b"accept-encoding", b""))
            finally:
                seconds = time.thread_time() - began
                with suppress(RuntimeError):  # the loop has ended, and its counters with it
                    loop.call_soon_threadsafe(settle, plan, seconds)
            return answer, reply, seconds

        answer, reply, seconds = await admission.run(work, self._limits.seconds(request.headers.get(TIMEOUT)))
        if self._recorder is not None and self._durable:
            await asyncio.to_thread(self._recorder.flush)
        self._measures.counted(fleet, answer.routes)
        return _priced(reply, request, seconds)

    def _settle(self, caller: str, fleet: str, plan: Plan | None, seconds: float) -> None:
        self._meter.count(caller, fleet, plan.batch.count if plan is not None else 0, seconds)
        self._measures.failed(plan.failed if plan is not None else ())

    def _post(self, parts: list[str], routing: Routing) -> Errand:
        """The errand of a path, which is the same for as long as the picture is."""
        match parts:
            case ["v2", "models", fleet, "infer"]:
                return self._asked(binary.ask, routing.endpoint(fleet), binary.KINDS)
            case ["predict", fleet]:
                return self._asked(predict.ask, routing.endpoint(fleet), predict.KINDS)
            case ["v2", "models", fleet, "versions", number, "infer"]:
                endpoint = routing.endpoint(fleet)
                return self._asked(_by(binary.ask, numbered(endpoint, number)), endpoint, binary.KINDS)
            case ["invocations"]:
                return self._asked(invocations.ask, invocations.only(routing), invocations.KINDS)
            case ["invocations", fleet] | ["endpoints", fleet, "invocations"]:
                return self._asked(invocations.ask, routing.endpoint(fleet), invocations.KINDS)
            case ["v2", "repository", "index"]:
                return Errand("", lambda request: told(repository.index(request.body, routing)), reads=True)
            case ["v2", "repository", "models", fleet, "load"]:
                endpoint = routing.endpoint(fleet)
                return Errand(endpoint.fleet, lambda request: self._load(request, endpoint), reads=True)
            case ["v2", "repository", "models", fleet, "unload"]:
                raise repository.kept(routing.endpoint(fleet))
            case ["argosy", "flush"]:
                return Errand("", lambda request: self._flush())
        raise _nothing("POST", parts, routing)

    def _get(self, parts: list[str], routing: Routing, readiness: Callable[[], Readiness]) -> Errand:
        match parts:
            case ["v2"] | ["v2", ""]:
                return _said("", metadata.server_metadata(self._version))
            case ["openapi.json"]:
                return Errand("", lambda request: told(openapi.document(routing, self._version)))
            case ["v2", "health", "live"]:
                return _said("", {"live": True})
            case ["v2", "health", "ready"]:
                found = readiness()
                return _said("", found.told(), 200 if found.ready else 503)
            case ["v2", "models", "stats"] if "stats" not in routing.endpoints:
                return _said("", statistics(self._measures, routing.endpoints.values()))
            case ["v2", "models", fleet, *rest]:
                return self._model(rest, routing.endpoint(fleet), parts, routing)
            case ["metrics"]:
                return Errand("", lambda request: self._metrics(routing.version, readiness()))
            case ["ping"] | ["health"]:
                return Errand("", lambda request: Reply(200 if readiness().ready else 503, b"\n", _PLAIN))
            case ["version"]:
                return Errand("", lambda request: Reply(200, self._version.encode(), _PLAIN))
        raise _nothing("GET", parts, routing)

    def _model(self, rest: list[str], endpoint: Endpoint, parts: list[str], routing: Routing) -> Errand:
        """What is asked of a fleet, or of one version of it."""
        fleet, version = endpoint.fleet, None
        match rest:
            case ["versions", number, *rest]:
                version = numbered(endpoint, number)
        match rest:
            case []:
                return _said(fleet, metadata.model_metadata(endpoint, version))
            case ["ready"]:
                able = version is not None or metadata.is_ready(endpoint)
                return _said(fleet, {"name": fleet, "ready": able}, 200 if able else 503)
            case ["config"]:
                return _said(fleet, metadata.model_config(endpoint, version))
            case ["stats"] if version is None:
                return _said(fleet, statistics(self._measures, [endpoint]))
        raise _nothing("GET", parts, routing)

    def _asked(self, ask: Ask, endpoint: Endpoint, kinds: tuple[bytes, ...]) -> Errand:
        return Errand(endpoint.fleet, lambda request: self._ask(ask, endpoint, request), reads=True, kinds=kinds)

    def _ask(self, ask: Ask, endpoint: Endpoint, request: Request) -> Reply | Awaitable[Reply]:
        """Read rows and answer them: on the event loop, unless there is much to read."""
        self._limits.seconds(request.headers.get(TIMEOUT))  # what is no time is refused where none is needed, too
        if len(request.body) > INLINE_BYTES or b"content-encoding" in request.headers:
            return self._ask_later(ask, endpoint, request)
        batch, render = self._read(ask, endpoint, request)
        return self.answer(batch, render, request)

    def _read(self, ask: Ask, endpoint: Endpoint, request: Request) -> tuple[Batch, Render]:
        """The rows of a request, on the account of its caller from now on; raises Refused where that owes some."""
        batch, render = ask(request, endpoint)
        batch.caller = request.caller
        self._meter.take(request.caller, batch.count)
        return batch, render

    def _ask_later(self, ask: Ask, endpoint: Endpoint, request: Request) -> Awaitable[Reply]:
        def planned() -> tuple[Plan, Render]:
            encoding = request.headers.get(b"content-encoding", b"")
            request.body = unpacked(request.body, encoding, self._body_limit)
            batch, render = self._read(ask, endpoint, request)
            return self._scorer.plan(batch), render

        return self._later(planned, endpoint.fleet, request, self._admission)

    async def _load(self, request: Request, endpoint: Endpoint) -> Reply:
        """Load every version that may answer for a fleet, on a thread that is admitted as those of scores are."""
        repository.check_load(request.body, endpoint)
        refs, seconds = endpoint.versions, self._limits.seconds(request.headers.get(TIMEOUT))
        await self._admission.run(lambda: [self._cache.get(ref) for ref in refs], seconds)
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
        return Reply(
            200, (counters + load.text((self._admission, self._apart), self._meter, readiness)).encode(), _TEXT
        )


def _priced(reply: Reply, request: Request, seconds: float) -> Reply:
    """The reply, which says what it cost where that is asked."""
    if COST not in request.headers:
        return reply
    return msgspec.structs.replace(reply, headers=(*reply.headers, (COST, b"%.3f" % (seconds * 1000))))


def _by(ask: Ask, version: VersionRef) -> Ask:
    """As `ask`, of one version alone."""

    def asking(request: Request, endpoint: Endpoint) -> tuple[Batch, Render]:
        batch, render = ask(request, endpoint)
        batch.version = version
        return batch, render

    return asking


def _said(fleet: str, value: object, status: int = 200) -> Errand:
    return Errand(fleet, lambda request: told(value, status))


def _nothing(method: str, parts: list[str], routing: Routing) -> UnknownError:
    fleet = next((part for part in parts if part in routing.endpoints), next(iter(routing.endpoints), "FLEET"))
    near = f"POST /v2/models/{fleet}/infer" if parts[0] == "v2" else f"POST /predict/{fleet}"
    return UnknownError(
        f"there is no {method} /{'/'.join(parts)[:80]}",
        next=f"{near} predicts; POST /v2/repository/index names all fleets",
    )
