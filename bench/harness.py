"""What every bench shares: CPU of a process and its children, peers in environments of their own, the table."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".bench"


@dataclass(frozen=True)
class Row:
    """One line of a bench: ours beside the peer's, in `unit`; None where there is no such figure.

    `more` says that more of the unit is better.
    """

    case: str
    unit: str
    ours: float | None
    peer: float | None = None
    peer_name: str | None = None
    floor: float | None = None
    more: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer; where there is none, ours / floor; None where neither can be said."""
        if self.ours and self.peer:
            return self.ours / self.peer if self.more else self.peer / self.ours
        if self.peer is None and self.floor and self.ours is not None:
            return self.ours / self.floor
        return None


@dataclass(frozen=True)
class Limit:
    """What a figure may come to: at `most`, or at `least`."""

    what: str
    value: float
    most: float | None = None
    least: float | None = None

    def __str__(self) -> str:
        over = self.most is not None and self.value > self.most
        under = self.least is not None and self.value < self.least
        bounds = (("at most", self.most), ("at least", self.least))
        said = ", ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
        return f"{'missed' if over or under else 'held':6}  {self.what}: {self.value:.3g}, {said}"


@dataclass(frozen=True)
class Cost:
    """What a piece of work took, in seconds."""

    cpu: float
    wall: float


def cpu() -> float:
    """CPU seconds, user and system, of this process and of its children that have ended and been waited for."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, kinds))


def tree(pid: int) -> float:
    """CPU seconds of a running process and of everything below it, those that have ended and been waited for too."""
    return sum(processes(pid).values())


def processes(pid: int) -> dict[int, float]:
    """A running process and everything below it, with the CPU seconds of each and of its children that have ended."""
    tick = os.sysconf("SC_CLK_TCK")
    parents: dict[int, tuple[int, float]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
            parents[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / tick)
    found, below = dict[int, float](), [pid]
    while below:
        one = below.pop()
        found[one] = parents.get(one, (0, 0.0))[1]
        below += [child for child, (parent, _) in parents.items() if parent == one]
    return found


def best(work: Callable[[], object], rounds: int = 5) -> Cost:
    """The least CPU and the least wall time of several rounds, each after the last one's result is gone."""
    costs = []
    for _ in range(rounds):
        begun, wall = cpu(), time.perf_counter()
        work()
        costs.append(Cost(cpu() - begun, time.perf_counter() - wall))
    return Cost(min(cost.cpu for cost in costs), min(cost.wall for cost in costs))


def peer(name: str, requirements: Sequence[str]) -> Path:
    """The Python of an environment that holds `requirements`; made once under `.bench/`, again when they change."""
    folder = HOME / name
    python, stamp = folder / "bin" / "python", folder / "requirements.sha256"
    wanted = hashlib.sha256("\n".join((sys.version, *requirements)).encode()).hexdigest()
    if not (stamp.is_file() and stamp.read_text() == wanted):
        print(f"installing {', '.join(requirements)} into {folder.relative_to(ROOT)} ...", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        uv = next((path for path in (ROOT / ".tools/bin/uv", shutil.which("uv")) if path and Path(path).exists()), None)
        venv.create(folder, with_pip=uv is None)
        install = (
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python"]
            if uv
            else [python, "-m", "pip", "install", "--quiet"]
        )
        subprocess.run([*install, *((python,) if uv else ()), *requirements], check=True)
        stamp.write_text(wanted)
    return python


def report(bench: str, rows: Sequence[Row], json_path: Path | None) -> None:
    """Print the table; with `json_path`, also write it as one JSON object."""
    titles = ("case", "unit", "ours", "peer", "peer name", "floor", "ratio")
    cells = [
        (
            row.case,
            row.unit,
            *map(_figure, (row.ours, row.peer)),
            row.peer_name or "-",
            *map(_figure, (row.floor, row.ratio)),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    for line in (titles, tuple("-" * width for width in widths), *cells):
        texts = (
            cell.ljust(width) if i in (0, 1, 4) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join(texts).rstrip())
    if json_path is not None:
        table = [{**asdict(row), "ratio": row.ratio} for row in rows]
        json_path.write_text(json.dumps({"bench": bench, "rows": table}, indent=2) + "\n")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
