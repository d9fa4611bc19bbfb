"""What is told of a run at its end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from argosy.store import Store
from tests.cli.conftest import Run

TEXT = """
import time
from pathlib import Path

import argosy as ag
import polars as pl


@ag.step
def rows() -> ag.Table:
    return pl.DataFrame({"x": range(20_000)})


@ag.step
def total(rows: ag.Table, add: int) -> int:
    return rows["x"].sum() + add


@ag.step
def half(n: int) -> int:
    if n % 2:
        raise ValueError("odd")
    return n // 2


@ag.step
def wait(gate: str) -> None:
    while not Path(gate).exists():
        time.sleep(0.01)


@ag.pipeline
def waits(gate: str):
    return wait.map([gate])


@ag.pipeline
def halves(count: int):
    return half.map(half.map(list(range(count)), keep_going=True), keep_going=True)


@ag.pipeline
def go(add: int = 0):
    return total(rows(), add)
"""


def test_a_run_that_met_a_damaged_result_tells_how_it_made_it_anew(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "damage.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    assert run("run", "go").code == 0
    with Store.open(tmp_path / ".argosy") as store:
        (large,) = (path for path in store.blobs.root.rglob("*") if path.is_file() and path.stat().st_size > 100_000)
    large.write_bytes(bytes(100_000))
    found = run("run", "go", "--set", "add=1")
    assert found.code == 0
    told = [line.split()[:2] for line in found.err.splitlines() if line.startswith("  ") and " at work, " not in line]
    assert told[:5] == [
        ["rows", "cached"],
        ["total:", "exception:"],
        ["total", "failed"],
        ["rows", "done"],
        ["total", "done"],
    ]
    assert f"{large.name} does not match its content address" in found.err
    assert "nothing of run 2 (its steps) failed" in run("logs", "2", "--failed").err


def test_a_map_is_told_in_one_line_whatever_came_of_its_elements(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "damage.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    found = run("run", "halves", "--set", "count=8")
    told = [line.partition("calls:")[2].partition("  ")[0] for line in found.err.splitlines() if "calls:" in line]
    assert told == [" 4 done, 4 failed", " 2 cached, 2 failed, 4 skipped"]
    assert "an element that it needs is missing" not in found.err


def test_a_run_that_is_followed_tells_of_no_call_that_it_did_not_see(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "damage.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    command = [str(Path(sys.executable).with_name("argosy")), "run", "waits", "--set", f"gate={tmp_path / 'gate'}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as other:
        while other.poll() is None and "running" not in run("runs").out:
            time.sleep(0.1)
        threading.Timer(0.3, (tmp_path / "gate").touch).start()
        found = run(*command[1:])
    assert "run 1 of waits is under way in another process; it is followed" in found.err
    assert "run 1 succeeded" in found.err and "empty list" not in found.err
