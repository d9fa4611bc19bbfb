"""Children of a command: they do what they are ordered, and none outlives its parent, however stubborn it is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from argosy.controller.child import Child, Order

PARENT = """
import time
from collections.abc import Callable
from argosy.controller.child import Child, Order
Child("stubborn", Order("stubborn:work", {})).start()
time.sleep(600)
"""
STUBBORN = """
import os, pathlib, signal, time
from argosy.controller import child
child._GRACE_SECONDS = 0.5
def work():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pathlib.Path("pid").write_text(str(os.getpid()))
    time.sleep(600)
"""


def test_a_child_does_what_it_was_ordered(tmp_path: Path) -> None:
    with Child("maker", Order("os:mkdir", {"path": str(tmp_path / "made")})) as child:
        assert child.alive and child.pid is not None
        for _ in range(600):
            if child.code is not None:
                break
            time.sleep(0.05)
        assert child.code == 0
    assert (tmp_path / "made").is_dir()


@pytest.mark.slow
def test_a_child_that_does_not_heed_the_end_of_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    kept = os.environ | {"PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=tmp_path, env=kept) as parent:
        try:
            _wait(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
        finally:
            parent.kill()
    pid = int((tmp_path / "pid").read_text())
    _wait(lambda: _gone(pid))


def _wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
