"""The process of its own in which trusted estimators live, as the one that asks sees it."""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from contextvars import ContextVar
from functools import cache
from itertools import count
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.errors import ArgosyError, UnreachableError
from argosy.model.matrix import Matrix
from argosy.model.trusted import fence
from argosy.model.trusted.wire import Ask, Broken, Told, receive, send, shown

_LOG = logging.getLogger("argosy.model")
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from argosy.model.trusted.child import main; "
_START += "main(int(sys.argv[2]), int(sys.argv[3]))"
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
"""What the process is told of the environment: nothing of what a server is told in secret."""
_ALONE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1") | {
    "JOBLIB_MULTIPROCESSING": "0", "HOME": "/",
}  # fmt: skip
"""One thread, and no pool, which would need locks between processes; and a home, which some libraries ask for."""
_GRACE = 1.0
_NEXT = "train it again, or take another candidate"
_BESIDE = ContextVar("beside", default=False)
_MISSES = "ModuleNotFoundError"
_ABSENT = "import what the project defines at the top of its modules, not within functions; and install the libraries"


class Terms(msgspec.Struct, frozen=True):
    """What a process may take: `memory` bytes, seconds to start, to load an estimator, and to answer.

    To answer, `row_seconds` for each row come on top.
    """

    memory: int = 4 << 30
    start_seconds: float = 60.0
    load_seconds: float = 30.0
    answer_seconds: float = 5.0
    row_seconds: float = 0.01


USUAL = Terms()


class Ended(UnreachableError):
    """The process ended, or was ended, while it was asked, or it is not asked again yet."""


class _Running(NamedTuple):
    child: subprocess.Popen[bytes]
    line: socket.socket


class Process:
    """Loads and asks estimators by id, one request after another. It starts when it is first asked, and again where it
    ended; whatever it had loaded is gone then, which `turn` tells: it counts the starts.

    Threads share it. Whoever asks must hold no lock that the estimator's own caller waits for.
    """

    def __init__(self, terms: Terms = USUAL) -> None:
        self.turn = 0
        self._terms = terms
        self._lock = threading.RLock()
        self._running: _Running | None = None
        self._dropped: list[int] = []
        self._numbers = count(1)

    @property
    def id(self) -> int | None:
        """The id of the process, where it runs."""
        running = self._running
        return running.child.pid if running is not None else None

    def load(self, id: int, data: bytes) -> int:
        """Have it load what `content.pack` made; returns the turn that it is loaded in. Raises Ended, and ArgosyError
        where it cannot be loaded.
        """
        with self._lock:
            self._forget()
            return self._load(id, data)

    def answer(self, id: int, data: bytes, turn: int, matrix: Matrix) -> tuple[npt.NDArray[np.float64], int]:
        """A number a row of a C-contiguous matrix, by the estimator of an id, which is loaded anew unless `turn` is
        that of now; and the turn of now. Raises as `load` does, and where the estimator raises.
        """
        with self._lock:
            self._forget()
            self._start()
            if turn != self.turn:
                turn = self._load(id, data)
            rows, features = matrix.shape
            seconds = self._terms.answer_seconds + rows * self._terms.row_seconds
            told = self._ask(Ask("answer", id, rows, features, seconds), matrix.tobytes(), 8 * rows)
            return np.frombuffer(told), turn

    def drop(self, id: int) -> None:
        """Have it forget an estimator before it is asked for the next thing. Never waits."""
        self._dropped.append(id)

    def end(self) -> None:
        """End it, and what it does just now; what is asked next starts it again."""
        if (running := self._running) is not None:
            running.child.kill()  # whoever waits for it holds the lock
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                running.line.close()
                running.child.kill()
                running.child.wait()

    def _forget(self) -> None:
        """Have it drop what nobody asks for any more; where that ends it, whoever asks next is not to blame."""
        while self._dropped and (running := self._running) is not None:
            drop = Ask("drop", self._dropped.pop(), seconds=self._terms.answer_seconds)
            with suppress(Ended):
                self._exchange(running, drop, b"", 0)

    def _load(self, id: int, data: bytes) -> int:
        self._ask(Ask("load", id, seconds=self._terms.load_seconds), data)
        return self.turn

    def _ask(self, asked: Ask, body: bytes | memoryview, most: int = 0) -> bytearray:
        running = self._start()
        told, found = self._exchange(running, asked, body, most)
        if told.error.startswith(MemoryError.__name__):  # who hoards it leaves none to others
            raise self._failed(
                running, f"it needs more than the {self._terms.memory >> 20:,} MB that all have together"
            )
        if told.error:
            raised = shown(told.error)
            raise ArgosyError(f"it raises {raised}", next=_ABSENT if raised.startswith(_MISSES) else _NEXT)
        if len(found) != most:
            raise self._failed(running, f"it answered {len(found):,} bytes, not {most:,}")
        return found

    def _exchange(
        self, running: _Running, asked: Ask, body: bytes | memoryview, most: int
    ) -> tuple[Told, bytearray]:  # fmt: skip
        number = next(self._numbers)
        try:
            running.line.settimeout(asked.seconds)
            send(running.line, msgspec.structs.replace(asked, number=number), body)
            found = receive(running.line, Told, most, time.monotonic() + asked.seconds + _GRACE)
        except TimeoutError:
            raise self._failed(running, f"it took longer than {asked.seconds:g} s") from None
        except (Broken, OSError) as error:
            raise self._failed(running, str(error)) from error
        if found[0].number != number:
            raise self._failed(running, "it answers what it was not asked")
        return found

    def _failed(self, running: _Running, why: str) -> Ended:
        """The process is of no use any more: end it. How it ended by itself says more than that it did."""
        with suppress(subprocess.TimeoutExpired):
            running.child.wait(0.2)
        code = running.child.returncode
        running.line.close()
        running.child.kill()
        running.child.wait()
        self._running = None
        if code is not None and code < 0:
            alarm = code == -signal.SIGALRM
            why = "it took too long" if alarm else f"its process was ended by {_name(-code)}"
        elif code is not None:
            why = f"its process ended with exit code {code}"
        return Ended(f"{why}: a trusted pickle is run apart, within bounds", next=_NEXT)

    def _start(self) -> _Running:
        if self._running is not None and self._running.child.poll() is None:
            return self._running
        self.end()
        ours, theirs = socket.socketpair()
        path = json.dumps([each for each in sys.path if each])
        command = [sys.executable, "-I", "-c", _START, path, str(theirs.fileno()), str(self._terms.memory)]
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _ALONE
        with theirs:
            child = subprocess.Popen(
                command, env=environment, cwd="/", pass_fds=[theirs.fileno()], start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        running = _Running(child, ours)
        try:
            told, _ = receive(ours, Told, 0, time.monotonic() + self._terms.start_seconds)
        except (Broken, TimeoutError) as error:
            raise self._failed(running, f"it did not start: {error}") from error
        missing = {fence.MEMORY, fence.FILES, fence.CALLS} - set(told.fence)
        if missing:
            _LOG.warning("trusted pickles run without a fence around %s: this system has none", ", ".join(missing))
        self._running, self._dropped = running, []
        self.turn += 1
        return running


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # Python has no name for most of those of real time
        return f"signal {number}"


def beside() -> None:
    """Have what this thread asks from now on asked of a second process: whoever answers never waits for it."""
    _BESIDE.set(True)


def current() -> Process:
    """The process that this thread asks where it names none; it ends with this one."""
    return _made(_BESIDE.get())


@cache
def _made(beside: bool) -> Process:
    process = Process()
    atexit.register(process.end)
    return process
