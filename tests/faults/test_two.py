"""Two controllers on one home at the same time: leases keep them apart, and nothing is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from argosy.controller import tenure
from argosy.controller.action import Train
from argosy.controller.clock import SystemClock
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.errors import LeaseError
from argosy.store import events, leases, schema
from tests.controller.conftest import START
from tests.controller.test_loop import FLEET
from tests.faults import facts

pytestmark = [pytest.mark.fault, pytest.mark.slow]

CONTROLLER = """
import sys, time
from datetime import datetime
from argosy.controller import survey
from argosy.controller.action import Wait
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.plan import plan
from argosy.store.store import Store

now = datetime.fromisoformat(sys.argv[2])
with Store.open(sys.argv[1], create=False) as store, House(store, workers=1) as house:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(600):
        for done in tick(house, now):
            print(type(done.action).__name__, done.failed, done.said)
        if all(isinstance(action, Wait) for action in plan(survey.observe(house, now), now).actions):
            break
        time.sleep(0.05)
    else:
        sys.exit("never done")
"""


def test_two_controllers_do_everything_once(fresh: House, trained: Path) -> None:
    command = [sys.executable, "-c", CONTROLLER, fresh.store.home, START.isoformat()]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for each in both:
        assert each.stdout is not None and each.stdout.readline() == "ready\n"
    said = []
    for each in both:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in both:
        said.append(each.communicate(timeout=240)[0].splitlines())
        assert each.returncode == 0
    assert not [line for lines in said for line in lines if " True " in line]
    home = Path(fresh.store.home)
    assert facts.doubles(home) == []
    with fresh.store.read() as conn:
        for table, columns in {
            schema.verdict: ("version_id", "gate"),
            schema.decision: ("member_id", "action", "at"),
            schema.alias: ("member_id", "alias", "at", "target"),
            schema.ingested: ("dataset", "source_key"),
        }.items():
            found = Counter(map(tuple, conn.execute(select(*(table.c[name] for name in columns)))))
            assert found and set(found.values()) == {1}, table.name
    mine, theirs = facts.gather(home), facts.gather(trained)
    for kind in ("versions", "standing", "datasets", "verdicts", "decisions"):
        assert mine[kind] == theirs[kind], kind


def test_the_lease_of_a_process_that_was_killed_is_taken_over_at_once_and_of_a_living_one_never(fresh: House) -> None:
    program = (
        "import sys, time\nfrom argosy.controller import tenure\nfrom argosy.store.store import Store\n"
        "with Store.open(sys.argv[1]) as store, tenure.hold(store, 'dataset:flights') as lease:\n"
        "    print(lease is not None, flush=True)\n    time.sleep(600)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", program, fresh.store.home], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "True\n"
    with tenure.hold(fresh.store, "dataset:flights") as lease:
        assert lease is None
    other.kill()
    other.wait()
    other.stdout.close()
    with tenure.hold(fresh.store, "dataset:flights") as lease:
        assert lease is not None and lease.owner == tenure.owner()


def test_the_lease_of_another_machine_is_waited_for(fresh: House) -> None:
    now = SystemClock().now()
    leases.claim(fresh.store, "dataset:flights", "elsewhere:4026531836:1:1", now, timedelta(minutes=1))
    with tenure.hold(fresh.store, "dataset:flights") as lease:
        assert lease is None


def test_what_was_done_under_a_lost_lease_is_refused(fresh: House) -> None:
    with tenure.hold(fresh.store, f"watch:{FLEET}") as lease:
        assert lease is not None
        fresh.take(lease)
        leases.release(fresh.store, [lease])
        leases.claim(fresh.store, f"watch:{FLEET}", "another", SystemClock().now(), timedelta(minutes=1))
        with pytest.raises(LeaseError, match="was lost to another"), fresh.write(f"watch:{FLEET}"):
            pass


# One tick whose process is put to sleep when the first results of its training are there.
SLEEPER = """
import os, signal, sys
from datetime import datetime
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.store.store import Store

def sleep(action, progress):
    if progress.done == 1 and not slept:
        slept.append(True)
        os.kill(os.getpid(), signal.SIGSTOP)

slept = []
with Store.open(sys.argv[1], create=False) as store, House(store, workers=1, actor="sleeper") as house:
    for done in tick(house, datetime.fromisoformat(sys.argv[2]), on_progress=sleep):
        print(type(done.action).__name__, done.failed, done.said)
"""


def test_a_training_that_slept_through_its_lease_records_nothing_and_its_successor_all(
    fresh: House, trained: Path
) -> None:
    command = [sys.executable, "-c", SLEEPER, fresh.store.home, START.isoformat()]
    sleeper = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        _asleep(sleeper.pid)
        _time_passes(fresh, f"fleet:{FLEET}")
        done = tick(fresh, START)
        assert not [each.said for each in done if each.failed]
        assert [each.said for each in done if isinstance(each.action, Train)] == [
            f"{FLEET}: 3 new versions, 0 unchanged, 0 without a model of their own, 0 failed"
        ]
        os.kill(sleeper.pid, signal.SIGCONT)
        said = sleeper.communicate(timeout=120)[0].splitlines()
    finally:
        sleeper.kill()
        sleeper.wait()
    (training,) = [line for line in said if line.startswith("Train ")]
    assert training.startswith(f"Train True left to another process: lease fleet:{FLEET} of ")
    home = Path(fresh.store.home)
    assert facts.doubles(home) == []
    mine, theirs = facts.gather(home), facts.gather(trained)
    for kind in ("versions", "standing", "verdicts", "decisions", "signals"):
        assert mine[kind] == theirs[kind], kind
    with fresh.store.read() as conn:
        told = events.of_subject(conn, FLEET) + events.of_subject(conn, f"fleet:{FLEET}")
    assert [event.actor for event in told if event.kind in ("trained", "failed")] == ["controller"]


def _asleep(pid: int) -> None:
    """Wait until a process is stopped."""
    deadline = time.monotonic() + 120
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _time_passes(house: House, subject: str) -> None:
    """More than a lease's time, in which somebody else has held the subject and given it back."""
    later = SystemClock().now() + 2 * tenure.LEASE
    claimed = leases.claim(house.store, subject, "another", later, tenure.LEASE)
    assert claimed is not None
    leases.release(house.store, [claimed])
