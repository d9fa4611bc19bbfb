"""A replay of some days, ready to begin; and the small project of the loop's own tests."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from argosy.controller.apply import apply
from argosy.store.store import Store
from tests.controller.conftest import CARRIERS, EXAMPLE, START, fresh, house, landed, project, trained, world

__all__ = ["fresh", "house", "landed", "project", "trained", "world"]

SHORTER = {
    # Within three weeks: drift is measured, canaries are baked, members retrain.
    r'window="14d"': 'window="4d"',
    r"retrain=ag\.older_than.*": 'retrain=ag.older_than("6d") & ag.new_rows(400),',
    r'bake="2d"': 'bake="2d", minimum_rows=5',
    # A latency measured while the machine is busy must not decide in one run what it does not in the other.
    r'"latency_p99_ms", maximum=5': '"latency_p99_ms", maximum=10_000',
}


@pytest.fixture(scope="session")
def begin(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a directory in which a replay may begin: project applied at START, its world, an empty home."""
    whole = tmp_path_factory.mktemp("whole")
    sys.path.insert(0, str(EXAMPLE))
    try:
        import world as outside

        from tests.faults.replay import small
    finally:
        sys.path.remove(str(EXAMPLE))
    part = small(outside.load(whole / "cache"), CARRIERS)

    def made(name: str) -> Path:
        work = tmp_path_factory.mktemp(name)
        (work / "cache" / "world").mkdir(parents=True)
        for field in fields(part):
            getattr(part, field.name).write_parquet(work / "cache" / "world" / f"{field.name}.parquet")
        outside.land_until(part, work / "project" / "data", START.date())
        module = work / "project" / "flights.py"
        shutil.copy(EXAMPLE / "flights.py", module)
        text = module.read_text()
        for pattern, by in SHORTER.items():
            text, count = re.subn(pattern, by, text)
            assert count, pattern
        module.write_text(text)
        with Store.open(work / "home") as store:
            apply(store, module, START, "tester")
        return work

    return made
