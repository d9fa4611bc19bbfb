"""The parent's side of the workers: start the nursery, ask it for workers, stop them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from argosy.engine import log
from argosy.engine.channel import Channel
from argosy.engine.job import Job
from argosy.engine.nursery import ANSWER, COMMAND, FORK, REAP
from argosy.engine.verdict import Verdict
from argosy.errors import ArgosyError

_ONE_THREAD = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "POLARS_MAX_THREADS",
        "RAYON_NUM_THREADS",
    )
}

_FORKABLE = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""pyarrow, which pandas and with it scikit-learn import where it is installed, starts a thread for its allocator: with
it, none of them could be imported before a fork."""

# The nursery's own code is loaded without running `argosy/__init__.py`: that may import Polars, which starts threads.
# It then forgets the placeholders, so that a task which imports argosy gets the real package.
_BOOTSTRAP = """
import json, socket, sys, types
sys.path[:] = json.loads(sys.argv[4])
for name, path in json.loads(sys.argv[5]).items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from argosy.engine import nursery
for name in [name for name in sys.modules if name.partition(".")[0] == "argosy"]:
    del sys.modules[name]
split = lambda names: [name for name in names.split(",") if name]
nursery.main(socket.socket(fileno=int(sys.argv[1])), split(sys.argv[2]), split(sys.argv[3]), sys.argv[6])
"""


class NurseryLost(Exception):
    """The nursery died, and all its workers with it. The crew must be closed before it is used again."""


