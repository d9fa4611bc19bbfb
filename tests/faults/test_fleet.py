"""Members, views and workers that go wrong inside a tick: they fail alone, with their reason; the rest lands."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from argosy.controller import survey
from argosy.controller.action import Materialise, Train, Wait
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.plan import plan
from argosy.store import declarations, events
from tests.controller.conftest import START
from tests.controller.test_loop import FLEET, declare

pytestmark = [pytest.mark.fault, pytest.mark.slow]

HANG = "while True:\n                time.sleep(1)"
GROW = "held = []\n            while True:\n                held.append(bytearray(b'x') * (1 << 25)), time.sleep(0.02)"
KILL = "os.kill(os.getpid(), signal.SIGKILL)"


def members(house: House) -> dict[str, dict[str, Any]]:
    table = survey.observe(house, START).fleets[FLEET].table
    return {row["key"]: row for row in table.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("does", "limit", "reason"),
    [
        (HANG, 'time_limit="5s"', "timeout: ran for"),
        (GROW, "memory_mb=700", "memory: its worker held"),
        (KILL, "memory_mb=1000", "crash: its worker was ended by SIGKILL"),
    ],
)
def test_a_member_that_hangs_or_eats_its_memory_fails_alone(
    fresh: House, project: Path, does: str, limit: str, reason: str
) -> None:
    (project / "fragile.py").write_text(
        "import os, signal, time\n"
        "from lightgbm import LGBMClassifier\n\n\n"
        "class Fragile(LGBMClassifier):\n"
        "    def fit(self, X, y, **more):\n"
        "        if 650 < len(y) < 1200:\n"
        f"            {does}\n"
        "        return super().fit(X, y, **more)\n"
    )
    declare(project, r"from lightgbm import LGBMClassifier", "from fragile import Fragile")
    declare(project, r"LGBMClassifier\(", "Fragile(")
    declare(project, r"minimum_rows=300", f"minimum_rows=300, {limit}")
    apply(fresh.store, project / "flights.py", START, "tester")
    tick(fresh, START)
    rows = members(fresh)
    failed = [key for key, row in rows.items() if row["execution_outcome"] == "failed"]
    landed = [key for key, row in rows.items() if row["version_id"] is not None]
    assert failed and landed and not set(failed) & set(landed)
    assert all(reason in rows[key]["execution_reason"] for key in failed)
    (wait,) = plan(survey.observe(fresh, START), START).actions
    assert isinstance(wait, Wait) and set(failed) <= set(wait.members)


def test_workers_and_nursery_killed_in_the_middle_of_a_training_cost_nothing(fresh: House) -> None:
    killed: list[int] = []
    others = set(_children(os.getpid()))
    over = threading.Event()

    def hunt() -> None:
        while len(killed) < 3 and not over.is_set():
            nurseries = [pid for pid in _children(os.getpid()) if pid not in others]
            workers = [worker for each in nurseries for worker in _children(each)]
            found = [pid for pid in (workers if len(killed) < 2 else nurseries) if pid not in killed]
            if found and (workers or len(killed) == 2):
                os.kill(found[0], signal.SIGKILL)
                killed.append(found[0])
            time.sleep(0.05)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    try:
        done = tick(fresh, START)
    finally:
        over.set()
        hunter.join()
    assert killed and not [each.said for each in done if each.failed]
    assert [each.said for each in done if isinstance(each.action, Train)] == [
        f"{FLEET}: 3 new versions, 0 unchanged, 0 without a model of their own, 0 failed"
    ]


def test_a_nursery_killed_before_its_first_task_is_started_anew(fresh: House) -> None:
    others = set(_children(os.getpid()))
    with fresh.store.read() as conn:
        digest = declarations.current(conn)[0].bundle
    fresh.engine(digest, []).__enter__()
    (nursery,) = set(_children(os.getpid())) - others
    os.kill(nursery, signal.SIGKILL)
    assert not [each.said for each in tick(fresh, START) if each.failed]
    assert members(fresh)["*"]["champion_id"] is not None


def test_a_view_that_raises_says_file_and_line_and_stops_only_the_fleets_that_read_it(
    fresh: House, project: Path
) -> None:
    declare(project, r'return rows\.select\("origin", "observed_at", "temp".*', 'raise ValueError("no such sensor")')
    module = project / "flights.py"
    text = module.read_text()
    line = 1 + text.splitlines().index('    raise ValueError("no such sensor")')
    plain = re.sub(r"ag\.Fleet\(\n.*?,", 'ag.Fleet(\n    "plain",', text[text.index("late =") :])
    plain = re.sub(r"features=\[.*\],", 'features=["distance", "scheduled_minutes", calendar],', plain)
    module.write_text(text + "\n" + plain.replace("late =", "other ="))
    apply(fresh.store, module, START, "tester")
    done = tick(fresh, START)
    (failed,) = [each for each in done if each.failed]
    assert isinstance(failed.action, Materialise) and failed.action.view == "conditions"
    with fresh.store.read() as conn:
        (event,) = [e for e in events.since(conn, limit=10_000) if e.kind == "failed"]
    assert f"ValueError: no such sensor (flights.py line {line}, in conditions)" in event.message
    snapshot = survey.observe(fresh, START)
    assert snapshot.fleets["plain"].table["champion_id"].is_not_null().any()
    assert snapshot.fleets[FLEET].table["version_id"].is_null().all()
    waits = [a for a in plan(snapshot, START).actions if isinstance(a, Wait)]
    assert [wait.about for wait in waits] == ["view conditions"]

    tick(fresh, START)
    with fresh.store.read() as conn:
        assert len([e for e in events.since(conn, limit=10_000) if e.kind == "failed"]) == 1


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
