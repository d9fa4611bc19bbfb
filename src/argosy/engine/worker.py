"""The loop of a worker: take a chunk, run its tasks one by one, answer each as it ends.

A chunk is two messages: an `Order`, then the list of arguments. The answers are `("ready",)` if that was asked for,
then one `("done", value, failure, usage, written, log)` per task in order; or one `("refused", message)` when the
function cannot be imported, or one `("garbled", message, traceback)` when the arguments cannot be read. A message None
during a chunk takes back what has not begun; `("stopped",)` then ends the answers. A failure is
`(kind, message, traceback)`, a usage what `Meter.stop` returns, and the log of `written` bytes what is kept of them.
Standard library only: this runs before anything else of the project is imported.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from argosy.engine import children
from argosy.engine.channel import Channel
from argosy.engine.log import Log
from argosy.engine.reference import resolve
from argosy.engine.usage import Meter

_MESSAGE = 500
_PIECE = 1_000  # a frame or a message in a traceback
_TRACEBACK = 4_000

Order = tuple[str, bool, bool, str | None]
"""The function's reference; whether to tell when it and the arguments were understood; whether children that a task
leaves running are a failure; the file that its log goes to, if any."""


def serve(channel: Channel) -> None:
    """Answer chunks until the other end closes."""
    os.register_at_fork(after_in_child=channel.close)  # a child must not answer, nor keep the channel open
    worker = _Worker(channel)
    with contextlib.suppress(EOFError, OSError):
        while True:
            order: Order | None = channel.receive()
            if order:  # else it came when the chunk had just ended
                worker.serve(order, channel.read())


def describe(error: BaseException) -> tuple[str, str]:
    """An error in words, `Type: message` and its traceback, both bounded."""
    try:
        text = str(error)
    except Exception as other:
        text = f"its text cannot be made, for {type(other).__name__}"
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    trace = "".join(piece[:_PIECE] for piece in traceback.format_exception(error))
    return message[:_MESSAGE], trace[-_TRACEBACK:]


class _Worker:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._meter = Meter()
        self._log = Log()
        self._pid = os.getpid()
        self._tidy = False
        self._folder = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
        self._streams = sys.stdout, sys.stderr

    def serve(self, order: Order, arguments: list[Any]) -> None:
        name, tell, tidy, path = order
        self._log.turn(path)
        if tidy is not self._tidy:
            self._tidy = tidy
            children.adopt(tidy)
            children.end()  # what was left when that was no failure is nobody's now
        try:
            function = resolve(name)
        except Exception as error:
            self._log.take()
            self._channel.send(("refused", describe(error)[0]))
            return
        try:
            calls = self._channel.decode(arguments)
        except Exception as error:
            self._log.take()
            self._channel.send(("garbled", *describe(error)))
            return
        if tell:
            self._channel.send(("ready",))
        for place, call in enumerate(calls):
            if place and self._channel.waits():
                self._channel.receive()
                self._channel.send(("stopped",))
                return
            self._answer(function, call)

    def _answer(self, function: Callable[..., Any], call: tuple[Any, ...]) -> None:
        value: Any = None
        failure: tuple[str, str, str] | None = None
        self._meter.start()
        try:
            value = function(*call)
        except BaseException as error:  # also SystemExit: a task that calls sys.exit() ends itself, not its worker
            failure = "exception", *describe(error)
        if os.getpid() != self._pid:  # a child that the task forked has come back from it
            self._log.flush()
            os._exit(failure is not None)
        usage = self._meter.stop()
        self._restore()
        if self._tidy and (left := children.end()):
            them = "a child process" if left == 1 else f"{left} child processes"
            failure = failure or (
                "children",
                f"left {them} running when it ended; a task must wait for its children",
                "",
            )
        written = self._log.take()
        try:
            parts = self._channel.encode(("done", None if failure else value, failure, usage, *written))
        except Exception as error:
            message, trace = describe(error)
            message = f"the value of type {type(value).__name__} cannot be sent back: {message}"[:_MESSAGE]
            parts = self._channel.encode(("done", None, ("exception", message, trace), usage, *written))
        self._channel.write(parts)

    def _restore(self) -> None:
        """The working directory and the streams as they were: the next task is not to feel what this one did."""
        sys.stdout, sys.stderr = self._streams
        os.fchdir(self._folder)
