"""What a process that runs code of a model may not do, as far as the system lets us say so.

Its memory is bounded, and it writes no file. On Linux it reads no file but those of Python and its libraries
(Landlock), opens no socket, starts no process and touches no other one (seccomp). None of it needs a privilege, and
none can be undone by the process.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

MEMORY, FILES, CALLS = "memory", "files", "calls"
"""What a fence is made of: bounds, the files that are out of reach, and the system calls that are refused."""
_OPEN = 256
_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT = 444, 445, 446
_READ = 1 << 0 | 1 << 2 | 1 << 3
"""Of Landlock: to execute, which maps libraries, to read a file, and to read a directory."""
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All that Landlock can refuse of files, by the first release of it that can."""
_SYSTEM = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache",
    "/etc/localtime", "/dev/null", "/dev/urandom", "/proc/self", "/proc/cpuinfo", "/proc/meminfo",
    "/sys/devices/system/cpu", "/sys/fs/cgroup",
)  # fmt: skip
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_NUMBERS = {
    "x86_64": (
        41, 42, 49, 50, 53, 57, 58, 59, 62, 90, 91, 92, 93, 94, 101, 129, 132, 160, 188, 189, 190, 200, 235, 260, 261,
        268, 272, 280, 297, 298, 308, 310, 311, 321, 322, 424, 425, 434, 438, 452,
    ),
    "aarch64": (
        5, 6, 7, 52, 53, 54, 55, 88, 97, 117, 129, 130, 138, 164, 198, 199, 200, 201, 203, 221, 240, 241, 268, 270, 271,
        280, 281, 424, 425, 434, 438, 452,
    ),
}  # fmt: skip
"""Calls that are refused: sockets, new processes and programs, signals to others, tracing and reading them, other
owners, modes and times of files, other bounds, namespaces, and io_uring, which would make these calls unseen.
"""
_CLONE, _CLONE3, _THREAD = {"x86_64": 56, "aarch64": 220}, 435, 0x10000
_SIGNAL = {"x86_64": 234, "aarch64": 131}
"""The call that sends a signal to a thread of a process, which is its first argument."""
_BOUNDS = {"x86_64": 302, "aarch64": 261}
"""The call that asks for a process's bounds and, where its third argument points somewhere, sets them."""
_LOAD, _EQUAL, _ABOVE, _MASKED, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOWED, _REFUSED, _ABSENT = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38
_FOREIGN = 0x40000000
"""Numbers from here on are those of another way to call x86-64 (x32), which names the same calls."""


def raise_(memory: int) -> list[str]:
    """Put the fence around this process, which may have `memory` bytes; returns what of it stands."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN, _OPEN))
    stands = []
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        stands.append(MEMORY)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
            stands += [FILES] * _landlock(libc) + [CALLS] * _seccomp(libc)
    return stands


def _landlock(libc: ctypes.CDLL) -> bool:
    release = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if release < 1:
        return False
    handled = max(mask for first, mask in _HANDLED.items() if first <= release)
    ruleset = libc.syscall(_CREATE_RULESET, struct.pack("=Q", handled), 8, 0)
    if ruleset < 0:
        return False
    try:
        for path in _readable():
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                allowed = _READ if path.is_dir() else _READ & ~(1 << 3)
                if libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", allowed, place), 0) != 0:
                    return False
            finally:
                os.close(place)
        return bool(libc.syscall(_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _readable() -> Iterator[Path]:
    """Where Python and the libraries lie."""
    argosy = find_spec("argosy")
    own = list(argosy.submodule_search_locations or ()) if argosy else []
    for each in dict.fromkeys([*sysconfig.get_paths().values(), sys.base_prefix + "/lib", *_SYSTEM, *own]):
        path = Path(each).resolve()
        if path.exists() and path != Path(path.anchor):
            yield path


def _seccomp(libc: ctypes.CDLL) -> bool:
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return False
    code = b"".join(_program(machine))
    held = ctypes.create_string_buffer(code, len(code))
    filter = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(held))
    return bool(libc.prctl(_SECCOMP, _FILTER, filter, 0, 0) == 0)


def _program(machine: str) -> Iterator[bytes]:
    """A filter in classic BPF: the architecture, numbers that are refused, and those that depend on an argument."""
    yield _step(_LOAD, value=4)
    yield _step(_EQUAL, value=_ARCHITECTURES[machine], true=1)
    yield _step(_RETURN, value=_REFUSED)
    yield _step(_LOAD, value=0)
    yield _step(_ABOVE, value=_FOREIGN, false=1)
    yield _step(_RETURN, value=_REFUSED)
    for number in _NUMBERS[machine]:
        yield _step(_EQUAL, value=number, false=1)
        yield _step(_RETURN, value=_REFUSED)
    yield _step(_EQUAL, value=_CLONE3, false=1)  # its flags are out of sight; without it, libraries take the older one
    yield _step(_RETURN, value=_ABSENT)
    yield from _unless(_CLONE[machine], _step(_MASKED, value=_THREAD, true=1), argument=0)
    yield from _unless(_SIGNAL[machine], _step(_EQUAL, value=os.getpid(), true=1), argument=0)
    for half in (0, 4):
        yield from _unless(_BOUNDS[machine], _step(_EQUAL, value=0, true=1), argument=2, half=half)
    yield _step(_RETURN, value=_ALLOWED)


def _unless(number: int, test: bytes, *, argument: int, half: int = 0) -> Iterator[bytes]:
    """Refuse a call unless a half of an argument passes a test; the number is loaded again behind it."""
    yield _step(_EQUAL, value=number, false=4)
    yield _step(_LOAD, value=16 + 8 * argument + half)
    yield test
    yield _step(_RETURN, value=_REFUSED)
    yield _step(_LOAD, value=0)


def _step(code: int, *, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, true, false, value)
