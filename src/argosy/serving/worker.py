"""A worker of the inference server: it serves the sockets that it is given, until it is told to stop."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
import signal
import socket
import sys
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import uvloop

from argosy.errors import ArgosyError
from argosy.serving.app import App, Settings
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.caller import Callers
from argosy.serving.crowd import MOST
from argosy.serving.recorder import Recorder
from argosy.serving.rpc import wire
from argosy.serving.rpc.service import Service
from argosy.serving.score import Scorer
from argosy.serving.server import Options
from argosy.serving.shadow import Shadows
from argosy.serving.snapshot import Source
from argosy.serving.warmth import Warmth
from argosy.serving.wire import serve
from argosy.store import Store, tokens

if TYPE_CHECKING:
    from argosy.serving.trace import Traces

_MB = 1 << 20
_PR_SET_PDEATHSIG = 1
_FILES = 256
"""Files that connections leave to the models, the segments and the store."""
_TURN_SECONDS = 0.0005
"""For how long a thread that scores or records may keep Python from one that answers.

At 5 ms, as it is by itself, a shadow made the slowest hundredth of answers ten times slower.
"""

_GARBAGE = 10_000, 20, 20
"""How many lists and the like are made between two searches for garbage in circles, and how seldom old ones are walked.

Rows that wait to be recorded are none, and were walked every few hundred requests: a tenth of what a request costs.
"""


def application(options: Options, traces: Traces | None = None) -> App:
    """The application over a store that exists, which it closes at its end; its threads start with it."""
    store = Store.open(options.home, blobs=options.blobs, create=False)
    cache = ModelCache(blob_loader(store.blobs, trusted=options.trusted), options.cache_mb * _MB, options.pinned)
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
    scorer = (traces.scorer if traces else Scorer)(cache, _now, readers, recorder, shadows)
    return App(settings, Source(store), scorer, cache, recorder, callers, warmth, store.close)


def work(options: Options, watcher: int, *listeners: socket.socket) -> None:
    """Serve HTTP on the first socket and gRPC on the second, if there is one, until SIGTERM or SIGINT.

    A worker does not outlive its `watcher`, the process of this id, however that ends.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != watcher:
            raise SystemExit("the watching process ended before its worker began")
    sys.setswitchinterval(_TURN_SECONDS)
    traces = None
    if options.traces:
        from argosy.serving.trace import Traces  # an extra

        traces = Traces(version("argosy"))
    uvloop.run(_serve(options, traces, *listeners))


async def _serve(
    options: Options, traces: Traces | None, listener: socket.socket, calls: socket.socket | None = None
) -> None:  # fmt: skip
    try:
        app, stop = application(options, traces), asyncio.Event()
    except ArgosyError as error:
        raise SystemExit(f"the inference server cannot begin: {error}") from None
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await app.start()
    gc.collect()
    gc.freeze()  # what the start has made stays as long as the worker: no need to walk it again and again
    gc.set_threshold(*_GARBAGE)
    bounds: dict[str, Any] = {
        "drain_seconds": options.drain_seconds, "notice_seconds": options.notice_seconds, "most": _most(),
    }  # fmt: skip
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(traces.application(app) if traces else app, listener, stop, **bounds))
        if calls is not None:
            group.create_task(wire.serve(traces.service(app) if traces else Service(app), calls, stop, **bounds))
    await app.stop()
    if traces is not None:
        await asyncio.to_thread(traces.close)


def _most() -> int:
    """How many connections each of two servers may have, so that files are left for the rest of the process."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else min(MOST, max(files - _FILES, files // 2) // 2)


def _tokens(store: Store) -> list[tokens.Token]:
    with store.read() as conn:
        return tokens.each(conn)


def _now() -> datetime:
    return datetime.now(UTC)