class Hand:
    """One worker as its supervisor sees it: its process, its channel, and what it is busy with."""

    def __init__(self, pid: int, channel: Channel) -> None:
        self.pid = pid
        self.channel = channel
        self.finished = 0  # works over its life
        self.known: set[str] = set()  # functions that it has imported
        self.chunk: deque[Job | None] = deque()  # what it has not answered, first the one that runs; None: taken back
        self.function = ""  # of that chunk
        self.ready = False  # whether it has understood that chunk
        self.since = 0.0  # when the first of the chunk started
        self.recalled = False  # whether what has not begun of that chunk was taken back
        self.verdict: Verdict | None = None
        self.log: Path | None = None  # what it writes goes there

    def recall(self) -> list[Job]:
        """Take back what it has not begun. What it begins before it hears of that is for nothing."""
        rest = [job for job in list(self.chunk)[1:] if job]
        if not self.recalled:
            self.recalled = True
            self.chunk = deque([self.chunk[0], *[None] * (len(self.chunk) - 1)])
            with contextlib.suppress(OSError):  # it is dead, and its closed channel says so next
                self.channel.send(None)
        return rest

    def written(self) -> bytes:
        """What is kept of the log of the work that runs."""
        return log.read(self.log) if self.log else b""

    def kill(self) -> None:
        """Kill it and what it started. Its channel can still be read to the end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class Crew:
    """The nursery and the workers that came out of it. Started by the first call that needs it."""

    def __init__(self, preload: Sequence[str], paths: Sequence[str], environment: Mapping[str, str]) -> None:
        self._preload = list(preload)
        self._paths = list(paths)
        self._environment = _FORKABLE | dict(environment) | _ONE_THREAD
        self._owner = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._greeted = False
        self._stopped = False
        self._logs = Path(tempfile.gettempdir(), f"argosy-{os.getpid()}-{secrets.token_hex(8)}")
        self._poll = select.poll()
        self._sockets: dict[int, Hand] = {}
        self.hands: list[Hand] = []

    def launch(self) -> None:
        """Start the nursery without waiting for its imports. Raises `ArgosyError` after `stop`."""
        if self._stopped:
            raise ArgosyError("this engine is closed", next="make a new one")
        if self._process is not None:
            return
        ours, theirs = socket.socketpair()
        package = Path(__file__).parent
        placeholders = {"argosy": str(package.parent), "argosy.engine": str(package)}
        arguments = [str(theirs.fileno()), ",".join(self._preload), "", json.dumps(self._paths + sys.path)]
        arguments += [json.dumps(placeholders), str(self._logs)]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOTSTRAP, *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what tasks print must not mix with the output of the program
                env=self._environment,
                process_group=0,  # Ctrl-C in a terminal is for the owner alone, which then stops its workers
            )
        self._control = ours
        self._greeted = False

    def hire(self) -> Hand:
        """A fresh worker. Raises `ArgosyError` if a preload module cannot be imported, and `NurseryLost`."""
        self.launch()
        self._greet()
        ours, theirs = socket.socketpair()
        with theirs:
            pid = self._ask(FORK, 0, [theirs.fileno()])
        hand = Hand(pid, Channel(ours))
        self.hands.append(hand)
        self._sockets[hand.channel.fileno()] = hand
        self._poll.register(hand.channel, select.POLLIN)
        return hand

    def wait(self, seconds: float) -> list[Hand]:
        """Workers that have said something, or died; waits for the first."""
        return [self._sockets[descriptor] for descriptor, _ in self._poll.poll(seconds * 1000)]

    def capture(self, hand: Hand) -> Path:
        """A file for the log of a worker, until it is dismissed or `uncapture` is called."""
        if hand.log is None:
            self._logs.mkdir(mode=0o700, exist_ok=True)
            descriptor, name = tempfile.mkstemp(".log", f"{hand.pid}-", self._logs)
            os.close(descriptor)
            hand.log = Path(name)
        return hand.log

    def uncapture(self) -> None:
        """Remove all logs."""
        for hand in self.hands:
            hand.log = None
        shutil.rmtree(self._logs, ignore_errors=True)

    def free(self) -> None:
        """Dismiss the workers that are busy; all of them where the nursery is gone."""
        try:
            for hand in [hand for hand in self.hands if hand.chunk]:
                self.dismiss(hand)
        except NurseryLost:
            self.close()

    def dismiss(self, hand: Hand) -> int:
        """Kill a worker and collect its exit code, negative for a signal. Raises `NurseryLost`."""
        self._part(hand)
        code = self._ask(REAP, hand.pid, [])
        self.hands.remove(hand)
        return code

    def close(self) -> None:
        """End all processes and wait for them; a later call starts anew."""
        for hand in self.hands:
            self._part(hand)
        self.hands.clear()
        if self._control is not None:
            self._control.close()  # the nursery reaps its workers and exits
            self._control = None
        if self._process is not None:
            if not self._greeted:
                self._process.kill()  # still importing: it has no workers and would not notice for a while
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Close for good. Does nothing in a process that was forked from the owner."""
        if os.getpid() == self._owner:
            self._stopped = True
            self.close()

    def _part(self, hand: Hand) -> None:
        hand.kill()
        if hand.log:
            hand.log.unlink(missing_ok=True)
        descriptor = hand.channel.fileno()
        if self._sockets.pop(descriptor, None):  # still open: it may have been parted with when the nursery was lost
            self._poll.unregister(descriptor)
            hand.channel.close()

    def _greet(self) -> None:
        if self._greeted:
            return
        assert self._control is not None
        try:
            refusal = Channel(self._control).receive()
        except (EOFError, OSError):
            assert self._process is not None
            code = self._process.wait()
            self.close()
            if code == -signal.SIGKILL:
                raise NurseryLost from None
            raise ArgosyError(
                f"the process that starts workers died while it imported {', '.join(self._preload) or 'nothing'}",
                next="import the same modules in a fresh interpreter to see why",
            ) from None
        if refusal is not None:
            self.close()
            name, message = refusal
            raise ArgosyError(f"workers cannot preload module {name!r}: {message}", next="fix it or leave it out")
        self._greeted = True

    def _ask(self, command: bytes, pid: int, descriptors: list[int]) -> int:
        assert self._control is not None
        try:
            socket.send_fds(self._control, [COMMAND.pack(command, pid)], descriptors)
            data = self._control.recv(ANSWER.size, socket.MSG_WAITALL)
        except OSError:
            raise NurseryLost from None
        except BaseException:  # interrupted between question and answer: the next answer would be the wrong one
            self.close()
            raise
        if len(data) < ANSWER.size:
            raise NurseryLost
        answer: int = ANSWER.unpack(data)[0]
        return answer
