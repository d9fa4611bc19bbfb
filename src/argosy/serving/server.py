"""Start the inference server."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import msgspec
import uvloop

from argosy.errors import InputError
from argosy.serving.app import App, Settings
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.caller import Callers
from argosy.serving.limits import Limits
from argosy.serving.recorder import Recorder
from argosy.serving.routing import Endpoint
from argosy.serving.rpc import wire
from argosy.serving.rpc.service import Service
from argosy.serving.score import OnlineReader, Scorer
from argosy.serving.shadow import Shadows
from argosy.serving.snapshot import Source
from argosy.serving.warmth import Warmth
from argosy.serving.watch import listen, watch
from argosy.serving.wire import serve
from argosy.store import Store, tokens

_MB = 1 << 20
_PR_SET_PDEATHSIG = 1
_END_SECONDS = 50
Readers = Callable[[Endpoint], OnlineReader]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is started with. `readers` is called with the home, once in each worker process.

    `predictions` is the directory of recorded segments (None: nothing is recorded). `cache_mb` bounds the loaded models
    of one worker; those of members that match a pattern in `pinned` are always loaded. `warm` is the file that tells
    which models were in use: a start waits for them for `warm_seconds`. A stop is announced for `notice_seconds`, and
    then waits for what is under way for `drain_seconds`.
    Raises InputError where that may take longer than the watching process waits.
    """

    home: str
    token: str
    blobs: Path | None = None
    predictions: Path | None = None
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    readers: Callable[[str], Readers] | None = None
    cache_mb: int = 512
    pinned: tuple[str, ...] = ()
    flush_seconds: float = 1.0
    durable: bool = False
    poll_seconds: float = 0.5
    body_limit_mb: int = 32
    limits: Limits = Limits()
    warm: Path | None = None
    warm_seconds: float = 5.0
    notice_seconds: float = 0.0
    drain_seconds: float = 10.0

    def __post_init__(self) -> None:
        if not 0 <= self.notice_seconds + self.drain_seconds <= _END_SECONDS:
            raise InputError(
                f"notice_seconds={self.notice_seconds} and drain_seconds={self.drain_seconds}",
                next=f"give {_END_SECONDS} s together, at most",
            )


def application(options: Options) -> App:
    """The application over a store that exists; its threads start with it."""
    store = Store.open(options.home, blobs=options.blobs, create=False)
    cache = ModelCache(blob_loader(store.blobs), options.cache_mb * _MB, options.pinned)
    recorder = shadows = None
    if options.predictions is not None:
        recorder = Recorder(options.predictions, _now, flush_seconds=options.flush_seconds, durable=options.durable)
        shadows = Shadows(cache, Recorder(options.predictions, _now, flush_seconds=options.flush_seconds))
    readers = options.readers(options.home) if options.readers is not None else None
    settings = Settings(
        options.token, options.hosts, options.body_limit_mb * _MB, options.poll_seconds, version("argosy"),
        options.limits,
    )  # fmt: skip
    callers = Callers(options.token, partial(_tokens, store), _now)
    warmth = Warmth(cache, options.warm, options.warm_seconds)
    return App(
        settings, Source(store), Scorer(cache, _now, readers, recorder, shadows), cache, recorder, callers, warmth
    )


def run(
    options: Options, host: str = "127.0.0.1", port: int = 8080, workers: int = 1, grpc_port: int | None = None
) -> None:  # fmt: skip
    """Serve until SIGTERM or SIGINT; requests under way are answered and predictions written before it returns.

    HTTP is spoken on `port`, gRPC on `grpc_port` unless that is None. This process watches over its workers, which
    share the ports, and starts one again that died. Call it from the main thread; the workers are spawned, so a script
    needs `if __name__ == "__main__"`.
    """
    ports = [port] if grpc_port is None else [port, grpc_port]
    watch(partial(_work, options, os.getpid()), [listen(host, each) for each in ports], workers)


def _work(options: Options, watcher: int, *listeners: socket.socket) -> None:
    """Serve as a worker, which does not outlive its watcher, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != watcher:
            raise SystemExit("the watching process ended before its worker began")
    uvloop.run(_serve(application(options), options, *listeners))


async def _serve(app: App, options: Options, listener: socket.socket, calls: socket.socket | None = None) -> None:
    stop = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await app.start()
    gc.collect()
    gc.freeze()  # what the start has made stays as long as the worker: no need to walk it again and again
    seconds = {"drain_seconds": options.drain_seconds, "notice_seconds": options.notice_seconds}
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(app, listener, stop, **seconds))
        if calls is not None:
            group.create_task(wire.serve(Service(app), calls, stop, **seconds))
    await app.stop()


def _tokens(store: Store) -> list[tokens.Token]:
    with store.read() as conn:
        return tokens.each(conn)


def _now() -> datetime:
    return datetime.now(UTC)
