"""A retraining killed before each of its commits in turn: whoever goes on ends with the same facts."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.store.store import Store
from tests.controller.conftest import START
from tests.controller.test_loop import declare
from tests.faults import facts
from tests.faults.replay import ROOT

pytestmark = [pytest.mark.fault, pytest.mark.slow]

# One tick that ends itself before one of its commits; the number 0 lets it come to its end.
TICK = """
import sys
from datetime import datetime
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from tests.faults.replay import count_commits
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.store.store import Store

with Store.open(sys.argv[1], create=False) as store, House(store, workers=2) as house:
    count_commits(Path(sys.argv[1]) / "commits", int(sys.argv[3]) or None)
    tick(house, datetime.fromisoformat(sys.argv[2]))
"""


def run(home: Path, last: int) -> int:
    command = [sys.executable, "-c", TICK, str(home), START.isoformat(), str(last), str(ROOT)]
    return subprocess.run(command, timeout=120, capture_output=True).returncode


@pytest.fixture(scope="module")
def differing(trained: Path, landed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """Kinds of facts that came out otherwise, each with the commits before which the tick had been killed."""
    folder = tmp_path_factory.mktemp("resume")
    project, declared, whole = folder / "project", folder / "declared", folder / "whole"
    shutil.copytree(landed / "project", project)
    shutil.copytree(trained, declared)
    with Store.open(declared) as store:
        apply(store, project / "flights.py", START, "tester")
        declare(project, r"num_leaves=7", "num_leaves=5")
        apply(store, project / "flights.py", START, "tester")
    shutil.copytree(declared, whole)
    assert run(whole, 0) == 0
    expected = facts.gather(whole)
    commits = (whole / "commits").stat().st_size
    assert commits > 5
    found: dict[str, list[int]] = {kind: [] for kind in expected}
    for last in range(1, commits + 1):
        home = folder / f"killed{last}"
        shutil.copytree(declared, home)
        assert run(home, last) == -signal.SIGKILL
        with Store.open(home) as store, House(store, workers=2) as house:
            assert not [each.said for each in tick(house, START) if each.failed]
        assert facts.doubles(home) == []
        for kind, rows in facts.gather(home).items():
            if rows != expected[kind]:
                found[kind].append(last)
    return found


def test_a_retraining_killed_before_any_of_its_commits_ends_with_the_same_facts(
    differing: dict[str, list[int]],
) -> None:
    assert {kind: commits for kind, commits in differing.items() if commits and kind != "versions"} == {}


def test_members_of_a_resumed_training_are_compared_with_the_pooled_model_that_it_had_made(
    differing: dict[str, list[int]],
) -> None:
    assert differing["versions"] == []
