"""A store of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.store.store import Store


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """An empty home."""
    with Store.open(home) as made:
        yield made
