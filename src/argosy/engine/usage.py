"""What a task used: CPU seconds, wall seconds, and the highest resident memory."""

from __future__ import annotations

import os
import resource
import sys
import time

_PAGE = resource.getpagesize()
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_RESET_PEAK = b"5"  # proc(5), /proc/pid/clear_refs: "reset the peak resident set size"


def resident(pid: int) -> int:
    """Resident bytes of a process; 0 if it is gone or the system has no /proc."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def threads() -> int:
    """The number of threads of this process; 1 where the system has no /proc."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


class Meter:
    """Measures tasks that run one after another in this process.

    Where the kernel cannot reset the peak of resident memory, a task's peak is that of the process so far.
    """

    def __init__(self) -> None:
        try:
            self._peak = os.open("/proc/self/clear_refs", os.O_WRONLY)
        except OSError:
            self._peak = -1
        self._cpu = self._wall = self._started = 0.0

    def start(self) -> None:
        """Begin a task."""
        if self._peak >= 0:
            os.write(self._peak, _RESET_PEAK)
        self._started = time.time()
        self._cpu = time.process_time()
        self._wall = time.perf_counter()

    def stop(self) -> tuple[float, float, int, float]:
        """End the task: its CPU seconds (all threads), wall seconds, peak resident bytes, and when it started."""
        wall = time.perf_counter() - self._wall
        cpu = time.process_time() - self._cpu
        return cpu, wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT, self._started
