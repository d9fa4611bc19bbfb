"""Processes that run pipelines of a project on one home, to be killed, stopped and interrupted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from argosy.store import Store, calls, executions

SOURCE = Path(__file__).parents[2] / "src"
ARGOSY = "import sys\nfrom argosy.cli.app import run\nsys.exit(run(sys.argv[1:]))"
PATIENCE = 120.0


class Line(NamedTuple):
    """A mark that a step left: that it started or ended, in which process, and when (seconds since 1970)."""

    what: str
    call: str
    pid: int
    at: float


class Field:
    """A project and a home. It ends only what it started itself."""

    def __init__(self, root: Path, project: str) -> None:
        self.root = root
        self.home = root / "home"
        self.project = root / "files" / "project.py"
        self.project.parent.mkdir(parents=True)
        self.project.write_text(project)

    def start(self, pipeline: str, *options: str, program: str = ARGOSY, **given: Any) -> subprocess.Popen[str]:
        """`argosy run`, of which stdout is JSON."""
        settings = [f"--set={name}={value}" for name, value in given.items()]
        command = [sys.executable, "-c", program, "run", pipeline, "--project", "project.py", "--json"]
        environment = {**os.environ, "ARGOSY_HOME": str(self.home), "PYTHONPATH": str(SOURCE)}
        return subprocess.Popen(
            [*command, *settings, *options], cwd=self.project.parent, env=environment, text=True,
            start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, pipeline: str, **given: Any) -> dict[str, Any]:
        """A run from its beginning to its end."""
        return told(self.start(pipeline, **given))

    def lines(self) -> list[Line]:
        """All that steps marked so far."""
        file = self.root / "marks"
        found = [each.split() for each in file.read_text().splitlines()] if file.exists() else []
        return [Line(what, call, int(pid), float(at)) for what, call, pid, at in found]

    def ended(self) -> Counter[str]:
        """How often each call ended."""
        return Counter(each.call for each in self.lines() if each.what == "end")

    def wait(self, process: subprocess.Popen[str], true: Callable[[list[Line]], bool]) -> bool:
        """Wait until something is true of the marks; whether it was before the process ended."""
        deadline = time.monotonic() + PATIENCE
        file, seen = self.root / "marks", -1
        while True:
            size = file.stat().st_size if file.exists() else 0
            if size != seen and true(self.lines()):
                return True
            seen = size
            assert time.monotonic() < deadline
            if process.poll() is not None:
                return False
            time.sleep(0.001)

    def processes(self) -> list[int]:
        """Those that run on this home, with their workers."""
        mine, found = f"ARGOSY_HOME={self.home}".encode(), []
        for place in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if mine in place.read_bytes().split(b"\0") and is_there(int(place.parent.name)):
                    found.append(int(place.parent.name))
        return found

    def copy(self, root: Path) -> Field:
        """The same elsewhere, with all that was run here."""
        made = Field(root, self.project.read_text())
        shutil.copytree(self.home, made.home)
        return made

    def made(self, run: int) -> dict[tuple[str, int], Any]:
        """What each call of a run gave."""
        with Store.open(self.home) as store, store.read() as conn:
            found = calls.of(conn, run)
            done = executions.get(conn, {each.execution_id for each in found if each.execution_id is not None})
        return {
            (each.node, each.element): done[each.execution_id].parameters.get("outputs")
            for each in found if each.execution_id is not None
        }  # fmt: skip

    def states(self, run: int) -> dict[str, tuple[str, str]]:
        """What became of each call of a run, and why."""
        with Store.open(self.home) as store, store.read() as conn:
            return {each.node: (each.state, each.reason) for each in calls.of(conn, run)}


def told(process: subprocess.Popen[str], code: int = 0) -> dict[str, Any]:
    """What a process says once it has ended as it should."""
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, error
    found: dict[str, Any] = json.loads(out) if out else {}
    return found


def kill(process: subprocess.Popen[str]) -> None:
    """End a process at once, and it alone."""
    process.kill()
    process.communicate()


def is_there(pid: int) -> bool:
    """Whether a process runs on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
