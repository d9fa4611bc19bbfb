"""Start the inference server.

What serves is loaded by the workers alone: the process that watches over them is there at once.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from argosy.errors import InputError
from argosy.serving.limits import Limits
from argosy.serving.watch import listen, watch

if TYPE_CHECKING:
    from argosy.serving.routing import Endpoint
    from argosy.serving.score import OnlineReader

    Readers = Callable[[Endpoint], OnlineReader]

_END_SECONDS = 50


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is started with. `readers` is called with the home, once in each worker process.

    `predictions` is the directory of recorded segments (None: nothing is recorded). `cache_mb` bounds the loaded models
    of one worker; those of members that match a pattern in `pinned` are always loaded. `warm` is the file that tells
    which models were in use: a start waits for them for `warm_seconds`. A stop is announced for `notice_seconds`, and
    then waits for what is under way for `drain_seconds`. Versions that are pickles are not loaded unless `trusted`.
    `traces` are sent to where the environment says, by
    OpenTelemetry's rules. Raises InputError where a stop may take longer than the watching process waits.
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
    trusted: bool = True
    traces: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.notice_seconds + self.drain_seconds <= _END_SECONDS:
            raise InputError(
                f"notice_seconds={self.notice_seconds} and drain_seconds={self.drain_seconds}",
                next=f"give {_END_SECONDS} s together, at most",
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
    listeners = [listen(host, each) for each in ports]
    options = msgspec.structs.replace(options, limits=options.limits.part(workers))
    watch(partial(_work, options, os.getpid()), listeners, workers, options.notice_seconds)


def _work(options: Options, watcher: int, *listeners: socket.socket) -> None:
    from argosy.serving.worker import work  # here, since the process that watches needs none of it

    work(options, watcher, *listeners)
