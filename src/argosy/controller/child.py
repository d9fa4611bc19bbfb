"""Child processes of a command: each runs one function of ours, and none outlives the command.

What a child is to do comes in on its stdin, so that no token shows in a list of processes; when that pipe closes, the
parent has ended, however it ended, and the child ends too. Children sit in sessions of their own: Ctrl-C reaches the
parent alone, which stops them in order.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from types import TracebackType
from typing import Any, Self

import msgspec

_GRACE_SECONDS = 10.0


class Order(msgspec.Struct, frozen=True):
    """What a child does: call `target` ("module:function") with `options`, all of them plain JSON."""

    target: str
    options: dict[str, Any]


class Child:
    """A child process that can be started again; as a context it is stopped at the end."""

    def __init__(self, name: str, order: Order) -> None:
        self.name = name
        self._order = order
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. A process of it that has died is forgotten."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "argosy.controller.child"],
            stdin=subprocess.PIPE,
            stdout=2,  # what a child says are words: stdout is the command's, for data
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(self._order) + b"\n")
        process.stdin.flush()
        self._process = process

    @property
    def pid(self) -> int | None:
        """The process's id; None where there is none."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """How its process ended, None while it runs or where there is none."""
        return self._process.poll() if self._process else None

    def ask(self) -> None:
        """Ask it to end; returns at once."""
        if self._process is not None and self.alive:
            self._process.terminate()

    def stop(self, grace: float = _GRACE_SECONDS) -> None:
        """Ask it to end, wait, and kill it where it does not within `grace` seconds."""
        if self._process is None:
            return
        self.ask()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def main() -> None:
    """The child's side."""
    with open(0, "rb", buffering=0, closefd=False) as pipe:
        order = msgspec.json.decode(pipe.readline(), type=Order)
    threading.Thread(target=_follow, name="argosy-parent", daemon=True).start()
    module, _, name = order.target.partition(":")
    getattr(importlib.import_module(module), name)(**order.options)


def _follow() -> None:
    """End when the parent has: its end of the pipe closes with it. Nobody else would kill what does not end in time."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
