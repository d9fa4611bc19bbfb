"""What starts runs, and what works on them, killed at random moments: each time has one run that succeeded."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from argosy.store import runs
from argosy.store.store import Store
from tests.controller.timetable import START, declare, ended, of

KEEPER = Path(__file__).with_name("timekeeper.py")
HOURS, TIMES, KILLS, PATIENCE = 3.0, 12, 12, 300.0
TEXT = """
@ag.pipeline(schedule="0 */6 * * *", catch_up="all")
def often(span: ag.Span):
    return tell.map([f"{span} {n}" for n in range(50)])
"""


@pytest.fixture
def store(home: Path, tmp_path: Path) -> Iterator[Store]:
    with Store.open(home) as made:
        declare(made, tmp_path / "p", TEXT)
        yield made


def succeeded(store: Store) -> list[datetime | None]:
    """The scheduled times of runs that succeeded."""
    outcomes = ended(store)
    return [run.due_at for run in of(store) if run.id in outcomes and outcomes[run.id].outcome == runs.SUCCEEDED]


def children(pid: int) -> list[int]:
    """The processes that a process started and that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(stat.parent.name))
    return found


@pytest.mark.fault
@pytest.mark.slow
def test_each_time_has_one_run_that_succeeded_whatever_is_killed(store: Store, tmp_path: Path) -> None:
    draw, began = random.Random(20130101), time.time()
    command = [sys.executable, str(KEEPER), store.home, str(began), str(HOURS)]
    kills, orphans, spared = 0, list[int](), 0
    with (tmp_path / "log.txt").open("wb") as log:
        keeper = subprocess.Popen(command, stderr=log)
        try:
            while len(done := succeeded(store)) < TIMES:
                assert time.time() - began < PATIENCE, (kills, done, (tmp_path / "log.txt").read_text()[-3000:])
                time.sleep(draw.uniform(0.05, 1.5))
                if kills >= KILLS:
                    continue
                at_work = children(keeper.pid)
                if draw.random() < 0.5:
                    orphans += at_work
                    keeper.kill()
                    keeper.wait()
                    keeper = subprocess.Popen(command, stderr=log)
                elif at_work and len(done) > spared:  # a run that kills three of its processes is given up
                    with suppress(ProcessLookupError):
                        os.kill(draw.choice(at_work), signal.SIGKILL)
                    spared = len(done)
                kills += 1
        finally:
            keeper.terminate()
            keeper.wait()
    first = [START + timedelta(hours=6 * n) for n in range(1, TIMES + 1)]
    times = succeeded(store)
    assert times[:TIMES] == first and len(times) == len(set(times))
    assert {each.outcome for each in ended(store).values()} == {runs.SUCCEEDED}
    assert len(of(store)) - len(times) <= 1  # the one that was under way
    assert kills >= KILLS
    deadline = time.time() + 60
    while [pid for pid in orphans if Path(f"/proc/{pid}").exists()]:
        assert time.time() < deadline, "a child outlived what had started it"
        time.sleep(0.1)
