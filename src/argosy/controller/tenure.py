"""Tenure: which process acts on a subject. It beats while the action runs, and dies with the process that holds it.

Leases run on the machine's own time, not on the controller's: a replay must not outrun its own lease.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from argosy.controller.clock import SystemClock
from argosy.errors import ArgosyError
from argosy.store import leases
from argosy.store.leases import Lease
from argosy.store.store import Store

LEASE = timedelta(minutes=1)
"""How long others wait for a process of another machine that no longer beats."""
_BEAT = 15.0
_LOG = logging.getLogger("argosy.controller")


@contextmanager
def hold(store: Store, subject: str) -> Iterator[Lease | None]:
    """Hold the lease on a subject while the block runs; None where a living process holds it.

    A lease whose owner ran on this machine and is no more is taken over at once.
    """
    lease = _claim(store, subject)
    if lease is None:
        yield None
        return
    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(store, lease, over), name="argosy-lease", daemon=True)
    heart.start()
    try:
        yield lease
    finally:
        over.set()
        heart.join()
        leases.release(store, [lease])


def owner(pid: int | None = None) -> str:
    """A process in words that no other process will ever bear: host, process namespace, number, and time of its start.

    Raises `ProcessLookupError` if there is no such process.
    """
    number = os.getpid() if pid is None else pid
    return f"{_machine()}:{number}:{_started(number)}"


def _claim(store: Store, subject: str) -> Lease | None:
    me = owner()
    lease = leases.claim(store, subject, me, SystemClock().now(), LEASE)
    if lease is not None:
        return lease
    with store.read() as conn:
        held = [each for each in leases.live(conn, SystemClock().now(), subject) if each.name == subject]
    leases.release(store, [each for each in held if gone(each.owner)])
    return leases.claim(store, subject, me, SystemClock().now(), LEASE)


def clear(store: Store, prefix: str) -> None:
    """Give back the leases of processes of this machine that are no more: what they held is free at once."""
    with store.read() as conn:
        held = [each for each in leases.live(conn, SystemClock().now(), prefix) if gone(each.owner)]
    if held:
        leases.release(store, held)


def gone(who: str) -> bool:
    """Whether an owner was a process of this machine that has ended."""
    machine, _, rest = who.rpartition(":")[0].rpartition(":")
    if machine != _machine() or not rest.isdigit():
        return False
    try:
        return owner(int(rest)) != who
    except ProcessLookupError:
        return True


def _machine() -> str:
    """The host and, where the system has them, the namespace that process numbers count in."""
    with contextlib.suppress(OSError):
        return f"{socket.gethostname()}:{os.stat('/proc/self/ns/pid').st_ino}"
    return f"{socket.gethostname()}:0"


def _started(pid: int) -> str:
    """When a process started, in the system's ticks; "0" where the system does not tell. A zombie has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        with contextlib.suppress(PermissionError):  # another user's, and there
            os.kill(pid, 0)
        return "0"
    if fields[0] in "ZX":
        raise ProcessLookupError(pid)
    return fields[19]


def _beat(store: Store, lease: Lease, over: threading.Event) -> None:
    while not over.wait(_BEAT):
        try:
            if not leases.heartbeat(store, [lease], SystemClock().now(), LEASE):
                _LOG.error("the lease on %s was lost; what is done under it will be refused", lease.name)
                return
        except ArgosyError as error:
            _LOG.error("the lease on %s was not extended yet: %s", lease.name, error)
