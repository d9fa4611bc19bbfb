"""The process that watches over the workers of the inference server: they share its sockets."""

from __future__ import annotations

import ctypes
import signal
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from logging import getLogger
from multiprocessing import Pipe, get_context
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from time import monotonic

from argosy.errors import ConflictError

_BACKLOG = 2048
_QUIET_SECONDS = 60
_RESTART_SECONDS, _END_SECONDS = 1.0, 60.0
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER of Linux
_NOTHING = struct.pack("HBBI", 6, 0, 0, 0)
"""A filter of one instruction: let no byte of a packet through."""
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


def watch(work: Work, listeners: Sequence[socket.socket], workers: int, notice_seconds: float = 0.0) -> None:
    """Run `work(*listeners)` in `workers` spawned processes until SIGTERM or SIGINT, then end them and wait.

    For `notice_seconds` from then on the sockets still take connections; then they let nobody new in, so that the
    workers come to an end of those that wait there. A worker that ends by itself is started again after a second;
    meanwhile connections wait in the sockets. One that has not ended a minute after it was asked to is killed. Call it
    from the main thread: signals arrive nowhere else.
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
        if notice_seconds:
            _end(running, notice_seconds)
        for listener in listeners:
            _shut(listener)
            listener.close()
        _end(running)
        for process in running:
            process.join(_END_SECONDS)
            process.kill()
        for each, handler in former.items():
            signal.signal(each, handler)


def _end(running: Sequence[SpawnProcess], seconds: float = 0.0) -> None:
    """Ask the workers to end, and give them so long."""
    for process in running:
        process.terminate()
    end = monotonic() + seconds
    for process in running:
        process.join(max(0.0, end - monotonic()))


def _shut(listener: socket.socket) -> None:
    """Let nobody new in: where a listening socket is closed, those who wait in it are reset.

    Their next packet is dropped, so that they knock again when this socket is gone: they are refused, or find the next
    server. Only Linux can do that.
    """
    instruction = ctypes.create_string_buffer(_NOTHING, len(_NOTHING))
    with suppress(OSError):
        filter = struct.pack("HP", 1, ctypes.addressof(instruction))
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, filter)


def _start(work: Work, listeners: Sequence[socket.socket]) -> SpawnProcess:
    process = get_context("spawn").Process(target=work, args=tuple(listeners), name="argosy-inference")
    process.start()
    return process
