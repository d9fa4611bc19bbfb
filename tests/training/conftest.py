"""One engine for all tests that train in worker processes: its start is what costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.engine.local import Local
from argosy.store import Store
from argosy.training.fleet import PRELOAD


@pytest.fixture(scope="session")
def engine() -> Iterator[Local]:
    with Local(2, preload=PRELOAD) as running:
        yield running


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened
