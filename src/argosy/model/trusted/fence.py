"""What a process that runs code of a model may not do, as far as the system lets us say so.

Its memory is bounded, and it writes no file. On Linux it has no privilege, reads no file but those of Python and its
libraries (Landlock), opens no socket, starts no process and touches no other one (seccomp). None of it needs a
privilege, and none can be undone by the process.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from argosy.model.trusted import calls
from argosy.model.trusted.place import libraries

MEMORY, FILES, CALLS = "memory", "files", "calls"
"""What a fence is made of: bounds, the files that are out of reach, and the system calls that are refused."""
_OPEN = 256
_NO_NEW_PRIVILEGES, _CAPABILITIES = 38, 0x20080522
_CREATE_RULESET, _ADD_RULE, _RESTRICT = 444, 445, 446
_LIST = 1 << 3
_READ = 1 << 0 | 1 << 2 | _LIST
"""Of Landlock: to execute, which maps libraries, to read a file, and to read a directory."""
_WRITE = 1 << 1 | 1 << 14
_HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All that Landlock can refuse of files, by the first release of it that can."""
_NETWORK, _SCOPES = {4: 3}, {6: 3}
"""The same of TCP, and of others' abstract sockets and signals."""
_SYSTEM = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/ld.so.cache",
    "/etc/localtime", "/dev/urandom", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
)  # fmt: skip
_NOWHERE = Path("/dev/null")


def raise_(memory: int) -> list[str]:
    """Put the fence around this process, which may have `memory` bytes; returns what of it stands."""
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, _OPEN)):
        _bound(kind, most)
    if sys.platform != "linux":
        return []
    _bound(resource.RLIMIT_AS, memory)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.capset(struct.pack("=Ii", _CAPABILITIES, 0), bytes(24))
    stands = []
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        stands = [FILES] * _landlock(libc) + [CALLS] * calls.refuse(libc)
    return [MEMORY, *(stands if _is_alone() else ())]


def _bound(kind: int, most: int) -> None:
    """Set a bound, or keep one that is lower already."""
    hard = resource.getrlimit(kind)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (least, least))


def _is_alone() -> bool:
    """Whether no other thread runs, as of something installed that starts some: it would not be fenced in."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:  # there is no /proc to tell
        return True


def _landlock(libc: ctypes.CDLL) -> bool:
    release = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if release < 1:
        return False
    files, network, scopes = (_newest(each, release) for each in (_HANDLED, _NETWORK, _SCOPES))
    terms = struct.pack("=QQQ", files, network, scopes)[: 24 if scopes else 16 if network else 8]
    ruleset = libc.syscall(_CREATE_RULESET, terms, len(terms), 0)
    if ruleset < 0:
        return False
    try:
        for path, allowed in _allowed():
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:  # it is not there, or out of reach in any case
                continue
            try:
                if libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", allowed & files, place), 0) != 0:
                    return False
            finally:
                os.close(place)
        return bool(libc.syscall(_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _newest(masks: dict[int, int], release: int) -> int:
    return max((mask for first, mask in masks.items() if first <= release), default=0)


def _allowed() -> Iterator[tuple[Path, int]]:
    """Where Python and the libraries lie, and where nothing does; and what may be done there."""
    for each in dict.fromkeys([*libraries(), Path(sys.base_prefix, "lib"), *map(Path, _SYSTEM)]):
        path = each.resolve()
        if path != Path(path.anchor):
            yield path, _READ if path.is_dir() else _READ & ~_LIST
    yield _NOWHERE, 1 << 2 | _WRITE
