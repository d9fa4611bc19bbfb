"""The process that watches over the workers of the inference server: they share its sockets."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Sequence
from logging import getLogger
from multiprocessing import Pipe, get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

from argosy.errors import ConflictError

_BACKLOG = 2048
_QUIET_SECONDS = 60
_RESTART_SECONDS, _END_SECONDS = 1.0, 60.0
_LOG = getLogger("argosy.serving")
Work = Callable[..., None]
"""Serves listening sockets, its arguments."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises ConflictError where the address cannot be had.

    Its connections find out when a client has vanished without a word.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConflictError(
            f"the server cannot listen on {host}:{port}: {error.strerror}", next="stop what does, or choose another"
        ) from error
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _QUIET_SECONDS)
    return found


def watch(work: Work, listeners: Sequence[socket.socket], workers: int) -> None:
    """Run `work(*listeners)` in `workers` spawned processes until SIGTERM or SIGINT, then end them and wait.

    A worker that ends by itself is started again after a second; meanwhile connections wait in the
    sockets. One that has not ended a minute after it was asked to is killed. Call it from the main
    thread: signals arrive nowhere else.
    """
    asked, ask = Pipe(duplex=False)
    former = {each: signal.signal(each, lambda *_: ask.send(None)) for each in (signal.SIGTERM, signal.SIGINT)}
    running: list[SpawnProcess] = []
    pause = 0.0
    try:
        while not asked.poll(pause):
            running += [_start(work, listeners) for _ in range(workers - len(running))]
            wait([asked, *(process.sentinel for process in running)])
            for process in [each for each in running if not each.is_alive()]:
                if not asked.poll():
                    _LOG.error("worker %s ended with %s and is started again", process.pid, process.exitcode)
                running.remove(process)
            pause = _RESTART_SECONDS
    finally:
        for listener in listeners:
            listener.close()
        for process in running:
            process.terminate()
        for process in running:
            process.join(_END_SECONDS)
            process.kill()
        for each, handler in former.items():
            signal.signal(each, handler)


def _start(work: Work, listeners: Sequence[socket.socket]) -> SpawnProcess:
    process = get_context("spawn").Process(target=work, args=tuple(listeners), name="argosy-inference")
    process.start()
    return process
