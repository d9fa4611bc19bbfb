"""The application of the inference server: no framework between the wire and the score."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec

from argosy.errors import ArgosyError, InputError
from argosy.serving.admission import Admission
from argosy.serving.cache import ModelCache
from argosy.serving.caller import Caller, Callers
from argosy.serving.compression import too_large
from argosy.serving.limits import Limits
from argosy.serving.measure import Measures
from argosy.serving.meter import Meter
from argosy.serving.readiness import Readiness
from argosy.serving.recorder import Recorder
from argosy.serving.request import JSON, Call, Errand, Headers, Refused, Reply, Request, told
from argosy.serving.router import INLINE_BYTES, Router
from argosy.serving.routing import Routing
from argosy.serving.score import Scorer
from argosy.serving.warmth import Warmth

_LOG = logging.getLogger("argosy.serving")
_STALE_SECONDS, _STALE_POLLS = 2.0, 4
_REMEMBERED = 100
_OPEN = frozenset({"/v2/health/live", "/v2/health/ready", "/ping"})


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
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if len(self.token) < 16:
            raise InputError("the token is shorter than 16 characters", next="use secrets.token_urlsafe(32)")


class App:
    """Answers requests from the latest routing picture; `source` gives a newer one, or None. `ended` is called last.

    A picture is swapped between two steps of the event loop: a request keeps the one it began with.
    """

    def __init__(
        self,
        settings: Settings,
        source: Callable[[], Routing | None],
        scorer: Scorer,
        cache: ModelCache,
        recorder: Recorder | None = None,
        callers: Callers | None = None,
        warmth: Warmth | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.routing = Routing(-1, {})
        self.measures = Measures()
        limits, half = settings.limits, max(1, settings.limits.concurrency // 2)
        self._admission, self._meter = Admission(limits), Meter(limits, time.monotonic)
        self._apart = Admission(msgspec.structs.replace(limits, concurrency=half))
        self._callers, self._warmth = callers or Callers(settings.token), warmth or Warmth(cache)
        self._settings, self._source, self._ended = settings, source, ended
        self._cache, self._recorder, self._shadows = cache, recorder, scorer.shadows
        self._router = Router(
            scorer, cache, recorder, self.measures, settings.version, limits, self._admission, self._apart,
            self._meter, settings.body_limit,
        )  # fmt: skip
        self._seen: set[bytes] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = self._failing = False
        self._read_at = time.perf_counter()
        self._stale_after = max(_STALE_SECONDS, _STALE_POLLS * settings.poll_seconds)

    async def start(self) -> None:
        """Take the first picture, and newer ones from then on until `stop`; models that were in use are loaded."""
        await self._refresh_safely()
        parts = (self._poll(), self._admission.probe(), self._warmth.restore(self.routing))
        self._tasks = [asyncio.create_task(each) for each in parts]

    def drain(self) -> None:
        """Say that this server is not ready from now on: it is about to stop."""
        self._draining = True

    async def stop(self) -> None:
        """Write what was recorded, after the last answer."""
        for each in self._tasks:
            each.cancel()
        for admission in (self._admission, self._apart):
            admission.close()
        await asyncio.to_thread(self._warmth.keep)
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)
        if self._shadows is not None:
            await asyncio.to_thread(self._shadows.close)
        self._ended()

    async def refresh(self) -> None:
        """Take the newest picture of the source, once its pinned models are loaded; drop those that no route names.

        Tokens are read anew with it.
        """
        self._callers.take()
        self._callers.take(await asyncio.to_thread(self._callers.read))
        newer = await asyncio.to_thread(self._source)
        self._read_at = time.perf_counter()
        if newer is None or newer.version <= self.routing.version:
            return
        refs = [ref for each in newer.endpoints.values() for ref in (*each.versions, *each.shadows)]
        await asyncio.to_thread(self._cache.pin, refs)
        self.routing = newer
        self._cache.retain(refs)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._settings.poll_seconds)
            await self._refresh_safely()
            await asyncio.to_thread(self._warmth.keep)

    async def _refresh_safely(self) -> None:
        """Keep the last picture while the store cannot be read: answering goes on, and says how old the picture is."""
        try:
            await self.refresh()
            self._failing = False
        except Exception as error:  # whatever the store raises must not end the poller
            if not self._failing:
                _LOG.error("the routing picture is not refreshed: %s", error)
            self._failing = True

    def readiness(self) -> Readiness:
        """Whether requests should be sent here, and what there is to say of it."""
        age = time.perf_counter() - self._read_at
        stale = round(age, 1) if age > self._stale_after else 0.0
        why = self._warmth.why if self.routing.version >= 0 else "the store was not read yet"
        if self._draining:
            why = "the server is about to stop"
        return Readiness(why, stale, age)

    @property
    def body_limit(self) -> int:
        """Bytes of a body, at most."""
        return self._settings.body_limit

    def open(self, request: Request) -> Call:
        """What a request is about, by its head alone: a call that is refused needs no body."""
        call = Call(request, time.perf_counter())
        try:
            call.errand = self.begin(request)
            self._admit(request.headers, call.errand)
        except Exception as error:
            call.refusal = excused(error)
        return call

    def overflow(self, call: Call) -> None:
        """Refuse a call whose body turns out to be above `body_limit`."""
        call.refusal = excused(too_large(self.body_limit))

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        """The reply to a call whose body is there; it never raises."""
        if call.refusal is not None:
            return self._counted(call, call.refusal)
        assert call.errand is not None
        try:
            found = call.errand.work(call.request)
        except Exception as error:
            return self._counted(call, excused(error))
        return self._counted(call, found) if isinstance(found, Reply) else self._later(call, found)

    async def _later(self, call: Call, found: Awaitable[Reply]) -> Reply:
        try:
            reply = await found
        except Exception as error:
            reply = excused(error)
        return self._counted(call, reply)

    def _counted(self, call: Call, reply: Reply) -> Reply:
        fleet = call.errand.fleet if call.errand is not None else ""
        self.measures.answered(fleet, reply.status, time.perf_counter() - call.began)
        if call.began - self._read_at <= self._stale_after:
            return reply
        age = b"%.1f" % (call.began - self._read_at)
        return msgspec.structs.replace(reply, headers=(*reply.headers, (b"argosy-stale-seconds", age)))

    def begin(self, request: Request) -> Errand:
        """What a request is about, once it may ask; its body need not have been read. Raises ArgosyError.

        Whatever is not open needs a token.
        """
        self._check_host(request.headers.get(b"host", b""))
        if request.path not in _OPEN:
            request.caller = self.admit(request.headers.get(b"authorization", b""), request.method).name
        return self._router.find(request, self.routing, self.readiness)

    def admit(self, authorization: bytes, method: str = "POST") -> Caller:
        """Who asks; raises Refused where it may not, or where it or the server has had too much."""
        caller = self._callers.find(authorization)
        if caller is None:
            raise Refused(
                401,
                "this needs a token of the home",
                next="send the header Authorization: Bearer TOKEN",
                headers=((b"www-authenticate", b"Bearer"),),
            )
        if not caller.may(method):
            raise Refused(403, f"token {caller.name!r} may only look", next="ask for a token with the role caller")
        if method == "POST":
            self._admission.check()
            self._meter.take(caller.name)
        return caller

    def _check_host(self, host: bytes) -> None:
        if host in self._seen:
            return
        name = host.decode("latin-1").lower()
        if name.rpartition(":")[0] in self._settings.hosts or name in self._settings.hosts:
            if len(self._seen) < _REMEMBERED:
                self._seen.add(host)
            return
        raise Refused(421, f"the Host {name[:80]!r} is not served here", next=f"use {self._settings.hosts[0]}")

    def _admit(self, given: Headers, errand: Errand) -> None:
        """Raise Refused for a body that its head alone refuses: by its length, its kind, or for want of a thread."""
        length = given.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self.body_limit:
            raise too_large(self.body_limit)
        if not errand.reads:
            return
        kind = given.get(b"content-type", JSON)
        if not kind.lower().startswith(errand.kinds):
            wanted = " or ".join(each.decode() for each in errand.kinds)
            raise Refused(415, f"the body is {kind[:60].decode('latin-1')!r}", next=f"send {wanted}")
        if int(length) > INLINE_BYTES:
            self._admission.expect()


def excused(error: Exception) -> Reply:
    """What a client is told where its request has failed."""
    if isinstance(error, Refused):
        return told({"error": str(error)}, error.status, error.headers)
    if isinstance(error, ArgosyError):
        return told({"error": str(error)}, error.status)
    _LOG.error("a request failed", exc_info=error)  # a defect of ours must not take the server down
    return told({"error": "the server failed on this request; its log says why"}, 500)
