"""The processes that a task started and left running. Standard library only: workers import this first."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36
_TRACKERS = ("multiprocessing.resource_tracker", "joblib.externals.loky.backend.resource_tracker")
_POOL = "joblib.externals.loky.reusable_executor"


def adopt(wanted: bool) -> None:
    """Whether processes whose parent ends become children of this one, so that none can slip away."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted))


def found() -> set[int]:
    """The children of this process that nobody has collected yet."""
    known: set[int] = set()
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/self/task/{thread}/children", "rb") as file:
            known.update(map(int, file.read().split()))
    return known


def end() -> int:
    """End the children of this process, and theirs; how many were running.

    Not counted are those that libraries keep for the next call: the pool of joblib, the trackers of multiprocessing.
    """
    if sys.platform != "linux" or not _any():
        return 0
    _close_pool()
    trackers = [getattr(sys.modules.get(name), "_resource_tracker", None) for name in _TRACKERS]
    ended = _kill({getattr(tracker, "_pid", None) for tracker in trackers})
    for tracker in filter(None, trackers):  # ends when nobody holds its pipe any more
        with contextlib.suppress(Exception):
            tracker._stop()
    _kill(set())
    return ended


def _any() -> bool:
    """Whether there is a child that runs; collects those that have ended."""
    try:
        while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG):
            continue
    except ChildProcessError:
        return False
    return True


def _kill(spared: set[int | None]) -> int:
    ended = 0
    while _any() and (running := found() - spared):
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in running:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        ended += len(running)
    return ended


def _close_pool() -> None:
    executor = getattr(sys.modules.get(_POOL), "_executor", None)
    if executor is not None:
        with contextlib.suppress(Exception):  # whatever is wrong with it, its processes are ended as the others are
            executor.shutdown(wait=True, kill_workers=True)
