"""Memory of a server: all processes of its tree."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from harness import processes

_RESET_PEAK = "5"


def shared(pid: int) -> float:
    """MiB of a tree, what several processes share counted once (PSS)."""
    return sum(_kilobytes(each, "smaps_rollup", "Pss:") for each in processes(pid)) / 1024


def rest(pid: int) -> dict[int, float]:
    """MiB of each process of a tree now; from here on its peak counts anew."""
    found = {}
    for each in processes(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            Path(f"/proc/{each}/clear_refs").write_text(_RESET_PEAK)
        found[each] = _kilobytes(each, "status", "VmRSS:") / 1024
    return found


def growth(pid: int, before: dict[int, float]) -> float:
    """MiB by which the peaks of the processes exceed what they had `before`, in all."""
    return sum(max(0.0, _kilobytes(each, "status", "VmHWM:") / 1024 - before.get(each, 0)) for each in processes(pid))


def _kilobytes(pid: int, file: str, field: str) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        _, found, after = Path(f"/proc/{pid}/{file}").read_text().partition(field)
        if found:
            return int(after.split()[0])
    return 0  # it ended, or is about to
