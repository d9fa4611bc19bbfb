"""The system calls that a process which runs code of a model may not make, as a filter of seccomp.

Refused is what reaches beyond the process: others, sockets, what the system shares between processes, and the system
itself. Files are left to Landlock, but for what that does not know: owners, modes, times and attributes.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_SECCOMP, _FILTER = 22, 2
_NEWER = (424, 425, 434, 438, 440, 442, 447, 448, *range(428, 434), 452)
"""Of all machines: pidfd_send_signal, io_uring_setup, pidfd_open, pidfd_getfd, process_madvise, mount_setattr,
memfd_secret, process_mrelease, open_tree to fspick, and fchmodat2.
"""
_LATER, _CLONE3 = 454, 435
"""Numbers from the first on are of no use yet to who cannot do without: libraries take the older ones."""
_THREAD = 0x10000
_SETS_OWNER = (8, 10, 15)
"""Of fcntl: who is sent a signal, and which, when a file can be read: that may be any process, and SIGKILL."""
_HARMLESS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451, 0x802C542A)
"""Of ioctl: what a terminal is like and how wide, what there is to be read, not to wait, and to close or not on exec.

Others name who is sent signals, and ask for and set the network's devices, even on a socket that is not of it.
"""
_LOAD, _EQUAL, _ABOVE, _MASKED, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOWED, _REFUSED, _ABSENT = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38
_FOREIGN = 0x40000000
"""Numbers from here on are those of another way to call x86-64 (x32), which names the same calls."""


class _Machine(NamedTuple):
    """A kind of processor: what it is called, numbers that are refused, and of calls that depend on an argument."""

    architecture: int
    refused: tuple[int, ...]
    clone: int
    signal: int
    """It sends a signal to a thread of a process, which is its first argument."""
    bounds: int
    """It asks for a process's bounds and, where its third argument points somewhere, sets them."""
    processors: int
    """It sets which processors a process, its first argument, may run on; 0 is the caller."""
    fcntl: int
    ioctl: int


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        (
            *range(29, 32), 67, 64, 65, 66, 220, *range(68, 72), 240, 241,  # shared memory, semaphores, messages
            41, 42, 49, 50, 53,  # sockets
            57, 58, 59, 322, 62, 200, 129, 297,  # processes and programs; signals
            101, 310, 311, 312, 298, 321, 323, 303, 304, 256, 279,  # other processes' memory, BPF, page faults, handles
            90, 91, 268, 92, 93, 94, 260, 132, 235, 261, 280, *range(188, 191), *range(197, 200),  # modes and owners
            141, 142, 144, 314, 251, 160,  # priorities and bounds
            *range(248, 251), 253, 254, 294, 300, 301,  # keys; notices of what others do to files
            103, 153, 155, 161, *range(163, 174), 175, 176, 179, 227, 246, 320, 313, 305, 272, 308,  # the system itself
        ),
        clone=56, signal=234, bounds=302, processors=203, fcntl=72, ioctl=16,
    ),
    "aarch64": _Machine(
        0xC00000B7,
        (
            *range(180, 182), *range(186, 198),
            *range(198, 202), 203,
            221, 281, 129, 130, 138, 240,
            117, 270, 271, 272, 241, 280, 282, 264, 265, 238, 239,
            *range(52, 56), 88, *range(5, 8), *range(14, 17),
            140, 118, 119, 274, 30, 164,
            *range(217, 220), 26, 27, 262, 263,
            116, 58, 41, 51, 39, 40, 89, 60, 104, 105, 106, 112, 142, 161, 162, 170, 224, 225, 266, 273,
            294, 97, 268,
        ),
        clone=220, signal=131, bounds=261, processors=122, fcntl=25, ioctl=29,
    ),
}  # fmt: skip


def refuse(libc: ctypes.CDLL) -> bool:
    """Have these calls refused to this process from now on, which must not gain privileges; whether they are."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    code = b"".join(_program(machine))
    held = ctypes.create_string_buffer(code, len(code))
    filter = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(held))
    return bool(libc.prctl(_SECCOMP, _FILTER, filter, 0, 0) == 0)


def _program(machine: _Machine) -> Iterator[bytes]:
    """A filter in classic BPF: the architecture, numbers that are refused, and those that depend on an argument."""
    yield _step(_LOAD, value=4)
    yield _step(_EQUAL, value=machine.architecture, true=1)
    yield _step(_RETURN, value=_REFUSED)
    yield _step(_LOAD, value=0)
    yield _step(_ABOVE, value=_FOREIGN, false=1)
    yield _step(_RETURN, value=_REFUSED)
    for number in (*machine.refused, *_NEWER):
        yield _step(_EQUAL, value=number, false=1)
        yield _step(_RETURN, value=_REFUSED)
    yield _step(_ABOVE, value=_LATER, true=1)
    yield _step(_EQUAL, value=_CLONE3, false=1)  # its flags are out of sight; without it, libraries take the older one
    yield _step(_RETURN, value=_ABSENT)
    yield from _on(machine.clone, 0, [_step(_MASKED, value=_THREAD, true=1)])
    yield from _only(machine.signal, 0, (os.getpid(),))
    for half in (0, 4):
        yield from _only(machine.bounds, 2, (0,), half=half)
    yield from _only(machine.processors, 0, (0,))
    yield from _only(machine.ioctl, 1, _HARMLESS)
    yield from _never(machine.fcntl, 1, _SETS_OWNER)
    yield _step(_RETURN, value=_ALLOWED)


def _only(number: int, argument: int, values: Sequence[int], half: int = 0) -> Iterator[bytes]:
    """Refuse a call unless a half of an argument is among values."""
    return _on(
        number, argument, [_step(_EQUAL, value=each, true=len(values) - i) for i, each in enumerate(values)], half
    )


def _never(number: int, argument: int, values: Sequence[int]) -> Iterator[bytes]:
    """Refuse a call if an argument is among values."""
    last = len(values) - 1
    tests = [_step(_EQUAL, value=each, true=last - i, false=int(i == last)) for i, each in enumerate(values)]
    return _on(number, argument, tests)


def _on(number: int, argument: int, tests: Sequence[bytes], half: int = 0) -> Iterator[bytes]:
    """Refuse a call where the tests of an argument come out at their end; the number is loaded again behind it."""
    yield _step(_EQUAL, value=number, false=len(tests) + 3)
    yield _step(_LOAD, value=16 + 8 * argument + half)
    yield from tests
    yield _step(_RETURN, value=_REFUSED)
    yield _step(_LOAD, value=0)


def _step(code: int, *, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, true, false, value)
