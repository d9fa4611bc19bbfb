"""Tasks that behave and tasks that do not: what the engines' conformance suite runs. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
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


def log(folder: str, name: str, seconds: float = 0.0) -> str:
    """Appends its process id to a file, so that every start is seen, and takes its time."""
    with Path(folder, name).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return name


def speak(name: str) -> str:
    """Says its name in every way there is."""
    sys.stdout.write(f"print {name}\n")
    os.write(1, f"write {name}\n".encode())
    os.write(2, f"error {name}\n".encode())
    ctypes.CDLL(None).printf(b"printf %s\n", name.encode())
    subprocess.run(["echo", "child", name], check=True)
    logging.getLogger("chores").info("record %s", name)
    logging.getLogger("chores").debug("detail %s", name)
    return name


def shout(size: int, how: str) -> str:
    """Writes `size` bytes between two words, then behaves."""
    sys.stdout.write("first\n")
    for _ in range(size >> 20):
        os.write(1, b"x" * (1 << 20))
    os.write(1, b"x" * (size % (1 << 20)))
    sys.stdout.write("last\n")
    return behave(how)


def fork(how: str) -> int:
    """Forks; the child comes back from here by returning, by raising, or leaves 30 seconds after its parent crashed."""
    pid = os.fork()
    if pid:
        if how == "crash":
            behave("segfault")
        os.waitpid(pid, 0)
    elif how == "raise":
        raise ValueError("from the child")
    elif how == "crash":
        time.sleep(30)
        os._exit(0)
    return pid


def abandon(count: int, how: str, folder: str) -> int:
    """Leaves processes running: `plain`, in a `session` of their own, or as `orphan` of a parent that has ended."""
    command = ["sh", "-c", f"echo $$ > {folder}/$$; exec sleep 600"]
    for number in range(count):
        if how == "orphan":
            subprocess.run(["sh", "-c", f"sh -c 'echo $$ > {folder}/$$; exec sleep 600' & sleep 0.2"], check=True)
        else:
            subprocess.Popen(command, start_new_session=how == "session")
        while len(os.listdir(folder)) <= number:
            time.sleep(0.01)
    return count


def pool() -> int:
    """Uses processes as it should, and leaves it to multiprocessing to end what that keeps for itself."""
    context = multiprocessing.get_context("spawn")
    with contextlib.closing(context.SimpleQueue()) as queue:
        child = context.Process(target=queue.put, args=(1,))
        child.start()
        child.join()
        return int(queue.get())


def unpicklable() -> None:
    """Raises what cannot be sent, nor be put in words."""
    raise _Sullen(lambda: 1)


class _Sullen(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Hostile:
    """An argument that cannot be read back: `how` says what its unpickling does."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return behave, (self.how,)


_KEPT: list[bytearray] = []
