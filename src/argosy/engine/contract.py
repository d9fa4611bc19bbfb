"""What every engine promises: tasks in, results out, and no task able to hurt another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

FailureKind = Literal["exception", "timeout", "memory", "crash", "cancelled"]


class Task(msgspec.Struct, frozen=True):
    """One call: `function(*arguments)`. The key names it and is unique within one `map`."""

    key: str
    arguments: tuple[Any, ...] = ()


class Failure(msgspec.Struct, frozen=True):
    """Why a task has no value. The message is at most 500 characters, the traceback 4,000 (its end)."""

    kind: FailureKind
    message: str
    traceback: str = ""


class Result(msgspec.Struct, frozen=True):
    """The outcome of one task: a value, or a failure.

    `cpu_s` and `wall_s` are of the last attempt that came to its end, zero if none did. `peak_bytes` is the
    highest resident memory of the worker while the task ran, interpreter and libraries included: the
    quantity that a `memory` limit is compared with. `attempts` counts the times the task was started.
    """

    key: str
    value: Any = None
    failure: Failure | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_bytes: int = 0
    attempts: int = 0


class Progress(msgspec.Struct, frozen=True):
    """How far a `map` has come: tasks with a result, failures among them, and CPU seconds spent."""

    total: int
    done: int
    failed: int
    cpu_s: float


class Engine(ABC):
    """Runs a function over many tasks in other processes.

    Guarantees:

    - Every task gets exactly one result, unless the caller stops reading. The order is free.
    - A task that raises, overruns `timeout`, exceeds `memory` or kills its worker costs itself only: tasks that
      shared its chunk run elsewhere. A worker's death is charged to a task only if that task was the first of
      a fresh worker; otherwise the task runs once more, alone. A worker that was killed from outside (SIGKILL, by
      a person or for want of memory) is charged only when that happens to the same task a third time. So a task may
      be *started* more than once even without retries: functions must be safe to repeat.
    - Workers are started once and reused, with one thread per numeric library.
    - When the owner dies, by whatever signal, its workers exit by themselves.

    Ownership: an engine belongs to one thread and runs one `map` at a time. Only `cancel` may be called from
    another thread or from a signal handler. Use it as a context manager: leaving it stops all its processes.
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
        growing pause. Tasks travel in chunks that take about `chunk_seconds`.

        Limits are watched while the caller reads: a caller that pauses delays the watch, and never makes it unfair.
        Closing the iterator kills the workers that are busy with it.

        Raises `InputError` for a function that workers cannot reach, a repeated key or a limit out of range.
        """

    @abstractmethod
    def cancel(self) -> None:
        """End the running `map`: what is unfinished comes back as failures of kind `cancelled`. Otherwise a no-op."""

    @abstractmethod
    def close(self) -> None:
        """Stop every process of this engine and wait until they are gone. May be called again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
