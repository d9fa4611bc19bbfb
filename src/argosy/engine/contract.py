"""What every engine promises: tasks in, results out, and no task able to hurt another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import msgspec

FailureKind = Literal["exception", "timeout", "memory", "log", "children", "crash", "cancelled"]


class Task(msgspec.Struct, frozen=True, gc=False):
    """One call: `function(*arguments)`. The key names it and is unique within one `map`."""

    key: str
    arguments: tuple[Any, ...] = ()


class Work(msgspec.Struct, frozen=True, gc=False):
    """One call inside a session: `function(*arguments)`, with limits of its own.

    The key names it until its result has been read. `function` is a reference, `module:qualname`. `timeout` is in
    seconds, `memory` in bytes, None for no limit. `retries` is the number of further attempts after a failure of any
    kind, each after a growing pause, part of which is chance. `alone` asks for a fresh worker, dismissed afterwards.
    Works of a higher `priority` go first; at one priority, those of different `group` take turns.
    """

    key: str
    function: str
    arguments: tuple[Any, ...] = ()
    timeout: float | None = None
    memory: int | None = None
    retries: int = 0
    alone: bool = False
    priority: int = 0
    group: str = ""


class Failure(msgspec.Struct, frozen=True):
    """Why a task or a work has no value. The message is at most 500 characters, the traceback 4,000 (its end)."""

    kind: FailureKind
    message: str
    traceback: str = ""


class Result(msgspec.Struct, frozen=True, gc=False):
    """The outcome of one task or work: a value, or a failure.

    `cpu_s`, `wall_s` and `started` (seconds since the epoch, by the worker's clock) are of the last attempt that came
    to its end, zero if none did. `peak_bytes` is the highest resident memory of the worker while the task ran,
    interpreter and libraries included: the quantity that a `memory` limit is compared with. `attempts` counts the
    times the task was started. `log` is what the last attempt wrote, where a session captures that.
    """

    key: str
    value: Any = None
    failure: Failure | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_bytes: int = 0
    attempts: int = 0
    started: float = 0.0
    log: bytes = b""


class Progress(msgspec.Struct, frozen=True):
    """How far a `map` has come: tasks with a result, failures among them, and CPU seconds spent."""

    total: int
    done: int
    failed: int
    cpu_s: float


class Running(NamedTuple):
    """A work that is being run: when that began, by `time.monotonic`, and the file that its log goes to, if any."""

    since: float
    log: Path | None


class Session(ABC):
    """Works that are put in while others run. It belongs to one thread.

    Guarantees:

    - Every work that was submitted gets exactly one result, unless the session is closed first. The order is free.
    - The guarantees of `Engine` hold for each work with its own limits. A function that workers cannot import, or a
      memory limit below what a worker holds before its first work, fails the works that ask for it, at once.
    - A work goes out as soon as a worker is idle. Works share a chunk only if they are equal in function, timeout,
      memory, group and priority, and none asks to be alone. A work that takes longer than its neighbours in a chunk
      does not hold them up while another worker is idle.
    - A work that leaves child processes running when it ends has failed, with kind `children`; they are ended. Only the
      pool that joblib keeps for the next call is ended without blame. (In a `map`, children may go on until their
      worker is dismissed.) A forked child that comes back from the function ends there.
    - With logs, each result carries what its work wrote: to standard output and error, by Python, by libraries and by
      child processes, and the records of `logging` from INFO up. Of more than 1 MiB, the first 256 KiB and the end are
      kept. Beyond 64 MiB the work is killed, with kind `log`. A work that kills its worker still has its log.
    - Limits are watched, and answers taken in, while the caller is in `submit` or `results`.

    Leaving it as a context, by whatever way, closes it.
    """

    @abstractmethod
    def submit(self, works: Sequence[Work]) -> None:
        """Add works; all or none.

        Raises `InputError` for a key that is open or comes twice, a misshapen function reference or a limit out of
        range, `ArgosyError` when the session or its engine is closed.
        """

    @abstractmethod
    def results(self, wait: float) -> list[Result]:
        """What has finished since the last call. Waits at most `wait` seconds for the first, not if nothing is open."""

    @abstractmethod
    def drop(self, keys: Collection[str]) -> None:
        """End or forget works: their results are failures of kind `cancelled`. Keys that are not open are ignored.

        A work that runs is killed with its worker, and keeps its log.
        """

    @property
    @abstractmethod
    def open(self) -> int:
        """The number of works whose result has not been read."""

    @abstractmethod
    def running(self) -> dict[str, Running]:
        """The works that are being run right now, by key."""

    @abstractmethod
    def close(self) -> None:
        """Forget what is open and kill the workers that are busy with it. May be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Engine(ABC):
    """Runs functions in other processes: one over many tasks, or works of all kinds in a session.

    Guarantees:

    - Every task gets exactly one result, unless the caller stops reading. The order is free.
    - A task that raises, overruns `timeout`, exceeds `memory` or kills its worker costs itself only: tasks that
      shared its chunk run elsewhere. A worker's death is charged to a task only if that task was the first of
      a fresh worker; otherwise the task runs once more, alone. A worker that was killed from outside (SIGKILL, by
      a person or for want of memory) is charged only when that happens to the same task a third time. So a task may
      be *started* more than once even without retries: functions must be safe to repeat.
    - Workers are started once and reused, with one thread per numeric library.
    - When the owner dies, by whatever signal, its workers exit by themselves.

    Ownership: an engine belongs to one thread and runs one `map` or one session at a time. Only `cancel` may be called
    from another thread or from a signal handler. Use it as a context manager: leaving it stops all its processes.
    """

    @abstractmethod
    def map(
        self,
        function: Callable[..., Any] | str,
        tasks: Sequence[Task],
        *,
        timeout: float | None = None,
        memory: int | None = None,
        retries: int = 0,
        chunk_seconds: float = 1.0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[Result]:
        """Run `function` on every task and yield results as they finish.

        The function travels by reference, so it is a function of a module, or the string `module:qualname`
        (then the caller need not import it). Arguments and values must be picklable. `timeout` is in
        seconds and `memory` in bytes, both per task; a task that finished beyond a limit before it was noticed has
        failed as well. `retries` is the number of further attempts after a failure of any kind, each after a
        growing pause, part of which is chance. Tasks travel in chunks that take about `chunk_seconds`.

        Limits are watched while the caller reads: a caller that pauses delays the watch, and never makes it unfair.
        Closing the iterator kills the workers that are busy with it.

        Raises `InputError` for a function that workers cannot reach, a repeated key or a limit out of range.
        """

    @abstractmethod
    def session(self, *, chunk_seconds: float = 1.0, logs: bool = False) -> Session:
        """Begin a session; works travel in chunks that take about `chunk_seconds`.

        `logs` captures what works write, in a temporary directory that is gone with the session; without, they write to
        the standard error of the owner.

        Raises `InputError` if that is not above 0, and `ConflictError` while another session or `map` is open.
        """

    @abstractmethod
    def cancel(self) -> None:
        """End what is open in the `map` or session: it comes back as failures of kind `cancelled`. Else a no-op."""

    @abstractmethod
    def close(self) -> None:
        """Stop every process of this engine and wait until they are gone. May be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
