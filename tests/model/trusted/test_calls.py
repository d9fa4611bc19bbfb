"""Calls that reach beyond the process, made by code of a model: each is refused, and nothing of it happens."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy.model.matrix import Matrix
from argosy.model.trusted import calls
from argosy.model.trusted.process import Process
from tests.model.trusted.conftest import told

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="seccomp is of Linux")


def test_no_socket_is_opened_and_no_process_is_started_or_touched(process: Process) -> None:
    def connect(rows: Matrix) -> None:
        import socket

        socket.socket()

    def pair(rows: Matrix) -> None:
        import socket

        socket.socketpair()

    def start(rows: Matrix) -> None:
        import subprocess

        subprocess.run(["true"], check=True)

    def signals(rows: Matrix) -> None:
        import ctypes

        if ctypes.CDLL(None, use_errno=True).syscall(234, os.getppid(), os.getppid(), 0) != 0:
            raise PermissionError(ctypes.get_errno())

    def bounds(rows: Matrix) -> None:
        import resource

        resource.prlimit(0, resource.RLIMIT_NOFILE, (9, 9))

    acts = (
        connect, pair, start, bounds, lambda rows: os.fork(), lambda rows: os.system("true") and 1 / 0,
        lambda rows: os.kill(os.getppid(), 0), lambda rows: os.execv("/bin/true", ["true"]),
        lambda rows: os.posix_spawn("/bin/true", ["true"], {}), lambda rows: os.pidfd_open(os.getppid()),
    )  # fmt: skip
    for act in (*acts, signals) if os.uname().machine == "x86_64" else acts:
        assert "raises" in (says := told(process, act)) and ("Permission" in says or "ZeroDivision" in says), says


@pytest.fixture
def other() -> Iterator[int]:
    """Another process of the same user."""
    child = subprocess.Popen(["sleep", "100"])
    yield child.pid
    assert child.poll() is None
    child.kill()
    child.wait()


def test_a_file_that_can_be_read_kills_nobody(process: Process, other: int) -> None:
    """A file's owner is sent a signal when there is something to read: any process, and any signal."""

    def owned(command: int, given: Any) -> Callable[[Matrix], Any]:
        def act(rows: Matrix) -> None:
            import fcntl

            heard, says = os.pipe()
            fcntl.fcntl(heard, 10, 9)
            fcntl.fcntl(heard, command, given)
            fcntl.fcntl(heard, fcntl.F_SETFL, fcntl.fcntl(heard, fcntl.F_GETFL) | os.O_ASYNC)
            os.write(says, b"x")

        return act

    def through_a_device(rows: Matrix) -> list[float]:
        import fcntl
        import struct

        refused = 0
        for each in map(int, os.listdir("/proc/self/fd")):
            try:
                fcntl.ioctl(each, 0x8901, struct.pack("i", other))
            except PermissionError:
                refused += 1
            except OSError as error:  # the directory that was listed is closed again
                if error.errno != errno.EBADF:
                    raise
        return [float(refused > 3), 0.0]

    for act in (owned(8, other), owned(15, ctypes.string_at(ctypes.byref((ctypes.c_int * 2)(1, other)), 8))):
        assert "PermissionError" in told(process, act)
    assert told(process, through_a_device) == "[1.0, 0.0]"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are those of x86-64")
def test_nothing_that_the_system_shares_is_made_or_changed(process: Process, other: int) -> None:
    shared: dict[str, tuple[Any, ...]] = {
        "shared memory": (29, 0, 4096, 0o1600), "semaphores": (64, 0, 1, 0o1600), "messages": (68, 0, 0o1600),
        "queues": (240, b"argosy", 0o102, 0o600, 0), "keys": (248, b"user", b"argosy", b"x", 1, -4),
        "asking for keys": (249, b"user", b"argosy", 0, 0), "priorities": (141, 0, other, 19),
        "processors": (203, other, 8, b"\1" + b"\0" * 7), "input and output": (251, 1, other, 3 << 13),
        "schedules": (144, other, 3, b"\0" * 16), "notices": (294, 0), "all notices": (300, 0, 0),
        "names": (170, b"argosy", 6), "roots": (161, b"/tmp"), "mounts": (430, b"tmpfs", 0), "time": (164, 0, 0),
        "other rings": (425, 8, b"\0" * 200), "page faults": (323, 1), "handles": (303, -100, b"/", b"", b"", 0),
        "more than one kind of call": (0x40000000 + 39,), "a call by 32 bits of what is not there yet": (4000,),
    }  # fmt: skip

    def made(number: int, *given: Any) -> Callable[[Matrix], Any]:
        def act(rows: Matrix) -> list[float]:
            libc = ctypes.CDLL(None, use_errno=True)
            found = libc.syscall(number, *(each if isinstance(each, bytes) else ctypes.c_long(each) for each in given))
            return [float(found), float(ctypes.get_errno())]

        return act

    for what, call in shared.items():
        number = errno.ENOSYS if call[0] == 4000 else errno.EPERM
        assert told(process, made(*call)) == f"[-1.0, {number}.0]", what


_HEADERS = {"x86_64": "x86_64-linux-gnu/asm/unistd_64.h", "aarch64": "asm-generic/unistd.h"}
_ONE_ALONE = {
    "fork", "vfork", "chmod", "chown", "lchown", "utime", "utimes", "futimesat", "inotify_init", "iopl", "ioperm",
}  # fmt: skip
"""Older calls, which only x86-64 has."""


def _names(machine: str) -> set[str]:
    """What is refused there, by name."""
    text = Path("/usr/include", _HEADERS[machine]).read_text()
    named = {int(number): name for name, number in re.findall(r"define __NR(?:3264)?_(\w+)\s+(\d+)", text)}
    terms = calls._MACHINES[machine]
    depends = [named[each] for each in terms[2:]]
    assert depends == ["clone", "tgkill", "prlimit64", "sched_setaffinity", "fcntl", "ioctl"]
    return {named[each] for each in terms.refused}


@pytest.mark.skipif(
    not all(Path("/usr/include", each).exists() for each in _HEADERS.values()), reason="no headers of the kernel"
)
def test_the_same_calls_are_refused_on_every_machine() -> None:
    assert _names("x86_64") - _names("aarch64") == _ONE_ALONE
    assert _names("aarch64") < _names("x86_64")
