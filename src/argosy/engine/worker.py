"""The loop of a worker: take a chunk, run its tasks one by one, answer each as it ends.

A chunk is two messages: the function's reference and whether to tell when both were understood, then the list of
arguments. The answers are `("ready",)` if that was asked for, then one `("done", value, failure, usage)` per task in
order; or one `("refused", message)` when the function cannot be imported, or one `("garbled", failure)` when the
arguments cannot be read. A failure is `(message, traceback)`, a usage what `Meter.stop` returns. Standard library
only: this runs before anything else of the project is imported.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from argosy.engine.channel import Channel
from argosy.engine.reference import resolve
from argosy.engine.usage import Meter

_MESSAGE = 500
_PIECE = 1_000  # a frame or a message in a traceback
_TRACEBACK = 4_000


def serve(channel: Channel) -> None:
    """Answer chunks until the other end closes."""
    meter = Meter()
    try:
        while True:
            name, tell = channel.receive()
            arguments = channel.read()
            try:
                function = resolve(name)
            except Exception as error:
                channel.send(("refused", describe(error)[0]))
                continue
            try:
                calls = channel.decode(arguments)
            except Exception as error:
                channel.send(("garbled", describe(error)))
                continue
            if tell:
                channel.send(("ready",))
            for call in calls:
                _answer(channel, meter, function, call)
    except (EOFError, OSError):
        return


def describe(error: BaseException) -> tuple[str, str]:
    """An error in words, `Type: message` and its traceback, both bounded."""
    text = str(error)
    message = f"{type(error).__name__}: {text}" if text else type(error).__name__
    trace = "".join(piece[:_PIECE] for piece in traceback.format_exception(error))
    return message[:_MESSAGE], trace[-_TRACEBACK:]


def _answer(channel: Channel, meter: Meter, function: Callable[..., Any], call: tuple[Any, ...]) -> None:
    value: Any = None
    failure: tuple[str, str] | None = None
    meter.start()
    try:
        value = function(*call)
    except BaseException as error:  # also SystemExit: a task that calls sys.exit() ends itself, not its worker
        failure = describe(error)
    usage = meter.stop()
    try:
        parts = channel.encode(("done", value, failure, usage))
    except Exception as error:
        message, trace = describe(error)
        message = f"the value of type {type(value).__name__} cannot be sent back: {message}"[:_MESSAGE]
        parts = channel.encode(("done", None, (message, trace), usage))
    channel.write(parts)
