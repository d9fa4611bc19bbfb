"""One consumer of a stream, over a home: what it needs is made here, and ended with it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import uvloop

from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.recorder import Recorder
from argosy.serving.score import Scorer
from argosy.serving.shadow import Shadows
from argosy.serving.snapshot import Source
from argosy.serving.stream.address import Address
from argosy.serving.stream.answerer import Answerer
from argosy.serving.stream.broker import Broker
from argosy.serving.stream.flow import Flow, Pace
from argosy.serving.stream.measure import Measures
from argosy.serving.stream.picture import Picture
from argosy.store import Store

if TYPE_CHECKING:
    from argosy.serving.server import Readers

_MB = 1 << 20
_TELL_SECONDS = 0.5


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """A stream of a fleet: messages of `source` are answered on `to`, or kept with a reason on `dead`.

    `group` is the name under which several share the messages. A message has `message_mb` at most. `keep` and
    `idle_seconds` are of `RedisStream`; `predictions`, `readers`, `cache_mb` and `trusted` of the inference
    server.
    """

    home: str
    fleet: str
    source: Address
    to: str
    dead: str
    group: str
    blobs: Path | None = None
    predictions: Path
    readers: Callable[[str], Readers] | None = None
    cache_mb: int = 512
    trusted: bool = True
    message_mb: int = 4
    keep: int = 1_000_000
    idle_seconds: float = 30.0
    pace: Pace = Pace()


def run(options: Options, tell: Callable[[Measures], None]) -> Measures:
    """Answer messages until SIGTERM or SIGINT, or the end where `once` is asked; `tell` is told how far it has come.

    What was read is answered and settled before it returns. Call it from the main thread; raises ArgosyError.
    """
    return uvloop.run(_run(options, tell))


async def _run(options: Options, tell: Callable[[Measures], None]) -> Measures:
    measures, loop = Measures(options.fleet), asyncio.get_running_loop()
    broker = _broker(options)
    with Store.open(options.home, blobs=options.blobs, create=False) as store:
        cache = ModelCache(blob_loader(store.blobs, trusted=options.trusted), options.cache_mb * _MB)
        recorder, beside = (Recorder(options.predictions, _now, durable=each) for each in (True, False))
        shadows = Shadows(cache, beside)
        readers = options.readers(options.home) if options.readers is not None else None
        answerer = Answerer(Scorer(cache, _now, readers, recorder, shadows), options.message_mb * _MB)
        picture = Picture(Source(store), cache, options.fleet)
        flow = Flow(broker, answerer, picture, recorder, measures, options.pace)
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, flow.stop)
        telling = asyncio.create_task(_tell(measures, tell))
        try:
            await flow.run()
        finally:
            telling.cancel()
            await asyncio.to_thread(recorder.close)
            await asyncio.to_thread(shadows.close)
    return measures


def _broker(options: Options) -> Broker:
    """The consumer of a broker's kind; each client is an extra."""
    names = (options.source, options.to, options.dead, options.group)
    if options.source.scheme == "kafka":
        from argosy.serving.stream.kafka import KafkaTopic

        return KafkaTopic(*names, most_mb=options.message_mb)
    from argosy.serving.stream.redis import RedisStream

    return RedisStream(*names, keep=options.keep, idle_seconds=options.idle_seconds)


async def _tell(measures: Measures, tell: Callable[[Measures], None]) -> None:
    while True:
        await asyncio.sleep(_TELL_SECONDS)
        tell(measures)


def _now() -> datetime:
    return datetime.now(UTC)
