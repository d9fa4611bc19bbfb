"""Tasks that behave and tasks that do not: what the engines' conformance suite runs. Standard library only."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def square(number: int) -> int:
    """The well-behaved task."""
    return number * number


def process() -> int:
    """The id of the process that runs the task."""
    return os.getpid()


def imported() -> list[str]:
    """The modules that the worker holds."""
    return sorted(sys.modules)


def environment(name: str) -> str | None:
    """A variable of the worker's environment."""
    return os.environ.get(name)


def sleep(seconds: float) -> float:
    """Takes its time."""
    time.sleep(seconds)
    return seconds


def behave(how: str) -> str:
    """Does what its argument says: returns it, or goes wrong in one of many ways."""
    if how == "raise":
        raise ValueError("a bad row " + "x" * 10_000)
    if how == "leave":
        sys.exit(4)
    if how == "hang":
        while True:
            time.sleep(60)
    if how == "exit":
        os._exit(3)
    if how == "segfault":
        ctypes.string_at(0)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "lambda":
        return lambda: how  # type: ignore[return-value]
    if how == "child":
        return str(subprocess.Popen(["sleep", "600"]).pid)
    return how


def grow(size: int, seconds: float) -> int:
    """Holds `size` bytes for some time."""
    held = bytearray(b"x") * size
    time.sleep(seconds)
    return len(held)


def keep(size: int) -> int:
    """Leaves `size` bytes behind in its worker, as a leak does."""
    _KEPT.append(bytearray(b"x") * size)
    return len(_KEPT)


def limp(folder: str, name: str, failures: int, how: str) -> int:
    """Goes wrong `failures` times, then returns how often it was started; counts in a file of its own."""
    path = Path(folder, name)
    with path.open("a") as file:
        file.write("x")
    starts = path.stat().st_size
    if starts <= failures:
        behave(how)
    return starts


def log(folder: str, name: str) -> str:
    """Appends its process id to a file, so that every start is seen."""
    with Path(folder, name).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return name


class Hostile:
    """An argument that cannot be read back: `how` says what its unpickling does."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return behave, (self.how,)


_KEPT: list[bytearray] = []
