"""Two controllers on one home at the same time: leases keep them apart, and nothing is done twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from argosy.controller import tenure
from argosy.controller.clock import SystemClock
from argosy.controller.house import House
from argosy.errors import ConflictError
from argosy.store import leases, schema
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
        with pytest.raises(ConflictError, match="was lost to another"), fresh.write(f"watch:{FLEET}"):
            pass
