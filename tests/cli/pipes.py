"""A project of pipelines for the commands about runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from argosy.controller.clock import SystemClock
from argosy.store import Store, runs

TEXT = """
import os
import time
from pathlib import Path

import argosy as ag


@ag.step
def numbers(n: int) -> list[int]:
    print(f"counting to {n}")
    return list(range(n))


@ag.step
def root(x: int, power: float = 0.5) -> float:
    print(f"root of {x}")
    if os.environ.get("PIPES_BREAK") == str(x):
        print("\\x1b[31mit will\\rbreaks\\x1b[0m")
        raise ValueError(f"no root of {x}")
    with open(os.environ["PIPES_DONE"], "a") as file:
        file.write(f"{x}\\n")
    time.sleep(float(os.environ.get("PIPES_SLEEP", 0)))
    ag.log(root=x**power, about="roots")
    return x**power


@ag.step
def total(xs: list[float]) -> float:
    return sum(xs)


@ag.step
def many(xs: list[int]) -> bool:
    return len(xs) > 10


@ag.step
def tell(xs: list[int]) -> str:
    return "many"


@ag.step(cache=False)
def stamp() -> int:
    return 1


@ag.pipeline
def roots(n: int = 4, power: float = 0.5):
    xs = numbers(n)
    return {
        "total": total(root.map(xs, power=power)), "told": ag.when(many(xs), lambda: tell(xs)), "stamp": stamp(),
    }
"""


class Pipes:
    """The project's directory, its home and what its steps noted down as they were executed."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place, self.home, self.module = place, place / ".argosy", place / "pipes.py"
        self._done = place / "done.txt"
        self.module.write_text(TEXT)
        monkeypatch.chdir(place)
        monkeypatch.setenv("PIPES_DONE", str(self._done))

    def done(self) -> list[int]:
        """The elements that were executed since the last call."""
        found = [int(line) for line in self._done.read_text().split()] if self._done.exists() else []
        self._done.unlink(missing_ok=True)
        return sorted(found)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command in a process of its own."""
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("argosy")), *arguments], cwd=self.place, text=True, env=os.environ,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def wait(self, id: int, state: str, executed: int = 0) -> None:
        """Wait until a run has come to a state, and so many elements are done."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.state(id) == state and (not executed or self._count() >= executed):
                return
            time.sleep(0.05)
        raise AssertionError(f"run {id} is {self.state(id)}, {self._count()} done")

    def state(self, id: int) -> str:
        """The state of a run; nothing where it was not begun."""
        if not (self.home / "argosy.db").exists():
            return ""
        with Store.open(self.home) as store, store.read() as conn:
            known = runs.get(conn, id)
            return runs.states(conn, [id], SystemClock().now())[id] if known else ""

    def _count(self) -> int:
        return len(self._done.read_text().split()) if self._done.exists() else 0
